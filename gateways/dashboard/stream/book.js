// One book, kept by the rules of docs/stream.md: snapshot or next of the chain, levels set one by one, each side cut to the
// depth, the checksum compared. What does not hold is a fault, and the book is not to be shown as live until a snapshot comes.
import { scaled } from '../format/decimal.js';
import { Chain } from './chain.js';
import { bookChecksum } from './checksum.js';

/** [price, quantity, orders] of the stream with the integers that are compared and summed. */
const levelOf = ([price, quantity, orders]) =>
  ({ price, quantity, orders, scaledPrice: scaled(price), scaledQuantity: scaled(quantity) });

function setLevel(levels, level, descending) {
  let low = 0, high = levels.length;
  while (low < high) {
    const middle = (low + high) >> 1, there = levels[middle].scaledPrice;
    if (descending ? there > level.scaledPrice : there < level.scaledPrice) low = middle + 1;
    else high = middle;
  }
  const same = low < levels.length && levels[low].scaledPrice === level.scaledPrice;
  if (level.scaledQuantity === 0) {
    if (same) levels.splice(low, 1);
  } else {
    levels.splice(low, same ? 1 : 0, level);
  }
}

export class Book {
  constructor() {
    this.chain = new Chain();
    this.bids = []; // best first: { price, quantity, orders, scaledPrice, scaledQuantity }
    this.asks = [];
    this.depth = 0;
    this.checksumFault = false;
  }

  /** Complete and verified: may be shown as what it says it is. */
  get verified() {
    return this.chain.known && !this.checksumFault;
  }

  /**
   * 'snapshot', 'applied', 'state' (no levels in it), 'chain' or 'checksum' (a fault: ask for a snapshot), 'waiting' (for one),
   * 'early' (nothing is known yet). */
  take(message) {
    const place = this.checksumFault && message.snapshot !== true ? 'waiting' : this.chain.take(message);
    if (place === 'waiting' || place === 'early') return place;
    if (place === 'fault') return 'chain';
    if (place === 'snapshot') this.bids = [], this.asks = [];
    this.#apply(message);
    this.checksumFault = bookChecksum(this.bids, this.asks, message.depth) !== message.checksum;
    if (this.checksumFault) return 'checksum';
    if (place === 'snapshot') return 'snapshot';
    return message.seq === message.prev_seq && message.bids.length + message.asks.length === 0 ? 'state' : 'applied';
  }

  #apply({ bids, asks, depth }) {
    for (const change of bids) setLevel(this.bids, levelOf(change), true);
    for (const change of asks) setLevel(this.asks, levelOf(change), false);
    if (this.bids.length > depth) this.bids.length = depth;
    if (this.asks.length > depth) this.asks.length = depth;
    this.depth = depth;
  }

  /** Where to go on after a lost connection; undefined: only a snapshot will do. */
  resumePoint() {
    return this.verified ? { epoch: this.chain.epoch, seq: this.chain.seq, depth: this.depth } : undefined;
  }
}

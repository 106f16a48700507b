// The receiver's side of docs/protocol.md a second time, written from that page and the .proto comments alone: the
// books, the rules of the chain, the checksum. Runs in a browser, too.

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value >>> 0;
});

/** CRC-32C (Castagnoli). */
export function crc32c(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = crcTable[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** The checksum over two sides, each best first: [{ price, quantity, orders }]. */
export function bookChecksum(bids, asks, depth) {
  const most = Math.min(10, depth);
  const sides = [bids.slice(0, most), asks.slice(0, most)];
  const bytes = new DataView(new ArrayBuffer(2 + 16 * (sides[0].length + sides[1].length)));
  let at = 0;
  for (const side of sides) {
    bytes.setUint8(at++, side.length);
    for (const level of side) {
      bytes.setBigInt64(at, level.price, true);
      bytes.setBigUint64(at + 8, level.quantity, true);
      at += 16;
    }
  }
  return crc32c(new Uint8Array(bytes.buffer));
}

const changesOf = (prices, quantities, orders) => {
  if (prices.length !== quantities.length || prices.length !== orders.length)
    throw new Error('the three arrays of a side differ in length');
  return prices.map((price, index) => ({ price, quantity: quantities[index], orders: orders[index] }));
};

function applySide(levels, changes, better, depth) {
  for (const change of changes) {
    let at = 0;
    while (at < levels.length && better(levels[at].price, change.price)) at++;
    const there = at < levels.length && levels[at].price === change.price;
    if (change.quantity === 0n) {
      if (there) levels.splice(at, 1);
    } else {
      levels.splice(at, there ? 1 : 0, change);
    }
  }
  levels.length = Math.min(levels.length, depth);
}

/** One book: of one exchange, symbol and channel. take() says what became of a message. */
export class Book {
  constructor() {
    this.bids = [];
    this.asks = [];
    this.seq = undefined; // never synchronised
    this.epoch = '';
    this.term = 0n;
    this.fault = null; // 'chain' or 'checksum' while one is open
    this.held = [];
    this.state = 'BOOK_OK';
    this.cause = 'CAUSE_NONE';
  }

  get inSync() {
    return this.seq !== undefined && this.fault === null;
  }

  /** 'applied', 'state', 'snapshot', 'old term', 'seen', 'ignored', 'held' (ask for a snapshot), 'checksum'. */
  take(update) {
    if (update.term < this.term) return 'old term';
    if (update.snapshot) return this.#takeSnapshot(update);
    if (update.prevSeq === 0n) {
      this.bids = [];
      this.asks = [];
      this.held = [];
      return this.#apply(update);
    }
    const mine = this.seq !== undefined && update.epoch === this.epoch;
    if (mine && this.fault !== 'checksum' && update.prevSeq === this.seq) {
      const outcome = this.#apply(update);
      this.#replay();
      return outcome;
    }
    if (mine && update.seq <= this.seq) return 'seen';
    this.fault ??= 'chain';
    this.held.push(update);
    return 'held';
  }

  #takeSnapshot(update) {
    if (this.inSync && update.term === this.term) return 'ignored';
    this.bids = [];
    this.asks = [];
    this.#apply(update);
    if (this.fault) return 'checksum';
    this.#replay();
    return 'snapshot';
  }

  #replay() {
    const held = this.held.splice(0);
    for (const later of held) this.take(later);
  }

  #apply(update) {
    const bids = changesOf(update.bidPrices, update.bidQuantities, update.bidOrders);
    const asks = changesOf(update.askPrices, update.askQuantities, update.askOrders);
    applySide(this.bids, bids, (a, b) => a > b, update.depth);
    applySide(this.asks, asks, (a, b) => a < b, update.depth);
    const stateOnly = !update.snapshot && update.seq === update.prevSeq && bids.length + asks.length === 0;
    for (const name of ['seq', 'epoch', 'term', 'state', 'cause', 'depth', 'priceExponent']) this[name] = update[name];
    this.fault = bookChecksum(this.bids, this.asks, update.depth) === update.checksum ? null : 'checksum';
    if (this.fault) return 'checksum';
    return stateOnly ? 'state' : 'applied';
  }
}

/** Plain values to compare and print. */
export const levelsOf = (levels) => levels.map(({ price, quantity, orders }) => `${price} ${quantity} ${orders}`);

// All that the stream told, by instrument and feed; what changed since it was last drawn; and what did not hold, counted.
import { parseSubject } from '../stream/subject.js';
import { Instrument } from './instrument.js';
import { worseOf } from './state.js';
import { Latency } from './latency.js';

const CHANNEL_OF = { book: 'orderbook', quote: 'quote', trades: 'trade', status: 'status' };

export class Market {
  /** `onFault(subject)` asks for a snapshot; `onEarly(subject)`: an update came before the first one; `onSnapshot(subject)` says that one came; `onCandle(parts, message)`. */
  constructor({ onFault = () => {}, onEarly = () => {}, onSnapshot = () => {}, onCandle = () => {}, onFeed = () => {} } = {}) {
    Object.assign(this, { onFault, onEarly, onSnapshot, onCandle, onFeed });
    this.instruments = new Map(); // key -> Instrument
    this.feeds = new Map(); // subject -> { message, since, parts, heard: by this connection }
    this.dirty = new Set(); // instruments whose quote, trade, status or trust is new
    this.dirtyBooks = new Set();
    this.dirtyTapes = new Set();
    this.feedsDirty = true;
    this.latency = new Latency();
    this.counts = { messages: 0, updates: 0, chainFaults: 0, checksumFaults: 0, resyncs: 0, merged: 0, unknown: 0 };
  }

  instrument(key) {
    let one = this.instruments.get(key);
    if (!one) this.instruments.set(key, (one = new Instrument(key, () => this.feedState(one.mic))));
    return one;
  }

  forget(key) {
    const one = this.instruments.get(key);
    this.instruments.delete(key);
    for (const set of [this.dirty, this.dirtyBooks, this.dirtyTapes]) set.delete(one);
  }

  /** Any message but hello, pong and closing. `at`: browser's clock, ms; `offset`: the server's clock minus it. */
  take(message, at, offset) {
    this.counts.messages++;
    const channel = CHANNEL_OF[message.type];
    if (channel) this.#takeChannel(channel, message, at, offset);
    else if (message.type === 'feed') this.#takeFeed(message, at);
    else if (message.type === 'candle') this.onCandle(parseSubject(message.subject), message);
    else if (message.type !== 'heartbeat') this.counts.unknown++;
  }

  #takeChannel(channel, message, at, offset) {
    const parts = parseSubject(message.subject);
    const one = parts && this.instruments.get(parts.key);
    if (!one) return; // left meanwhile
    this.counts.updates++;
    const merged = message.merged ?? 1;
    if (merged > 1) this.counts.merged += merged - 1;
    const awaited = channel === 'orderbook' ? one.book && !one.book.verified && one.book.chain.seq !== undefined : one.chains[channel]?.broken;
    const outcome = one.take(channel, message);
    if (outcome === 'ok') {
      if (message.snapshot === true) {
        this.onSnapshot(message.subject);
        if (awaited) this.counts.resyncs++;
      }
      this.latency.take(message, at, offset);
    } else if (outcome === 'early') {
      this.onEarly(message.subject);
    } else {
      if (outcome === 'chain') this.counts.chainFaults++;
      if (outcome === 'checksum') this.counts.checksumFaults++;
      this.onFault(message.subject);
    }
    this.#mark(channel, one);
  }

  #mark(channel, one) {
    this.dirty.add(one);
    if (channel === 'orderbook') this.dirtyBooks.add(one);
    if (channel === 'trade') this.dirtyTapes.add(one);
  }

  #takeFeed(message, at) {
    const had = this.feeds.get(message.subject);
    const same = had && had.message.state === message.state && had.message.cause === message.cause;
    const parts = had?.parts ?? parseSubject(message.subject);
    if (!parts) return;
    const isNew = !had || had.message.epoch !== message.epoch;
    this.feeds.set(message.subject, { message, parts, since: same ? had.since : at, heard: true });
    this.feedsDirty = true;
    if (!same || !had.heard) this.#markExchange(parts.mic);
    if (isNew) this.onFeed(parts.mic);
  }

  /** The worst that this connection has heard of an exchange's feeds; undefined: nothing. */
  feedState(mic) {
    let worst;
    for (const { message, parts, heard } of this.feeds.values()) {
      if (!heard || parts.mic !== mic) continue;
      if (!worst || worseOf(worst.state, message.state) !== worst.state) worst = { state: message.state, cause: message.cause };
    }
    return worst;
  }

  // What was only gone on with is worth what its feed is.
  #markExchange(mic) {
    for (const one of this.instruments.values()) {
      if (one.mic !== mic || one.resumedOnly.size === 0) continue;
      this.dirty.add(one);
      this.dirtyBooks.add(one);
    }
  }

  /** Nothing that is shown is known to be live. */
  disconnected() {
    for (const feed of this.feeds.values()) feed.heard = false;
    for (const one of this.instruments.values()) {
      one.disconnected();
      this.dirty.add(one);
    }
    this.feedsDirty = true;
  }

  /** The connection's state is another one: everything shows it. */
  markAll() {
    for (const one of this.instruments.values()) this.dirty.add(one);
    this.feedsDirty = true;
  }

  /** Where the subject's channel can go on after a lost connection. */
  resumePoint(subject) {
    const parts = parseSubject(subject), one = parts && this.instruments.get(parts.key);
    if (!one) return undefined;
    if (parts.channel === 'orderbook') return one.book?.resumePoint();
    const chain = one.chains[parts.channel];
    return chain?.known ? { epoch: chain.epoch, seq: chain.seq } : undefined;
  }

  resumed(subject) {
    const parts = parseSubject(subject), one = parts && this.instruments.get(parts.key);
    if (!one) return;
    one.resumed(parts.channel);
    this.#mark(parts.channel, one);
  }
}

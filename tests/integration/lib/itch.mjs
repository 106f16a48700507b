// NASDAQ TotalView-ITCH 5.0 a second time, as much as the tests need: builds and reads messages, BinaryFILE and
// MoldUDP64, and keeps a plain reference of what the books and the tape of a day must be.
import { readFileSync } from 'node:fs';

const NS_PER_HOUR = 3_600_000_000_000n;
export const morning = 10n * NS_PER_HOUR; // ns since midnight

function message(type, locate, ns, body) {
  const head = Buffer.alloc(11);
  head.write(type, 0, 'latin1');
  head.writeUInt16BE(locate, 1);
  head.writeUIntBE(Number(ns >> 32n), 5, 2);
  head.writeUInt32BE(Number(ns & 0xffffffffn), 7);
  return Buffer.concat([head, ...body]);
}
const text = (value, length) => Buffer.from(value.padEnd(length), 'latin1');
const u32 = (value) => { const b = Buffer.alloc(4); b.writeUInt32BE(value); return b; };
const u64 = (value) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(value)); return b; };

let clock = morning; // messages built without a time are a microsecond apart
const now = (ns) => ns ?? (clock += 1000n);

export const system = (code, ns) => message('S', 0, now(ns), [text(code, 1)]);
export const directory = (locate, stock, ns, roundLot = 100) =>
  message('R', locate, now(ns), [text(stock, 8), text('QN', 2), u32(roundLot), text('NCZ PNN1N', 9), u32(0), text('N', 1)]);
export const action = (locate, stock, state = 'T', reason = '', ns) =>
  message('H', locate, now(ns), [text(stock, 8), text(state, 1), text(' ', 1), text(reason, 4)]);
export const add = (locate, stock, id, side, shares, price, ns) =>
  message('A', locate, now(ns), [u64(id), text(side, 1), u32(shares), text(stock, 8), u32(price)]);
export const execute = (locate, id, shares, match, ns) => message('E', locate, now(ns), [u64(id), u32(shares), u64(match)]);
export const cancel = (locate, id, shares, ns) => message('X', locate, now(ns), [u64(id), u32(shares)]);
export const remove = (locate, id, ns) => message('D', locate, now(ns), [u64(id)]);
export const broken = (locate, match, ns) => message('B', locate, now(ns), [u64(match)]);
export const unknownType = (locate, ns) => message('~', locate, now(ns), [text('????', 4)]);

/** BinaryFILE framing; `end` writes the mark of length 0. */
export const binaryFile = (messages, { end = false } = {}) => Buffer.concat([
  ...messages.flatMap((m) => [Buffer.from([m.length >> 8, m.length & 255]), m]), ...(end ? [Buffer.from([0, 0])] : [])]);

export function readBinaryFile(file) {
  const bytes = readFileSync(file), messages = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt16BE(at);
    if (length === 0) break;
    messages.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return messages;
}

/** MoldUDP64. */
export function packet(session, seq, messages, count = messages.length) {
  const head = Buffer.alloc(20);
  head.write(session.padEnd(10), 0, 'latin1');
  head.writeBigUInt64BE(BigInt(seq), 10);
  head.writeUInt16BE(count, 18);
  return Buffer.concat([head, ...messages.flatMap((m) => [Buffer.from([m.length >> 8, m.length & 255]), m])]);
}
export const heartbeat = (session, next) => packet(session, next, [], 0);
export const endOfSession = (session, next) => packet(session, next, [], 0xffff);

export const timeOf = (m) => (BigInt(m.readUIntBE(5, 2)) << 32n) | BigInt(m.readUInt32BE(7));

/** A day as the specification tells it: books by order, prints by message. */
export class ReferenceDay {
  constructor() {
    this.names = new Map(); // locate -> symbol
    this.orders = new Map(); // id -> { symbol, side, price, shares }
    this.books = new Map(); // symbol -> [Map price -> { quantity, orders }, the same for asks]
    this.prints = new Map(); // symbol -> [{ seq, kind, price, quantity, matchId }]
    this.seq = 0n;
  }

  #level(order, shares, count) {
    if (!this.books.has(order.symbol)) this.books.set(order.symbol, [new Map(), new Map()]);
    const side = this.books.get(order.symbol)[order.side];
    const level = side.get(order.price) ?? { quantity: 0n, orders: 0 };
    level.quantity += shares;
    level.orders += count;
    if (level.orders === 0) side.delete(order.price);
    else side.set(order.price, level);
  }

  #enter(id, order) {
    this.orders.set(id, order);
    this.#level(order, order.shares, 1);
  }

  #take(id, shares) {
    const order = this.orders.get(id);
    const gone = shares === undefined || shares === order.shares;
    this.#level(order, -(shares ?? order.shares), gone ? -1 : 0);
    if (gone) this.orders.delete(id);
    else order.shares -= shares;
    return order;
  }

  #print(symbol, kind, price, quantity, matchId) {
    if (!this.prints.has(symbol)) this.prints.set(symbol, []);
    this.prints.get(symbol).push({ seq: this.seq, kind, price, quantity, matchId });
  }

  apply(m) {
    this.seq++;
    const kind = String.fromCharCode(m[0]), locate = m.readUInt16BE(1);
    const stock = (at) => m.toString('latin1', at, at + 8).trimEnd();
    const long = (at) => m.readBigUInt64BE(at), word = (at) => BigInt(m.readUInt32BE(at));
    if (kind === 'R') this.names.set(locate, stock(11));
    const symbol = this.names.get(locate);
    switch (kind) {
      case 'A': case 'F':
        this.#enter(long(11), { symbol, side: m[19] === 0x42 ? 0 : 1, shares: word(20), price: word(32) });
        break;
      case 'E': {
        const { price } = this.#take(long(11), word(19));
        this.#print(symbol, 'PRINT_TRADE', price, word(19), long(23));
        break;
      }
      case 'C':
        this.#take(long(11), word(19));
        if (m[31] === 0x59) this.#print(symbol, 'PRINT_TRADE', word(32), word(19), long(23));
        break;
      case 'X': this.#take(long(11), word(19)); break;
      case 'D': this.#take(long(11)); break;
      case 'U': {
        const { side } = this.#take(long(11));
        this.#enter(long(19), { symbol, side, shares: word(27), price: word(31) });
        break;
      }
      case 'P': this.#print(symbol, 'PRINT_HIDDEN', word(32), word(20), long(36)); break;
      case 'Q': if (long(11) > 0n) this.#print(symbol, 'PRINT_CROSS', word(27), long(11), long(31)); break;
      case 'B': this.#print(symbol, 'PRINT_BREAK', undefined, 0n, long(11)); break;
      default: break;
    }
    return symbol;
  }

  /** The best `depth` levels of a side (0 bids, 1 asks) as "price quantity orders", best first. */
  top(symbol, side, depth) {
    const levels = [...(this.books.get(symbol)?.[side] ?? [])];
    levels.sort(([a], [b]) => (a < b ? -1 : 1) * (side === 0 ? -1 : 1));
    return levels.slice(0, depth).map(([price, { quantity, orders }]) => `${price} ${quantity} ${orders}`);
  }
}

// Books in the browser: the checksum, the chain, and a random day beside the oracle of the integration tests, which was
// written from the protocol's page alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimalOf, scaled } from '../../gateways/dashboard/format/decimal.js';
import { Book } from '../../gateways/dashboard/stream/book.js';
import { Chain } from '../../gateways/dashboard/stream/chain.js';
import { bookChecksum, crc32c } from '../../gateways/dashboard/stream/checksum.js';
import { parseSubject, subjectOf, tokenOf } from '../../gateways/dashboard/stream/subject.js';
import * as oracle from '../integration/lib/book.mjs';
import { randomOf } from './random.mjs';

const bytesOf = (text) => new TextEncoder().encode(text);
const level = (price, quantity, orders = 1) => ({ price, quantity, orders, scaledPrice: scaled(price), scaledQuantity: scaled(quantity) });
const oracleLevel = ({ scaledPrice, scaledQuantity, orders }) => ({ price: BigInt(scaledPrice), quantity: BigInt(scaledQuantity), orders });

test('CRC-32C has the value of its published test vectors', () => {
  assert.equal(crc32c(bytesOf('123456789')), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
  assert.equal(crc32c(new Uint8Array(0)), 0);
});

test('the checksum of a book is that of the oracle, for numbers beyond 32 and 53 bits and below zero, too', () => {
  const prices = ['0.0001', '-0.0001', '429496.7296', '-429496.7295', '900719925474.0993', '922337203685477.5807', '-922337203685477.5808'];
  const quantities = ['1', '4294967295', '4294967296', '9007199254740993', '18446744073709551615', '300', '7'];
  for (let count = 0; count <= prices.length; count++) {
    const bids = prices.slice(0, count).map((price, i) => level(price, quantities[i])), asks = prices.slice(count).map((price, i) => level(price, quantities[i]));
    for (const depth of [1, 5, 10, 50])
      assert.equal(bookChecksum(bids, asks, depth), oracle.bookChecksum(bids.map(oracleLevel), asks.map(oracleLevel), depth), `${count} bids, depth ${depth}`);
  }
});

/** A day of one book as the gateway tells it: messages of one chain, cut to `depth`, with checksums by the oracle. */
function* dayOf(random, count, depth, digits = 4) {
  const sides = { bids: new Map(), asks: new Map() };
  const cut = (name) => [...sides[name].values()].sort((a, b) => (name === 'bids' ? b.price - a.price : a.price - b.price)).slice(0, depth);
  const told = (one) => [decimalOf(one.price, digits), `${one.quantity}`, one.orders];
  const checksum = (bids, asks) => oracle.bookChecksum(...[bids, asks].map((side) => side.map(({ price, quantity, orders }) => ({ price: BigInt(price), quantity: BigInt(quantity), orders }))), depth);
  let seq = 0, before = { bids: [], asks: [] };
  for (let i = 0; i < count; i++) {
    for (let changes = 1 + random(4); changes > 0; changes--) {
      const name = random(2) ? 'bids' : 'asks', price = 1_000_000 + random(60) * 100 * (name === 'bids' ? -1 : 1);
      if (random(3) === 0) sides[name].delete(price);
      else sides[name].set(price, { price, quantity: 1 + random(1_000_000), orders: 1 + random(50) });
    }
    const snapshot = i === 0 || random(50) === 0, prev = seq;
    seq += 1 + random(5);
    const message = { type: 'book', epoch: 'day', term: '7', prev_seq: `${prev}`, seq: `${seq}`, depth, state: 'OK', snapshot };
    for (const name of ['bids', 'asks']) {
      const now = cut(name), had = new Map(before[name].map((one) => [one.price, one]));
      const changed = now.filter((one) => had.get(one.price) !== one), there = new Set(now.map((one) => one.price));
      const gone = before[name].filter((one) => !there.has(one.price)).map((one) => ({ ...one, quantity: 0, orders: 0 }));
      message[name] = (snapshot ? now : [...gone, ...changed]).map(told);
      before = { ...before, [name]: now };
    }
    message.checksum = checksum(before.bids, before.asks);
    yield message;
  }
}

const updateOf = (message) => {
  const side = (levels) => [levels.map(([price]) => BigInt(scaled(price))), levels.map(([, quantity]) => BigInt(quantity)), levels.map(([, , orders]) => orders)];
  const [bidPrices, bidQuantities, bidOrders] = side(message.bids), [askPrices, askQuantities, askOrders] = side(message.asks);
  return { ...message, term: 7n, prevSeq: BigInt(message.prev_seq), seq: BigInt(message.seq), bidPrices, bidQuantities, bidOrders, askPrices, askQuantities, askOrders };
};

test('a day of random updates leaves the same book as the oracle has, after each of them', () => {
  for (const depth of [1, 5, 10, 20]) {
    const { random, seed } = randomOf(depth);
    const mine = new Book();
    let theirs;
    for (const message of dayOf(random, 1500, depth)) {
      if (message.snapshot) theirs = new oracle.Book();
      theirs.take(updateOf(message));
      assert.equal(mine.take(message), message.snapshot ? 'snapshot' : 'applied', `seed ${seed} at ${message.seq}`);
      for (const side of ['bids', 'asks']) assert.deepEqual(mine[side].map(oracleLevel), theirs[side], `seed ${seed} at ${message.seq}`);
      assert.ok(mine.verified);
    }
  }
});

test('a changed quantity is found by the checksum; nothing is believed until a snapshot comes', () => {
  const book = new Book(), whole = [...dayOf(randomOf(3).random, 40, 10)];
  const levelIn = ({ bids, asks }) => [...bids, ...asks].find(([, quantity]) => quantity !== '0');
  const at = whole.findIndex((message, i) => i > 4 && !message.snapshot && levelIn(message)), next = whole[at + 1];
  for (const message of whole.slice(0, at)) book.take(message);
  const bad = structuredClone(whole[at]), level = levelIn(bad);
  level[1] = `${Number(level[1]) + 1}`;
  assert.equal(book.take(bad), 'checksum');
  assert.ok(!book.verified);
  assert.equal(book.resumePoint(), undefined);
  assert.equal(book.take({ ...next, snapshot: false }), 'waiting');
  const fresh = new Book();
  for (const message of whole.slice(0, at + 2)) fresh.take(message);
  const levels = (levels_) => levels_.map(({ price, quantity, orders }) => [price, quantity, orders]);
  assert.equal(book.take({ ...next, snapshot: true, bids: levels(fresh.bids), asks: levels(fresh.asks) }), 'snapshot');
  assert.ok(book.verified);
  assert.deepEqual(book.resumePoint(), { epoch: 'day', seq: next.seq, depth: 10 });
});

test('a lost message is found by the chain', () => {
  const book = new Book(), [first, , third] = [...dayOf(randomOf(5).random, 3, 10)];
  book.take(first);
  assert.equal(book.take({ ...third, snapshot: false }), 'chain');
  assert.ok(!book.verified);
});

test('a change of state alone has no levels and leaves the book as it is', () => {
  const book = new Book(), [first] = [...dayOf(randomOf(6).random, 1, 10)];
  book.take(first);
  assert.equal(book.take({ ...first, snapshot: undefined, prev_seq: first.seq, bids: [], asks: [], state: 'STALE' }), 'state');
  assert.ok(book.verified);
});

test('what the chain is told, and what it makes of it', () => {
  const say = (snapshot, epoch, term, prev_seq, seq) => ({ snapshot, epoch, term, prev_seq, seq });
  for (const [words, messages, outcomes] of [
    ['an update before any snapshot is early, not a fault', [say(false, 'a', '1', '0', '5'), say(true, 'a', '1', '6', '6'), say(false, 'a', '1', '6', '7')], ['early', 'snapshot', 'next']],
    ['updates that follow each other', [say(true, 'a', '1', '5', '5'), say(false, 'a', '1', '5', '9'), say(false, 'a', '1', '9', '10')], ['snapshot', 'next', 'next']],
    ['a gap, and what comes until a snapshot', [say(true, 'a', '1', '5', '5'), say(false, 'a', '1', '6', '9'), say(false, 'a', '1', '9', '10'), say(true, 'a', '1', '10', '10'), say(false, 'a', '1', '10', '11')],
      ['snapshot', 'fault', 'waiting', 'snapshot', 'next']],
    ['another epoch without a snapshot', [say(true, 'a', '1', '5', '5'), say(false, 'b', '1', '5', '6')], ['snapshot', 'fault']],
    ['another leader without a snapshot', [say(true, 'a', '1', '5', '5'), say(false, 'a', '2', '5', '6')], ['snapshot', 'fault']],
    ['numbers no double can tell apart', [say(true, 'a', '1', '1', '9007199254740993'), say(false, 'a', '1', '9007199254740992', '9007199254740994')], ['snapshot', 'fault']],
  ]) {
    const chain = new Chain();
    assert.deepEqual(messages.map((message) => chain.take(message)), outcomes, words);
  }
});

test('a symbol becomes one token of a subject and comes back from it', () => {
  for (const [symbol, token] of [['AAPL', 'AAPL'], ['BRK.B', 'BRK%2EB'], ['<img>', '%3Cimg%3E'], ['A*', 'A%2A'], ['a b', 'a%20b'], ['X/Y$+=^#-_', 'X/Y$+=^#-_'], ['50%', '50%25']]) {
    assert.equal(tokenOf(symbol), token);
    assert.deepEqual(parseSubject(subjectOf('XNAS', symbol, 'quote')), { mic: 'XNAS', symbol, key: `XNAS.${symbol}`, channel: 'quote', interval: undefined });
  }
  assert.deepEqual(parseSubject('feed.XNAS.1.status'), { mic: 'XNAS', partition: '1', channel: 'feed' });
  assert.equal(parseSubject('XNAS.A.candle.1m').interval, '1m');
  assert.deepEqual([parseSubject('nothing'), parseSubject('feed.XNAS.1.line.A'), parseSubject('XNAS.%E0%A4%A.quote').symbol], [null, null, '%E0%A4%A']);
});

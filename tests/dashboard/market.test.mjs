// What the page makes of messages: instruments, states, candles, the tape, lists, search, latency.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CandleSeries, folded } from '../../gateways/dashboard/market/candles.js';
import { ChartFeed } from '../../gateways/dashboard/market/chart_feed.js';
import { Directories } from '../../gateways/dashboard/market/directories.js';
import { Directory } from '../../gateways/dashboard/market/directory.js';
import { Instrument } from '../../gateways/dashboard/market/instrument.js';
import { Latency } from '../../gateways/dashboard/market/latency.js';
import { Market } from '../../gateways/dashboard/market/market.js';
import { worseOf } from '../../gateways/dashboard/market/state.js';
import { Tape } from '../../gateways/dashboard/market/tape.js';
import { bookChecksum } from '../../gateways/dashboard/stream/checksum.js';
import { Watchlist } from '../../gateways/dashboard/market/watchlist.js';

const SECOND = 1_000_000_000n, START = 1_795_254_900n * SECOND;
let seq = 100;
const print = (price, quantity = '100', more = {}) => ({ seq: `${++seq}`, index: 0, kind: 'TRADE', price, quantity, match_id: `${seq}`, event_ns: `${START}`, ...more });
const at = (second) => ({ event_ns: `${START + BigInt(second) * SECOND + 123n}` });
const head = (subject, more) => ({ subject: `XNAS.A.${subject}`, epoch: 'e', term: '1', prev_seq: '5', seq: '5', snapshot: true, ...more });
const quote = (more) => ({ type: 'quote', ...head('quote'), state: 'OK', bid: ['10.0000', '100', 1], ask: ['10.0100', '200', 2], ...more });
const trades = (prints, more) => ({ type: 'trades', ...head('trade'), prints, volume: '1', prints_total: '1', ...more });

test('candles hold the first, highest, lowest and last price and the sum, exactly', () => {
  const series = new CandleSeries('1m');
  for (const [price, quantity, second] of [['10.0000', '9007199254740991', 0], ['10.0500', '2', 5], ['9.9900', '3', 30], ['10.0100', '1', 59], ['10.0200', '7', 60]]) series.takePrint(print(price, quantity, at(second)));
  assert.deepEqual(series.list, [
    { start: 1_795_254_900, open: '10.0000', high: '10.0500', low: '9.9900', close: '10.0100', volume: 9007199254740997n, count: 4 },
    { start: 1_795_254_960, open: '10.0200', high: '10.0200', low: '10.0200', close: '10.0200', volume: 7, count: 1 }]);
});

test('breaks and prints without a price or time change no candle', () => {
  const series = new CandleSeries('1s');
  for (const one of [print('1.00', '5', { kind: 'BREAK' }), print(undefined), print('1.00', '5', { event_ns: undefined })]) series.takePrint(one);
  assert.deepEqual(series.list, []);
});

test('longer candles fold shorter ones; a late one goes where it belongs and is told as a change of the past', () => {
  const seconds = new CandleSeries('1s'), prints = [['10.0', 0], ['12.0', 61], ['11.0', 62], ['9.0', 130]];
  for (const [price, second] of prints) seconds.takePrint(print(price, '1', at(second)));
  const minutes = folded(seconds, '1m');
  assert.deepEqual(minutes.list.map(({ open, high, low, close, count }) => [open, high, low, close, count]), [['10.0', '10.0', '10.0', '10.0', 1], ['12.0', '12.0', '11.0', '11.0', 2], ['9.0', '9.0', '9.0', '9.0', 1]]);
  const version = minutes.version;
  minutes.takePrint(print('15.0', '1', at(65)));
  assert.equal(minutes.list[1].high, '15.0');
  assert.ok(minutes.version > version);
});

test('a list of candles is bounded, the oldest go', () => {
  const series = new CandleSeries('1s', 100);
  for (let i = 0; i < 1000; i++) series.takePrint(print('1.0', '1', at(i)));
  assert.ok(series.list.length <= 100 && series.list.length >= 90);
  assert.equal(series.last.start, 1_795_254_900 + 999);
});

test('the server\'s candle replaces ours, and an earlier revision of it does not come back', () => {
  const series = new CandleSeries('1m'), candle = { start_ns: `${START}`, open: '1.0', high: '2.0', low: '0.5', close: '1.5', volume: '10', count: 3 };
  series.takePrint(print('9.0', '1', at(1)));
  series.put({ ...candle, revision: 2 });
  series.put({ ...candle, close: '7.7', revision: 1 });
  series.put({ start_ns: `${START + 60n * SECOND}`, count: 0 }); // an empty one has no prices
  assert.deepEqual(series.list.map(({ close, volume }) => [close, volume]), [['1.5', 10]]);
});

test('a candle whose prints were all broken goes, is drawn no more, and does not come back by what was said before', () => {
  const series = new CandleSeries('1m'), candle = (minute, more) => ({ start_ns: `${START + BigInt(minute) * 60n * SECOND}`, open: '1.0', high: '1.0', low: '1.0', close: '1.0', volume: '10', count: 1, revision: 1, ...more });
  const empty = { open: undefined, high: undefined, low: undefined, close: undefined, volume: '0', count: 0 }, starts = () => series.list.map(({ start }) => (start - 1_795_254_900) / 60);
  for (const minute of [0, 1, 2]) series.put(candle(minute));
  const { version } = series;
  series.put(candle(1, { ...empty, revision: 2 }));
  series.put(candle(2, { ...empty, revision: 0 })); // said before the one there is
  assert.deepEqual([starts(), series.version > version], [[0, 2], true]);
  series.put(candle(1));
  assert.deepEqual(starts(), [0, 2]);
  series.put(candle(1, { revision: 3 }));
  series.put(candle(2, { ...empty, revision: 2 }));
  assert.deepEqual(starts(), [0, 1]);
});

test('the chart says where its candles are from: prints until the server has candles', async () => {
  const wanted = [], one = new Instrument('XNAS.BRK.B');
  let answer = { status: 503 }, now = 0;
  const feed = new ChartFeed({ want: (subject) => wanted.push(subject), drop: (subject) => wanted.push(`-${subject}`), token: () => 't', changed: () => {}, now: () => now, fetchHistory: async () => answer });
  feed.show(one, '1m');
  one.take('trade', trades([print('10.0', '1', at(0))]));
  await feed.taken('XNAS.BRK%2EB.candle.1m');
  assert.deepEqual([feed.series.list.length, feed.note], [1, 'from the trades this page has seen']);
  answer = { candles: [{ start_ns: `${START - 60n * SECOND}`, open: '1.0', high: '1.0', low: '1.0', close: '1.0', volume: '4', count: 1 }] };
  const live = { interval: '1m', start_ns: `${START}`, open: '10.0', high: '10.0', low: '10.0', close: '10.0', volume: '1', count: 1 };
  feed.take({ key: one.key }, live);
  assert.equal(feed.series.list.length, 1); // asked a moment ago
  now = 5000;
  feed.take({ key: one.key }, live); // an aggregator has come since
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([feed.series.list.length, feed.note], [2, 'by the aggregator']);
  feed.take({ key: one.key }, { interval: '1m', start_ns: `${START}`, open: '10.0', high: '11.0', low: '10.0', close: '11.0', volume: '4', count: 2 });
  assert.equal(feed.series.last.close, '11.0');
  now += 60_000;
  feed.tick();
  assert.equal(feed.note, 'by the aggregator'); // nobody trades, so there is nothing to tell
  one.take('trade', trades([print('10.5', '1', at(30)), print('12.0', '1', at(61))]));
  feed.tick();
  assert.deepEqual([feed.note, feed.series.list.map(({ close }) => close)], ['by the aggregator until it fell silent, then from the trades this page has seen', ['1.0', '11.0', '12.0']]);
  one.take('trade', trades([print('13.0', '1', at(62))]));
  assert.equal(feed.series.last.close, '13.0');
  feed.show(one, '5m');
  assert.deepEqual(wanted, ['XNAS.BRK%2EB.candle.1m', '-XNAS.BRK%2EB.candle.1m', 'XNAS.BRK%2EB.candle.5m']);
});

test('an aggregator that tells nothing, as it was still starting and no candle is open, is found by asking now and then', async () => {
  let asked = 0, now = 0;
  const feed = new ChartFeed({ want: () => {}, drop: () => {}, token: () => 't', changed: () => {}, now: () => now, fetchHistory: async () => (++asked === 1 ? { status: 503 } : { candles: [] }) });
  feed.show(new Instrument('XNAS.A'), '1m');
  now = 60_000;
  feed.tick();
  assert.equal(asked, 0); // the stream has not taken the subject
  await feed.taken('XNAS.A.candle.1m');
  feed.tick();
  assert.equal(asked, 1); // a moment ago
  now += 6000;
  feed.tick();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([asked, feed.note], [2, 'by the aggregator']);
  now += 6000;
  feed.tick();
  assert.equal(asked, 2);
});

test('an answer that is slow to come is waited for, not asked for again until none is ever in time', async () => {
  let asked = 0, now = 0, answer;
  const feed = new ChartFeed({ want: () => {}, drop: () => {}, token: () => 't', changed: () => {}, now: () => now, fetchHistory: () => ++asked && new Promise((resolve) => (answer = resolve)) });
  feed.show(new Instrument('XNAS.A'), '1m');
  feed.taken('XNAS.A.candle.1m');
  for (; now < 30_000; now += 1000) {
    feed.tick();
    feed.take({ key: 'XNAS.A' }, { interval: '1m', start_ns: `${START}` });
  }
  assert.equal(asked, 1);
  answer({ candles: [] });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(feed.note, 'by the aggregator');
});

test('each print is on the tape once; a break voids the one it names; what was passed over is counted', () => {
  const tape = new Tape(3), [a, b] = [print('1.0'), print('2.0')];
  tape.take({ epoch: 'e', prints: [a, b] });
  assert.equal(tape.take({ epoch: 'e', prints: [a, b], passed_over: 4 }).length, 0);
  tape.take({ epoch: 'e', prints: [print(undefined, '0', { kind: 'BREAK', match_id: b.match_id })] });
  assert.deepEqual(tape.prints.map((one) => one.void === true), [false, true, false]);
  tape.take({ epoch: 'e', prints: [print('3.0')] });
  assert.deepEqual([tape.prints.length, tape.count, tape.passedOver], [3, 4, 4]);
  assert.equal(tape.take({ epoch: 'next day', prints: [{ ...a, seq: '1' }] }).length, 1);
});

test('a channel that does not chain on asks for a snapshot and is not believed until it comes', () => {
  const asked = [], market = new Market({ onFault: (subject) => asked.push(subject) }), one = market.instrument('XNAS.A');
  market.take(quote(), 0, 0);
  market.take(quote({ snapshot: undefined, prev_seq: '5', seq: '7', bid: ['10.0050', '1', 1] }), 0, 0);
  assert.equal(one.quote.bid[0], '10.0050');
  market.take(quote({ snapshot: undefined, prev_seq: '8', seq: '9', bid: ['99.0000', '1', 1] }), 0, 0);
  assert.deepEqual([one.quote.bid[0], one.stateOf('quote'), asked], ['10.0050', { state: 'RECOVERING', cause: 'PAGE_CHAIN' }, ['XNAS.A.quote']]);
  market.take(quote({ prev_seq: '9', seq: '9' }), 0, 0);
  assert.deepEqual([one.stateOf('quote').state, market.counts.chainFaults, market.counts.resyncs], ['OK', 1, 1]);
});

test('a book is kept from when it is opened until it is closed; what still comes of it then harms nothing', () => {
  const asked = [], early = [], market = new Market({ onFault: (subject) => asked.push(subject), onEarly: (subject) => early.push(subject) }), one = market.instrument('XNAS.A');
  const book = (more) => ({ type: 'book', ...head('orderbook'), state: 'OK', depth: 10, bids: [], asks: [], checksum: bookChecksum([], [], 10), ...more });
  market.take(quote(), 0, 0);
  const late = book({ snapshot: undefined, prev_seq: '7', seq: '8' });
  market.take(late, 0, 0); // never opened
  one.openBook();
  market.take(late, 0, 0); // of a subscription that had just ended
  assert.deepEqual([early, one.stateOf('orderbook').cause], [['XNAS.A.orderbook'], 'PAGE_WAITING']);
  market.take(book(), 0, 0);
  assert.equal(one.judge(undefined, 1).state, 'OK');
  one.closeBook();
  market.take(late, 0, 0);
  assert.deepEqual([one.judge(undefined, 2).state, one.book, asked, market.counts.chainFaults, market.counts.checksumFaults], ['OK', undefined, [], 0, 0]);
});

test('what nobody asked for any more is passed over', () => {
  const market = new Market();
  market.take(quote(), 0, 0);
  market.take({ type: 'quote', subject: 'nonsense' }, 0, 0);
  market.take({ type: 'something new' }, 0, 0);
  assert.deepEqual([market.instruments.size, market.counts.updates, market.counts.unknown], [0, 0, 1]);
});

test('an instrument is worth what the worst of connection, quote and book is, since when it is so', () => {
  const one = new Instrument('XNAS.A');
  assert.equal(one.judge(undefined, 5).cause, 'PAGE_WAITING');
  one.take('quote', quote());
  assert.deepEqual(one.judge(undefined, 10), { state: 'OK', cause: undefined, since: 10 });
  one.take('quote', quote({ state: 'STALE', cause: 'FEED_SILENT' }));
  one.judge(undefined, 20);
  assert.deepEqual(one.judge(undefined, 30), { state: 'STALE', cause: 'FEED_SILENT', since: 20 });
  assert.deepEqual(one.judge({ state: 'STALE', cause: 'PAGE_AWAY', since: 25 }, 40), { state: 'STALE', cause: 'PAGE_AWAY', since: 25 });
  one.disconnected();
  assert.equal(one.judge(undefined, 50).cause, 'PAGE_WAITING');
  one.resumed('quote');
  assert.equal(one.judge(undefined, 60).cause, 'FEED_SILENT');
  assert.deepEqual([worseOf('OK', 'STALE'), worseOf('RECOVERING', 'CLOSED'), worseOf('OK', 'UNHEARD OF')], ['STALE', 'RECOVERING', 'UNHEARD OF']);
});

test('what was only gone on with is worth what its feed is, until something comes of it', () => {
  const market = new Market(), one = market.instrument('XNAS.A');
  const feed = (partition, state, cause) => market.take({ type: 'feed', subject: `feed.XNAS.${partition}.status`, epoch: 'e', state, cause }, 0);
  market.take(quote(), 0, 0);
  feed(1, 'OK');
  market.disconnected();
  market.resumed('XNAS.A.quote');
  assert.equal(one.judge(undefined, 1).cause, 'PAGE_WAITING'); // no feed was heard by this connection
  feed(1, 'STALE', 'FEED_SILENT');
  assert.deepEqual([one.judge(undefined, 2).state, one.trust.cause], ['STALE', 'FEED_SILENT']);
  feed(1, 'OK');
  assert.equal(one.judge(undefined, 3).state, 'OK');
  feed(2, 'STALE', 'FEED_SILENT'); // it may be its own
  assert.equal(one.judge(undefined, 4).state, 'STALE');
  market.take(quote({ snapshot: undefined, prev_seq: '5', seq: '6' }), 0, 0);
  assert.equal(one.judge(undefined, 5).state, 'OK'); // the gateway's own word
});

test('a broken print is not the last price: the newest one that stands is', () => {
  const one = new Instrument('XNAS.A'), good = print('100.01'), bad = print('900.01');
  one.take('trade', trades([good, bad]));
  const broken = (of) => trades([print(undefined, '0', { kind: 'BREAK', match_id: of.match_id })], { snapshot: undefined });
  one.take('trade', broken(bad));
  assert.deepEqual([one.last.price, one.direction], ['100.01', 0]);
  one.take('trade', broken(good));
  assert.equal(one.last, undefined);
});

test('the last price has a direction; a break is not a price', () => {
  const one = new Instrument('XNAS.A');
  one.take('trade', trades([print('10.0'), print('10.1')]));
  assert.deepEqual([one.direction, one.reference.price], [1, '10.0']);
  one.take('trade', trades([print('10.1'), print('10.0'), print(undefined, '0', { kind: 'BREAK' })], { snapshot: undefined }));
  assert.deepEqual([one.direction, one.last.price], [-1, '10.0']);
});

test('the change is measured from the day\'s first price once the aggregator tells it', () => {
  const one = new Instrument('XNAS.A');
  one.take('trade', trades([print('10.0')]));
  assert.ok(!one.takeDay({ interval: '1m', open: '7.0' }) && !one.takeDay({ interval: '1d' }) && one.takeDay({ interval: '1d', open: '8.0' }) && !one.takeDay({ interval: '1d', open: '8.0' }));
  assert.deepEqual(one.reference, { price: '8.0', words: 'since the day\'s first trade' });
});

test('the watchlist keeps the user\'s order, without doubles, within its bound; what is stored is checked', () => {
  const list = new Watchlist(['XNAS.A', 'XNAS.B', 'XNAS.C', 'XNAS.A'], 4);
  assert.deepEqual(list.keys, ['XNAS.A', 'XNAS.B', 'XNAS.C']);
  assert.ok(list.move('XNAS.C', -2) && !list.move('XNAS.C', -1) && list.add('XNAS.D', 0) && !list.add('XNAS.E') && list.remove('XNAS.A') && !list.remove('XNAS.A'));
  assert.deepEqual(list.keys, ['XNAS.D', 'XNAS.C', 'XNAS.B']);
  assert.deepEqual(Watchlist.parse(`${list}`).keys, list.keys);
  for (const text of ['', 'null', '{}', '[1]', '["nonsense"]', `["XNAS.${'x'.repeat(99)}"]`]) assert.equal(Watchlist.parse(text), undefined, text);
});

test('search finds the symbol itself first, then what begins with it, then names, then anything inside', () => {
  const directory = new Directory();
  directory.take('XNAS', [{ symbol: 'ZA' }, { symbol: 'AB' }, { symbol: 'A' }, { symbol: 'X', name: 'Big Apple' }, { symbol: 'Q', name: 'Banana' }, { symbol: 'T' }]);
  assert.deepEqual(directory.search('a').map((one) => one.symbol), ['A', 'AB', 'X', 'ZA', 'Q']);
  assert.deepEqual(directory.search(' ').length, 6);
  assert.deepEqual(directory.search('', 2).length, 2);
  assert.deepEqual(directory.search('nothing'), []);
});

test('a directory that does not come is asked for again, one with parts missing is shown and asked for again later, a whole one is not', async () => {
  const answers = [undefined, { instruments: [{ symbol: 'A' }], missing: [2] }, { instruments: [{ symbol: 'A' }, { symbol: 'B' }], missing: [] }], taken = [];
  let asked = 0;
  const directories = new Directories({ fetch: async () => answers[Math.min(asked++, 2)], take: (mic, instruments) => taken.push(`${mic} ${instruments.map((one) => one.symbol)}`) });
  assert.deepEqual([directories.learn('XNAS'), directories.learn('XNAS'), directories.size], [true, false, 1]);
  const at = async (now) => {
    await directories.tick(now);
    return asked;
  };
  assert.deepEqual([await at(0), await at(2999), taken.length], [1, 1, 0]); // 504, say
  assert.deepEqual([await at(3000), taken], [2, ['XNAS A']]);
  assert.equal(await at(6000), 2);
  assert.deepEqual([await at(18_000), taken.at(-1)], [3, 'XNAS A,B']);
  assert.equal(await at(1e9), 3);
  directories.learn('XNAS'); // a new day
  assert.equal(await at(1e9), 4);
  directories.learn('XNAS');
  assert.deepEqual([await at(1e9), await at(1e9 + 3000)], [4, 5]);
});

test('a directory that somebody else is to see is asked for once more, though the answer was on its way', async () => {
  const waiting = [];
  const directories = new Directories({ fetch: () => new Promise((resolve) => waiting.push(resolve)), take: () => {} });
  directories.learn('XNAS');
  const first = directories.tick(0);
  directories.tick(5000);
  assert.equal(waiting.length, 1, 'one at a time');
  directories.askAll();
  waiting[0]({ instruments: [{ symbol: 'A' }], missing: [] });
  await first;
  directories.tick(5000);
  assert.equal(waiting.length, 2);
});

test('latency is told per hop; clocks that have nothing to do with each other are not measured', () => {
  const latency = new Latency(), ns = (ms) => `${BigInt(ms) * 1_000_000n}`;
  for (let i = 1; i <= 100; i++) latency.take({ prev_seq: '1', seq: '2', event_ns: ns(1), receive_ns: ns(1_000_000), publish_ns: ns(1_000_000 + i), gateway_ns: ns(1_000_200) }, 1_000_201, 4);
  const [exchange, ingest, , browser, total] = latency.read();
  assert.ok(exchange.differs > 60_000 && exchange.p50 === undefined);
  assert.deepEqual([ingest.p50, ingest.p99], [51, 100]);
  assert.deepEqual([browser.p50, total.p50, total.total], [5, 205, true]);
  latency.take({ snapshot: true, prev_seq: '2', seq: '2', receive_ns: ns(1), publish_ns: ns(2) }, 0, 0);
  assert.equal(latency.read()[1].count, 100);
});

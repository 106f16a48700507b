// What ingest publishes, judged from outside: npm's nats client, protobufjs, books kept by rules written a second time
// (lib/book.mjs), and a reference of the day made from the recording itself (lib/itch.mjs).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bookChecksum, crc32c, levelsOf } from './lib/book.mjs';
import { ReferenceDay, readBinaryFile, timeOf } from './lib/itch.mjs';
import { NatsServer, aaplRecording, simulatedFile, startIngest, tickwire, until, without } from './lib/programs.mjs';
import { Subscriber } from './lib/subscriber.mjs';
import { bookChannels, instrumentSubject } from './lib/wire.mjs';

const NEW_YORK_MIDNIGHT_NS = 1_580_360_400_000_000_000n; // of 30 January 2020, which is 05:00 UTC

const nats = await NatsServer.start();

/** Replays `file` to a subscriber of everything, and to one per pattern that only counts. */
async function replay(file, settings, patterns = []) {
  const messages = [];
  const all = await Subscriber.connect(nats, ['XNAS.>', 'feed.>'],
    { onMessage: (subject, payload, outcome) => messages.push({ subject, payload, outcome }) });
  const others = new Map();
  for (const pattern of patterns) others.set(pattern, await Subscriber.connect(nats, [pattern]));
  const ingest = await startIngest(nats, ['--source', `file:${file}`, '--term', '7', ...settings]);
  await all.everythingCame();
  return { file, messages, all, others, ingest };
}
async function close({ all, others, ingest }) {
  for (const subscriber of [all, ...others.values()]) await subscriber.close();
  await ingest.stop();
}

const decimal = (price) => {
  const digits = `${price}`.padStart(5, '0');
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`;
};
const asTool = (levels) => levels.map(({ price, quantity, orders }) => [decimal(price), `${quantity}`, orders]);

/** The visible book of each symbol after each message of its orderbook channel, without the rules of a receiver. */
class Visible {
  constructor(depth) {
    this.depth = depth;
    this.books = new Map(); // symbol -> [bids, asks], each Map price -> [price, quantity, orders], best first
  }

  of(symbol) {
    return this.books.get(symbol) ?? [new Map(), new Map()];
  }

  apply(symbol, u) {
    const before = this.of(symbol);
    this.books.set(symbol, [[u.bidPrices, u.bidQuantities, u.bidOrders, -1], [u.askPrices, u.askQuantities, u.askOrders, 1]]
      .map(([prices, quantities, orders, sign], side) => {
        const levels = before[side];
        prices.forEach((price, i) => (quantities[i] === 0n ? levels.delete(price)
          : levels.set(price, [price, quantities[i], orders[i]])));
        return new Map([...levels].sort(([a], [b]) => (a < b ? -sign : sign)).slice(0, this.depth));
      }));
  }

  best(symbol) {
    return this.of(symbol).map((side) => [...side.values()][0] ?? [undefined, 0n, 0]);
  }

  words(symbol) {
    return this.of(symbol).map((side) => [...side.values()].map((level) => level.join(' ')));
  }
}

/** Walks the recording beside what was published: at each published seq the book must be the reference's. */
function checkAgainstReference({ file, messages }, depth = 10) {
  const bySeq = new Map(), visible = new Visible(depth);
  for (const { subject, payload } of messages) {
    const of = instrumentSubject(subject);
    if (of?.channel !== 'orderbook') continue;
    visible.apply(of.symbol, payload);
    if (!bySeq.has(payload.seq)) bySeq.set(payload.seq, []);
    bySeq.get(payload.seq).push({ symbol: of.symbol, words: visible.words(of.symbol), payload });
  }
  const day = new ReferenceDay();
  let compared = 0;
  for (const message of readBinaryFile(file)) {
    day.apply(message);
    for (const { symbol, words, payload } of bySeq.get(day.seq) ?? []) {
      assert.deepEqual(words, [day.top(symbol, 0, depth), day.top(symbol, 1, depth)], `${symbol} at ${day.seq}`);
      if (payload.seq !== payload.prevSeq)
        assert.equal(payload.eventNs, NEW_YORK_MIDNIGHT_NS + timeOf(message), `${symbol}: the time of ${day.seq}`);
      compared++;
    }
  }
  return { day, compared };
}

const tape = (messages) => {
  const prints = new Map();
  for (const { subject, payload } of messages) {
    const of = instrumentSubject(subject);
    if (of?.channel !== 'trade') continue;
    if (!prints.has(of.symbol)) prints.set(of.symbol, []);
    for (const p of payload.prints)
      prints.get(of.symbol).push({ seq: p.seq, kind: p.kind, price: p.price, quantity: p.quantity, matchId: p.matchId });
  }
  return prints;
};

test('our own CRC-32C gives the published check value, and an empty book the checksum of two zero bytes', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(bookChecksum([], [], 10), crc32c(Buffer.from([0, 0])));
});

describe('a simulated day, every message on its own', () => {
  const patterns = ['XNAS.*.orderbook', 'XNAS.*.trade', 'XNAS.AAPL.>', 'XNAS.BRK%2EB.quote', 'feed.>'];
  let run;
  before(async () => {
    run = await replay(simulatedFile('alone', { symbols: 24, messages: 15_000 }), ['--burst', '1'], patterns);
  });
  after(() => run && close(run));

  test('every chain holds and every checksum is ours', () => {
    assert.deepEqual(run.all.errors, []);
    assert.deepEqual(run.all.faults, []);
    assert.ok(run.all.counts.orderbook > 5000);
    for (const [subject, book] of run.all.books) assert.ok(book.inSync, subject);
  });

  test('at every published number the book is the one that the specification makes of the recording', () => {
    const { compared } = checkAgainstReference(run);
    assert.equal(compared, run.all.counts.orderbook);
  });

  test('every print of the day is told once, in order, and nothing else', () => {
    const { day } = checkAgainstReference(run);
    const prints = tape(run.messages);
    assert.deepEqual([...prints.keys()].sort(), [...day.prints.keys()].sort());
    for (const [symbol, expected] of day.prints) assert.deepEqual(prints.get(symbol), expected, symbol);
    const kinds = new Set([...day.prints.values()].flat().map((print) => print.kind));
    assert.ok(kinds.has('PRINT_TRADE') && kinds.has('PRINT_HIDDEN') && kinds.has('PRINT_CROSS'), [...kinds].join());
  });

  test('volume and count of a trade message are the totals of what was printed so far', () => {
    const totals = new Map();
    let checked = 0;
    for (const { subject, payload } of run.messages) {
      if (!subject.endsWith('.trade')) continue;
      const total = totals.get(subject) ?? { volume: 0n, count: 0n, breaks: false };
      for (const print of payload.prints) {
        if (print.kind === 'PRINT_BREAK') total.breaks = true; // what is void is not in the message
        total.volume += print.quantity;
        total.count += 1n;
      }
      totals.set(subject, total);
      if (total.breaks) continue;
      assert.equal(payload.volume, total.volume, subject);
      assert.equal(payload.printCount, total.count, subject);
      checked++;
    }
    assert.ok(checked > 50);
  });

  test('a quote comes exactly when the best of the book or its state changed, and is the best of the book', () => {
    const visible = new Visible(10), shown = new Map();
    let quotes = 0;
    for (const { subject, payload } of run.messages) {
      const of = instrumentSubject(subject);
      if (of?.channel === 'orderbook') visible.apply(of.symbol, payload);
      if (of?.channel !== 'quote') continue;
      const quote = [[payload.bidPrice, payload.bidQuantity, payload.bidOrders], [payload.askPrice, payload.askQuantity, payload.askOrders]];
      assert.deepEqual(quote, visible.best(of.symbol), `${of.symbol} at ${payload.seq}`);
      const words = `${quote} ${payload.state} ${payload.cause}`;
      assert.notEqual(words, shown.get(of.symbol), `${of.symbol} at ${payload.seq}: nothing changed`);
      shown.set(of.symbol, words);
      quotes++;
    }
    for (const symbol of visible.books.keys())
      assert.ok(shown.get(symbol)?.startsWith(`${visible.best(symbol)} `), `${symbol}: the last quote is the last best`);
    assert.equal(quotes, run.all.counts.quote);
    assert.ok(quotes > 500);
  });

  test('the number of quotes is the number of changes of the best: none is missing', () => {
    const day = new ReferenceDay(), best = new Map();
    let changes = 0;
    for (const message of readBinaryFile(run.file)) {
      const symbol = day.apply(message);
      if (symbol === undefined) continue;
      const now = `${day.top(symbol, 0, 1)}|${day.top(symbol, 1, 1)}`;
      if (now !== (best.get(symbol) ?? '|')) changes++;
      best.set(symbol, now);
    }
    const visible = run.messages.filter(({ subject, payload }) => subject.endsWith('.quote') && payload.seq !== payload.prevSeq);
    assert.equal(visible.length, changes);
  });

  test('every message says who it is: exchange, symbol, partition, epoch, term, exponent and the times in order', () => {
    for (const { subject, payload } of run.messages) {
      assert.equal(payload.exchange, 'XNAS', subject);
      assert.equal(payload.partition, 1, subject);
      assert.equal(payload.term, 7n, subject);
      const of = instrumentSubject(subject);
      if (of === null) continue;
      assert.equal(payload.epoch, '2020-01-30.FILE', subject);
      assert.equal(payload.priceExponent, -4, subject);
      assert.equal(payload.snapshot ?? false, false, subject);
      assert.ok(payload.publishNs > payload.receiveNs, subject);
      assert.ok(payload.receiveNs >= NEW_YORK_MIDNIGHT_NS, subject);
      if (bookChannels.includes(of.channel)) assert.equal(payload.depth, 10, subject);
    }
  });

  test('a symbol with a dot is one token on the subject and itself in the message', () => {
    const messages = run.messages.filter(({ subject }) => subject.startsWith('XNAS.BRK%2EB.'));
    assert.ok(messages.length > 0);
    for (const { payload } of messages) assert.equal(payload.symbol, 'BRK.B');
    assert.ok(run.messages.every(({ subject }) => !subject.startsWith('XNAS.BRK.')));
  });

  test('wildcards get what they name and nothing else', async () => {
    const expected = (matches) => run.messages.filter(({ subject }) => matches(subject)).length;
    const got = (pattern) => run.others.get(pattern);
    const wanted = { 'XNAS.*.orderbook': expected((s) => /^XNAS\.[^.]+\.orderbook$/.test(s)),
      'XNAS.*.trade': expected((s) => /^XNAS\.[^.]+\.trade$/.test(s)),
      'XNAS.AAPL.>': expected((s) => s.startsWith('XNAS.AAPL.')),
      'XNAS.BRK%2EB.quote': expected((s) => s === 'XNAS.BRK%2EB.quote'),
      'feed.>': 0 };
    await until('each to have had its own', () => patterns.every((pattern) => got(pattern).count >= wanted[pattern]));
    for (const pattern of patterns) {
      assert.deepEqual(got(pattern).errors, []);
      assert.deepEqual(got(pattern).faults, [], pattern);
    }
    for (const pattern of patterns) assert.equal(got(pattern).count, wanted[pattern], pattern);
    await got('feed.>').feedIs({ state: 'BOOK_CLOSED' });
    assert.ok(got('XNAS.AAPL.>').count > 100);
  });

  test('final books are those of `tickwire book`', () => {
    for (const symbol of ['AAPL', 'NVDA', 'BRK.B', 'T']) {
      const told = tickwire('book', '--source', `file:${run.file}`, '--symbol', symbol, '--depth', '10', '--json');
      assert.equal(told.status, 0, told.stderr);
      const state = JSON.parse(told.stdout), book = run.all.book(`XNAS.${symbol.replace('.', '%2E')}.orderbook`);
      assert.deepEqual({ bids: asTool(book.bids), asks: asTool(book.asks) }, { bids: state.bids, asks: state.asks }, symbol);
    }
  });

  test('the feed says what it did: closed, everything applied, nothing lost', () => {
    const { feed } = run.all;
    assert.equal(feed.state, 'BOOK_CLOSED');
    assert.equal(feed.cause, 'CAUSE_END_OF_SESSION');
    assert.equal(feed.seq, 15_000n);
    assert.equal(feed.messages, 15_000n);
    assert.equal(feed.lost, 0n);
    assert.equal(feed.instruments, 24);
    assert.equal(feed.instrumentsNotOk, 0);
    assert.equal(feed.epoch, '2020-01-30.FILE');
  });

  test('halts and openings come on the status channel, auctions on the imbalance channel', () => {
    const states = new Set(run.messages.filter(({ subject }) => subject.endsWith('.status')).map(({ payload }) => payload.trading));
    assert.ok(states.has('TRADING_OPEN') && states.has('TRADING_HALTED'), [...states].join());
    const auctions = run.messages.filter(({ subject }) => subject.endsWith('.imbalance'));
    assert.ok(auctions.length > 0);
    assert.ok(auctions.some(({ payload }) => payload.cross === 'CROSS_OPENING'));
  });
});

test('with bursts merged, chains and checksums hold and each update is the book at its number', async () => {
  const run = await replay(simulatedFile('merged', { symbols: 40, messages: 60_000, seed: 3 }), ['--burst', '256']);
  try {
    assert.deepEqual(run.all.errors, []);
    assert.deepEqual(run.all.faults, []);
    const { compared, day } = checkAgainstReference(run);
    assert.equal(compared, run.all.counts.orderbook);
    assert.ok(run.messages.some(({ subject, payload }) => subject.endsWith('.orderbook') && payload.merged > 1), 'something merged');
    const prints = tape(run.messages);
    for (const [symbol, expected] of day.prints) assert.deepEqual(prints.get(symbol), expected, symbol);
  } finally {
    await close(run);
  }
});

test('the depth that is asked for is the depth that comes, and the checksum covers at most ten levels of it', async () => {
  for (const depth of [1, 3, 16]) {
    const run = await replay(simulatedFile(`depth${depth}`, { symbols: 5, messages: 4_000, seed: 8 }), ['--depth', `${depth}`]);
    try {
      assert.deepEqual(run.all.faults, []);
      checkAgainstReference(run, depth);
      const longest = Math.max(...[...run.all.books.values()].map((book) => Math.max(book.bids.length, book.asks.length)));
      if (depth <= 10) assert.equal(longest, depth);
      else assert.ok(longest > 10 && longest <= depth, `${longest} levels`);
    } finally {
      await close(run);
    }
  }
});

describe('the recording of AAPL', { skip: without(aaplRecording) }, () => {
  let run;
  before(async () => (run = await replay(aaplRecording, ['--burst', '1'], ['XNAS.AAPL.>'])));
  after(() => run && close(run));

  test('every chain holds, every checksum is ours, every update is the book at its number', async () => {
    assert.deepEqual(run.all.errors, []);
    assert.deepEqual(run.all.faults, []);
    const { compared } = checkAgainstReference(run);
    assert.equal(compared, run.all.counts.orderbook);
    await until('the same for who asked for AAPL', () => run.others.get('XNAS.AAPL.>').count === run.all.count);
  });

  test('it ends in the state that is published with it', () => {
    const book = run.all.book('XNAS.AAPL.orderbook');
    assert.deepEqual(levelsOf(book.bids).slice(0, 3).map((l) => l.split(' ').slice(0, 2).join(' ')),
      ['3201400 25', '3201100 101', '3200000 417']);
    assert.deepEqual(levelsOf(book.asks).slice(0, 3).map((l) => l.split(' ').slice(0, 2).join(' ')),
      ['3203000 100', '3204000 100', '3205000 100']);
    const state = JSON.parse(tickwire('book', '--source', `file:${aaplRecording}`, '--symbol', 'AAPL', '--json').stdout);
    assert.deepEqual({ bids: asTool(book.bids), asks: asTool(book.asks) }, { bids: state.bids, asks: state.asks });
  });

  test('it prints 56,086 displayed and 25,470 hidden shares', () => {
    const sums = { PRINT_TRADE: 0n, PRINT_HIDDEN: 0n };
    for (const print of tape(run.messages).get('AAPL')) sums[print.kind] += print.quantity;
    assert.deepEqual(sums, { PRINT_TRADE: 56_086n, PRINT_HIDDEN: 25_470n });
    assert.equal(run.all.latest.get('XNAS.AAPL.trade').volume, 56_086n + 25_470n);
  });

  test('its tiers end in the same book over fewer updates', () => {
    assert.deepEqual(run.all.tiersBehind(['orderbook.100ms', 'orderbook.1s']), []);
    assert.ok(run.all.counts['orderbook.100ms'] < run.all.counts.orderbook);
    assert.ok(run.all.counts['orderbook.1s'] <= run.all.counts['orderbook.100ms'] + 1);
  });

  test('its directory entry is what its one R message says', async () => {
    const [reply] = await run.all.instruments();
    assert.equal(reply.last, true);
    assert.equal(reply.instruments.length, 1);
    const [entry] = reply.instruments;
    assert.deepEqual([entry.symbol, entry.locate, entry.roundLot, entry.priceExponent, entry.test, entry.state],
      ['AAPL', 13, 100n, -4, false, 'BOOK_OK']);
  });
});

test('order by order events are published only when asked for, and make the same day', async () => {
  const file = simulatedFile('orders', { symbols: 5, messages: 4_000, seed: 5 });
  const quiet = await replay(file, []);
  assert.equal(quiet.all.counts.order, undefined);
  await close(quiet);
  const run = await replay(file, ['--orders']);
  try {
    assert.deepEqual(run.all.errors, []);
    assert.deepEqual(run.all.faults, []);
    const told = new Map(), rest = new Map();
    for (const { subject, payload } of run.messages) {
      if (!subject.endsWith('.order')) continue;
      for (const event of payload.events) {
        assert.ok(!told.has(event.seq), `seq ${event.seq} once`);
        told.set(event.seq, event);
        if (event.kind === 'ORDER_REPLACE') rest.delete(event.orderId);
        const id = event.kind === 'ORDER_REPLACE' ? event.newOrderId : event.orderId;
        if (event.remaining > 0n) rest.set(id, `${subject} ${event.price} ${event.remaining}`);
        else rest.delete(id);
      }
    }
    const day = new ReferenceDay();
    let events = 0;
    for (const message of readBinaryFile(file)) {
      day.apply(message);
      const orderMessage = 'AFECXDU'.includes(String.fromCharCode(message[0]));
      if (orderMessage) events++;
      assert.equal(told.has(day.seq), orderMessage, `message ${day.seq}`);
    }
    assert.equal(told.size, events);
    const token = (symbol) => symbol.replace(/[^A-Za-z0-9\-_/$+=^#]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    assert.deepEqual(new Map([...rest].sort()),
      new Map([...day.orders].map(([id, o]) => [id, `XNAS.${token(o.symbol)}.order ${o.price} ${o.shares}`]).sort()));
  } finally {
    await close(run);
  }
});

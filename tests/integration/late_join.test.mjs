// Who comes late, and who asks for what there is not: snapshots one by one and in bulk, the directory, refusals.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Book, levelsOf } from './lib/book.mjs';
import { NatsServer, simulatedFile, startIngest, until } from './lib/programs.mjs';
import { Subscriber } from './lib/subscriber.mjs';
import { decodeAs, encodeAs } from './lib/wire.mjs';

const SYMBOLS = 60;
const nats = await NatsServer.start();
const file = simulatedFile('late', { symbols: SYMBOLS, messages: 100_000, seed: 11 });

/** An ingest that has been at work for a while and goes on: a whole day in some seconds. */
async function ingestAtWork(settings = []) {
  const witness = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  const ingest = await startIngest(nats, ['--source', `file:${file}`, '--pace', '15000x', ...settings]);
  await until('some thousand updates', () => witness.count > 2000);
  return { witness, ingest };
}

test('a subscriber that joins late gets a snapshot and its books go on without a fault', async () => {
  const { witness, ingest } = await ingestAtWork();
  const late = await Subscriber.connect(nats, ['XNAS.*.orderbook', 'feed.>']);
  try {
    const joinedAt = await until('the feed', () => late.feed);
    assert.equal(joinedAt.state, 'BOOK_OK');
    await witness.everythingCame();
    // What had no update since then is not known to the late one yet: it asks for all.
    for (const chunk of await late.many('snapshots.XNAS.orderbook', 'SnapshotReply'))
      for (const book of chunk.books) late.book(`XNAS.${book.symbol.replace('.', '%2E')}.orderbook`).take(book);
    assert.deepEqual(late.errors, []);
    assert.ok(late.repairs > 5, `${late.repairs} books were joined by snapshot`);
    const chainFaults = late.faults.filter((fault) => / checksum at /.test(fault));
    assert.deepEqual(chainFaults, []);
    const subjects = [...witness.books.keys()].filter((subject) => subject.endsWith('.orderbook'));
    await until('all books in sync', () => subjects.every((subject) => late.book(subject).inSync));
    for (const subject of subjects) {
      const mine = late.book(subject), right = witness.book(subject);
      assert.deepEqual([levelsOf(mine.bids), levelsOf(mine.asks), mine.seq], [levelsOf(right.bids), levelsOf(right.asks), right.seq], subject);
    }
    assert.deepEqual(witness.faults, []);
  } finally {
    await late.close();
    await witness.close();
    await ingest.stop();
  }
});

test('deltas chain on to a bulk snapshot taken in the middle of the day, chunk by chunk', async () => {
  const { witness, ingest } = await ingestAtWork(['--burst', '1']);
  const late = await Subscriber.connect(nats, ['XNAS.*.orderbook', 'feed.>'], { repair: false });
  try {
    const chunks = await late.many('snapshots.XNAS.orderbook', 'SnapshotReply');
    chunks.forEach((chunk, index) => {
      assert.equal(chunk.code, 'REPLY_OK');
      assert.equal(chunk.chunk, index);
      assert.equal(chunk.last, index === chunks.length - 1);
      assert.equal(chunk.channel, 'orderbook');
      assert.ok(chunk.bytes <= 65536, `${chunk.bytes} bytes`);
      assert.equal(chunk.epoch, '2020-01-30.FILE');
    });
    const books = chunks.flatMap((chunk) => chunk.books);
    assert.equal(new Set(books.map((book) => book.symbol)).size, SYMBOLS);
    assert.equal(books.length, SYMBOLS);
    for (const book of books) {
      assert.equal(book.snapshot, true);
      late.book(`XNAS.${book.symbol.replace('.', '%2E')}.orderbook`).take(book);
    }
    await witness.everythingCame();
    const subjects = [...witness.books.keys()].filter((subject) => subject.endsWith('.orderbook'));
    await until('all books at the end', () => subjects.every((subject) => late.book(subject).seq === witness.book(subject).seq));
    for (const subject of subjects) {
      assert.ok(late.book(subject).inSync, subject);
      assert.deepEqual(levelsOf(late.book(subject).bids), levelsOf(witness.book(subject).bids), subject);
      assert.deepEqual(levelsOf(late.book(subject).asks), levelsOf(witness.book(subject).asks), subject);
    }
    // Deltas before the snapshot are held and seen again; none may have been lost or wrong.
    assert.deepEqual(late.faults.filter((fault) => / checksum at /.test(fault)), []);
  } finally {
    await late.close();
    await witness.close();
    await ingest.stop();
  }
});

describe('an ingest whose day is over stays and answers', () => {
  let asker, ingest, live;
  before(async () => {
    live = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
    ingest = await startIngest(nats, ['--source', `file:${file}`, '--term', '100000000000', '--orders']);
    await live.everythingCame();
    asker = live.connection;
  });
  after(async () => {
    await live?.close();
    await ingest?.stop();
  });
  const ask = async (subject, payload = new Uint8Array(), name = 'SnapshotReply') =>
    decodeAs(name, (await asker.request(subject, payload, { timeout: 5000 })).data);

  test('each channel has snapshots, one by one and in bulk, in the state as last published', async () => {
    for (const [channel, list] of [['orderbook', 'books'], ['orderbook.100ms', 'books'], ['orderbook.1s', 'books'],
      ['quote', 'quotes'], ['trade', 'trades'], ['status', 'statuses'], ['imbalance', 'imbalances']]) {
      const one = await ask(`snapshot.XNAS.AAPL.${channel}`);
      assert.equal(one.code, 'REPLY_OK', channel);
      assert.equal(one.last, true);
      assert.equal(one.channel, channel);
      assert.equal(one.term, 100000000000n);
      for (const other of ['books', 'quotes', 'trades', 'statuses', 'imbalances'])
        assert.equal(one[other].length, other === list ? 1 : 0, `${channel}: ${other}`);
      const [state] = one[list];
      assert.equal(state.symbol, 'AAPL');
      assert.equal(state.snapshot, true);
      const last = live.latest.get(`XNAS.AAPL.${channel}`);
      assert.equal(state.seq, last?.seq ?? 0n, channel);
      if (list === 'books') {
        const book = new Book(), mine = live.book(`XNAS.AAPL.${channel}`);
        assert.equal(book.take(state), 'snapshot');
        assert.deepEqual([levelsOf(book.bids), levelsOf(book.asks)], [levelsOf(mine.bids), levelsOf(mine.asks)]);
      }
      if (channel === 'trade') {
        assert.deepEqual(state.prints, last.prints.slice(-1), 'the last print only');
        assert.deepEqual([state.volume, state.printCount], [last.volume, last.printCount]);
      }
      if (channel === 'quote') assert.deepEqual([state.bidPrice, state.askPrice], [last.bidPrice, last.askPrice]);
      const chunks = await live.many(`snapshots.XNAS.${channel}`, 'SnapshotReply');
      const all = chunks.flatMap((chunk) => chunk[list]);
      assert.equal(new Set(all.map((entry) => entry.symbol)).size, all.length, channel);
      assert.ok(all.some((entry) => entry.symbol === 'AAPL'), channel);
    }
  });

  test('a dotted symbol is asked for by its token', async () => {
    const reply = await ask('snapshot.XNAS.BRK%2EB.orderbook');
    assert.equal(reply.code, 'REPLY_OK');
    assert.equal(reply.books[0].symbol, 'BRK.B');
  });

  test('an unknown symbol or channel is NOT_FOUND, and the detail names it', async () => {
    const symbol = await ask('snapshot.XNAS.NOSUCH.orderbook');
    assert.equal(symbol.code, 'REPLY_NOT_FOUND');
    assert.match(symbol.detail, /NOSUCH/);
    assert.equal(symbol.last, true);
    assert.equal(symbol.books.length, 0);
    const channel = await ask('snapshot.XNAS.AAPL.depth');
    assert.equal(channel.code, 'REPLY_NOT_FOUND');
    assert.match(channel.detail, /depth/);
    const bulk = await ask('snapshots.XNAS.nothing');
    assert.equal(bulk.code, 'REPLY_NOT_FOUND');
    assert.match(bulk.detail, /nothing/);
    assert.equal((await ask('snapshot.XNAS.AAPL.order')).code, 'REPLY_NOT_FOUND');
  });

  test('a malformed request is BAD_REQUEST', async () => {
    assert.equal((await ask('snapshot.XNAS.%ZZ.orderbook')).code, 'REPLY_BAD_REQUEST');
    const list = await ask('instruments.XNAS', Buffer.from([0x0a, 0xff, 0xff, 0xff]), 'InstrumentList');
    assert.equal(list.code, 'REPLY_BAD_REQUEST');
    assert.notEqual(list.detail, '');
  });

  test('the directory lists every instrument, or those that are named, and says which are unknown', async () => {
    const all = await live.many('instruments.XNAS', 'InstrumentList');
    const entries = all.flatMap((chunk) => chunk.instruments);
    assert.equal(entries.length, SYMBOLS);
    assert.equal(new Set(entries.map((entry) => entry.locate)).size, SYMBOLS);
    for (const entry of entries) {
      assert.equal(entry.priceExponent, -4);
      assert.equal(entry.state, 'BOOK_OK', `${entry.symbol} ${entry.cause}`);
      assert.equal(entry.trading, live.latest.get(`XNAS.${entry.symbol.replace('.', '%2E')}.status`)?.trading ?? entry.trading);
    }
    const some = await ask('instruments.XNAS', encodeAs('InstrumentRequest', { symbols: ['BRK.B', 'NOSUCH', 'AAPL'] }), 'InstrumentList');
    assert.equal(some.code, 'REPLY_OK');
    assert.deepEqual(some.instruments.map((entry) => entry.symbol), ['BRK.B', 'AAPL']);
    assert.deepEqual(some.notFound, ['NOSUCH']);
    assert.equal(some.last, true);
  });

  test('a request of another exchange is nobody\'s here', async () => {
    await assert.rejects(asker.request('snapshot.XPAR.AAPL.orderbook', new Uint8Array(), { timeout: 500 }));
  });

  test('two thousand snapshot requests at once are all answered, and the answers are whole', async () => {
    const replies = await Promise.all(Array.from({ length: 2000 }, (_, index) =>
      asker.request(`snapshot.XNAS.${index % 7 === 0 ? 'NOSUCH' : 'AAPL'}.orderbook`, new Uint8Array(), { timeout: 20_000 })));
    replies.forEach((reply, index) => {
      const { code, books } = decodeAs('SnapshotReply', reply.data);
      assert.equal(code, index % 7 === 0 ? 'REPLY_NOT_FOUND' : 'REPLY_OK');
      if (code === 'REPLY_OK') assert.equal(new Book().take(books[0]), 'snapshot');
    });
  });
});

test('with a short queue further requests are told to come back, and succeed when they do', async () => {
  const busy = await NatsServer.start();
  const watcher = await Subscriber.connect(busy, ['feed.>']);
  const small = await startIngest(busy, ['--source', `file:${file}`, '--max-requests', '2', '--snapshot-rate', '64Ki']);
  try {
    await watcher.feedIs({ state: 'BOOK_CLOSED' });
    const asked = await Promise.all(Array.from({ length: 200 }, () =>
      watcher.connection.request('snapshot.XNAS.AAPL.orderbook', new Uint8Array(), { timeout: 20_000 })));
    const replies = asked.map((reply) => decodeAs('SnapshotReply', reply.data));
    const refused = replies.filter((reply) => reply.code === 'REPLY_BUSY');
    assert.ok(refused.length > 0, 'somebody was told to come back');
    for (const reply of refused) assert.ok(reply.retryAfterMs > 0);
    await until('a later request succeeds', async () =>
      decodeAs('SnapshotReply', (await watcher.connection.request('snapshot.XNAS.AAPL.orderbook', new Uint8Array(), { timeout: 5000 })).data).code === 'REPLY_OK');
  } finally {
    await watcher.close();
    await small.stop();
  }
});

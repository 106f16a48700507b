// `tickwire tap --verify`: what it calls right, and whether it finds what is wrong: publishers that lie, servers that go
// away, leaders that are deposed.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect } from 'nats';
import { bookChecksum } from './lib/book.mjs';
import { NatsServer, run, simulatedFile, sleep, startIngest, startTickwire, tickwireProgram, until } from './lib/programs.mjs';
import { Subscriber } from './lib/subscriber.mjs';
import { decode, encodeAs } from './lib/wire.mjs';

const nats = await NatsServer.start();
const voice = await connect({ servers: nats.url, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
after(() => voice.close());

/** What follows the last line end is a line that is still being read. */
const lines = (text) => text.split('\n').slice(0, -1).filter((line) => line !== '').map((line) => JSON.parse(line));
let marks = 0;

/** A tap that is known to listen: it has printed a mark of ours. */
async function tap(server, connection, subjects) {
  const program = startTickwire('tap', '--url', server.url, '--json', '--verify', '--print', 'feed.XMRK.*.status', ...subjects);
  await mark(program, connection);
  return program;
}
/** Sends a mark until `program` has printed it: everything sent by `connection` before has come then, too. */
async function mark(program, connection) {
  const partition = ++marks;
  const status = encodeAs('FeedStatus', { exchange: 'XMRK', partition, term: 1n });
  await until(() => `tap should print mark ${partition}; it said: ${program.stderr}`, () => {
    if (program.status !== undefined) throw new Error(`tap ended with ${program.status}: ${program.stderr}`);
    connection.publish(`feed.XMRK.${partition}.status`, status);
    return program.stdout.includes(`feed.XMRK.${partition}.status`);
  });
}
async function summary(program) {
  const status = await program.stop('SIGINT');
  return { status, ...lines(program.stdout).at(-1), stderr: program.stderr };
}

test('a clean day is verified: exit 0, every message counted, no fault', async () => {
  const witness = await Subscriber.connect(nats, ['XNAS.>', 'feed.XNAS.*.status']);
  const program = await tap(nats, voice, ['XNAS.>', 'feed.XNAS.>']);
  const ingest = await startIngest(nats, ['--source', `file:${simulatedFile('tap', { messages: 5_000 })}`]);
  await witness.everythingCame();
  await until('tap to print the last state', () => /BOOK_CLOSED|CLOSED/.test(program.stdout));
  await mark(program, voice);
  const told = await summary(program);
  assert.equal(told.status, 0, told.stderr);
  assert.equal(told.ok, true);
  assert.deepEqual([told.chain_faults, told.checksum_faults, told.malformed, told.books_out_of_sync, told.resyncs], [0, 0, 0, 0, 0]);
  const updates = witness.counts.orderbook + witness.counts['orderbook.100ms'] + witness.counts['orderbook.1s'];
  assert.equal(told.book_updates - told.snapshots_applied, updates);
  const printed = lines(program.stdout).filter((line) => line.subject?.startsWith('XNAS.'));
  assert.equal(printed.length, witness.count);
  await witness.close();
  await ingest.stop();
});

test('a publisher that is killed in the middle of a day leaves nothing verified: exit 1, and the reason is told', async () => {
  const program = startTickwire('tap', '--url', nats.url, '--json', '--verify', '--print', 'XNAS.>', 'feed.XNAS.>');
  const ingest = await startIngest(nats, ['--source', `file:${simulatedFile('killed', { messages: 20_000 })}`, '--pace', '5000x']);
  await until('some books', () => (program.stdout.match(/orderbook/g) ?? []).length > 50);
  await ingest.stop('SIGKILL');
  await sleep(1500); // a feed is silent after one second without a status
  const told = await summary(program);
  assert.equal(told.status, 1);
  assert.equal(told.verified, 'THE FEED FELL SILENT');
});

test('when nothing came, nothing is verified: exit 1', () => {
  const told = run(tickwireProgram, ['tap', '--url', nats.url, '--json', '--verify', '--for', '300ms', 'XNON.>']);
  assert.equal(told.status, 1);
  const [line] = lines(told.stdout);
  assert.deepEqual([line.ok, line.messages], [false, 0]);
  assert.match(line.verified, /NOTHING/);
});

test('without a server it says so and names it: exit 1', () => {
  const told = run(tickwireProgram, ['tap', '--url', 'nats://127.0.0.1:1', '--connect-timeout', '1s', 'XNAS.>']);
  assert.equal(told.status, 1);
  assert.match(told.stderr, /127\.0\.0\.1:1/);
});

// A publisher of one book that is right until it is told to lie.
class Liar {
  constructor(symbol) {
    Object.assign(this, { symbol, subject: `XLIE.${symbol}.orderbook`, seq: 0n, term: 5n, bids: [], answers: true });
    this.service = voice.subscribe(`snapshot.XLIE.${symbol}.orderbook`, {
      callback: (_, message) => this.answers && message.respond(encodeAs('SnapshotReply', {
        exchange: 'XLIE', channel: 'orderbook', last: true, epoch: 'E', term: this.term, books: [this.message({ snapshot: true, prevSeq: 0n })],
      })),
    });
  }

  message(changes = {}) {
    const { bids } = this;
    return { exchange: 'XLIE', symbol: this.symbol, partition: 1, epoch: 'E', term: this.term, seq: this.seq, depth: 10, priceExponent: -4,
      bidPrices: bids.map((l) => l.price), bidQuantities: bids.map((l) => l.quantity), bidOrders: bids.map(() => 1),
      checksum: bookChecksum(bids, [], 10), ...changes };
  }

  /** Publishes one more level; `lies` replace fields of the message. */
  next(lies = {}) {
    const prevSeq = this.seq, level = { price: 1_000_000n - this.seq, quantity: 10n + this.seq, orders: 1 };
    this.seq += 1n;
    this.bids = [...this.bids, level].slice(0, 10);
    voice.publish(this.subject, encodeAs('BookUpdate', this.message({ prevSeq, bidPrices: [level.price], bidQuantities: [level.quantity], bidOrders: [1], ...lies })));
  }

  close() {
    this.service.unsubscribe();
  }
}

describe('a publisher that lies', () => {
  const judge = async (symbol, script, { answers = true } = {}) => {
    const liar = new Liar(symbol);
    liar.answers = answers;
    const program = await tap(nats, voice, [`XLIE.${symbol}.>`]);
    liar.next();
    liar.next();
    await script(liar, program);
    await mark(program, voice);
    const told = await summary(program);
    liar.close();
    return told;
  };

  test('one that does not lie is believed', async () => {
    const told = await judge('TRUE', (liar) => liar.next());
    assert.equal(told.status, 0, told.stderr);
    assert.deepEqual([told.books, told.book_updates - told.snapshots_applied, told.checksum_faults, told.chain_faults], [1, 3, 0, 0]);
  });

  test('a wrong checksum is found and named; with no good snapshot the book stays out of sync: exit 1', async () => {
    const told = await judge('CHECK', (liar) => liar.next({ checksum: 0x12345678 }), { answers: false });
    assert.equal(told.status, 1);
    assert.deepEqual([told.ok, told.checksum_faults, told.books_out_of_sync], [false, 1, 1]);
    assert.match(told.stderr, /XLIE\.CHECK\.orderbook: .*checksum/i);
  });

  test('a wrong checksum that a snapshot repairs is still a fault of the publisher: exit 1, the book in sync', async () => {
    const told = await judge('REPAIR', async (liar, program) => {
      liar.next({ checksum: 0x12345678 });
      await mark(program, voice);
    });
    assert.equal(told.status, 1);
    assert.deepEqual([told.checksum_faults, told.books_out_of_sync], [1, 0]);
    assert.ok(told.snapshots_applied >= 1);
  });

  test('levels that are not what the checksum was made of are found', async () => {
    const told = await judge('LEVEL', (liar) => liar.next({ bidQuantities: [999n] }), { answers: false });
    assert.equal(told.status, 1);
    assert.equal(told.checksum_faults, 1);
  });

  test('a missing update breaks the chain: it is asked for, and without an answer the fault remains: exit 1', async () => {
    const told = await judge('CHAIN', (liar) => {
      liar.seq += 1n; // one update that nobody saw
      liar.next();
    }, { answers: false });
    assert.equal(told.status, 1);
    assert.ok(told.chain_faults >= 1);
    assert.equal(told.books_out_of_sync, 1);
    assert.ok(told.snapshots_requested >= 1);
  });

  test('a missing update that a snapshot makes good is no remaining fault: exit 0', async () => {
    const told = await judge('HEAL', async (liar, program) => {
      liar.seq += 1n;
      liar.next();
      await mark(program, voice);
      liar.next();
    });
    assert.equal(told.status, 0, told.stderr);
    assert.ok(told.chain_faults >= 1 && told.snapshots_applied >= 1);
    assert.equal(told.books_out_of_sync, 0);
  });

  test('a message of a lower term is dropped and counted, and the book is unharmed: exit 0', async () => {
    const told = await judge('TERM', (liar) => {
      const { seq, bids } = liar;
      liar.next({ term: 4n, bidQuantities: [1n] });
      Object.assign(liar, { seq, bids });
      liar.next();
    });
    assert.equal(told.status, 0, told.stderr);
    assert.deepEqual([told.old_terms, told.chain_faults, told.checksum_faults], [1, 0, 0]);
  });

  test('an update that comes twice is counted and applied once: exit 0', async () => {
    const told = await judge('TWICE', (liar) => {
      const { seq, bids } = liar;
      liar.next();
      Object.assign(liar, { seq, bids });
      liar.next();
    });
    assert.equal(told.status, 0, told.stderr);
    assert.equal(told.duplicates, 1);
  });

  // Messages of the trade channel: all prints of source message `seq`, or of several.
  const prints = (liar, symbol, { prevSeq, seqs, total, term = 5n, snapshot = false }) =>
    voice.publish(`XLIE.${symbol}.trade`, encodeAs('Trades', {
      exchange: 'XLIE', symbol, partition: 1, epoch: 'E', term, prevSeq, seq: seqs.at(-1), priceExponent: -4, snapshot,
      prints: seqs.map((seq) => ({ seq, price: 1_000_000n, quantity: 100n })), volume: 100n * total, printCount: total }));

  test('a new leader that says again what its predecessor sent costs no print, and none is counted twice: exit 0, one takeover', async () => {
    const told = await judge('AGAIN', (liar) => {
      prints(liar, 'AGAIN', { prevSeq: 0n, seqs: [10n], total: 1n });
      prints(liar, 'AGAIN', { prevSeq: 10n, seqs: [11n, 12n], total: 3n });
      prints(liar, 'AGAIN', { prevSeq: 10n, seqs: [11n], total: 2n, term: 6n });
      prints(liar, 'AGAIN', { prevSeq: 11n, seqs: [12n], total: 3n, term: 6n });
      prints(liar, 'AGAIN', { prevSeq: 12n, seqs: [13n], total: 4n }); // the old one woke up
      prints(liar, 'AGAIN', { prevSeq: 12n, seqs: [13n], total: 4n, term: 6n });
      prints(liar, 'AGAIN', { prevSeq: 13n, seqs: [13n], total: 4n, term: 6n, snapshot: true });
    });
    assert.equal(told.status, 0, told.stderr);
    assert.deepEqual([told.takeovers, told.old_terms, told.duplicates, told.missed_prints], [1, 1, 3, 0]);
  });

  test('a lost print is told with how many by the totals: exit 1, PRINTS ARE LOST', async () => {
    const told = await judge('PRINTS', (liar) => {
      prints(liar, 'PRINTS', { prevSeq: 0n, seqs: [10n], total: 1n });
      prints(liar, 'PRINTS', { prevSeq: 13n, seqs: [14n], total: 5n });
    });
    assert.equal(told.status, 1);
    assert.deepEqual([told.verified, told.missed_prints, told.books_out_of_sync], ['PRINTS ARE LOST', 3, 0]);
    assert.match(told.stderr, /XLIE\.PRINTS\.trade: prints are lost .* 3/);
  });

  test('the leader told by one channel deposes the old one on all of them', async () => {
    const told = await judge('DEPOSED', (liar) => {
      prints(liar, 'DEPOSED', { prevSeq: 0n, seqs: [10n], total: 1n, term: 6n });
      liar.next(); // term 5, on the book's channel
    });
    assert.deepEqual([told.takeovers, told.old_terms, told.chain_faults], [1, 1, 0]);
  });

  test('bytes that are no message, and levels that make no sense, are malformed: exit 1', async () => {
    const told = await judge('BYTES', (liar) => voice.publish(liar.subject, Buffer.from([0xff, 0xff, 0xff, 0xff])));
    assert.equal(told.status, 1);
    assert.equal(told.malformed, 1);
    const sides = await judge('SIDES', (liar) => {
      const { seq, bids } = liar;
      liar.next({ bidQuantities: [1n, 2n] });
      Object.assign(liar, { seq, bids });
    });
    assert.equal(sides.status, 1);
    assert.equal(sides.malformed, 1);
  });
});

test('a NATS server that is killed and comes back in the middle of a day costs no book, and prints lost with it are told', async () => {
  const server = await NatsServer.start();
  const witness = await Subscriber.connect(server, ['XNAS.>', 'feed.XNAS.*.status']);
  const program = startTickwire('tap', '--url', server.url, '--json', '--verify', 'XNAS.>', 'feed.XNAS.>');
  const file = simulatedFile('restart', { symbols: 50, messages: 100_000, seed: 31 });
  const ingest = await startIngest(server, ['--source', `file:${file}`, '--pace', '10000x', '--metrics', '0']);
  await until('the day to be under way', () => witness.count > 3000);
  await server.restart();
  const before = witness.count;
  await until('updates to come again', () => witness.count > before + 1000);
  await witness.feedIs({ state: 'BOOK_CLOSED' });
  const told = await summary(program);
  // What was in the server when it was killed is gone. A book heals from that; a print does not.
  assert.equal(told.verified, told.missed_prints > 0 ? 'PRINTS ARE LOST' : 'OK', `${JSON.stringify(told)} ${told.stderr}`);
  assert.equal(told.status, told.missed_prints > 0 ? 1 : 0);
  assert.ok(told.messages > 1000 && told.books >= 50 && told.books_out_of_sync === 0);
  assert.equal(told.checksum_faults, 0);
  // The witness heals by snapshots, too, and the broken chains are all it had to complain of.
  const chunks = await witness.many('snapshots.XNAS.orderbook', 'SnapshotReply');
  const right = new Map(chunks.flatMap((chunk) => chunk.books).map((book) => [book.symbol, book]));
  await until('every book of the witness to be in sync', () => [...witness.books.values()].every((book) => book.inSync));
  let compared = 0;
  for (const [symbol, book] of right) {
    const mine = witness.books.get(`XNAS.${symbol.replace('.', '%2E')}.orderbook`);
    if (!mine || mine.seq !== book.seq) continue; // silent since before the cut: it has not asked
    assert.deepEqual(mine.bids.map((l) => [l.price, l.quantity]), book.bidPrices.map((price, i) => [price, book.bidQuantities[i]]), symbol);
    compared++;
  }
  assert.ok(compared >= 40, `${compared} books compared`);
  assert.ok(witness.faults.every((fault) => !/ checksum at /.test(fault)), witness.faults[0]);
  await witness.close();
  await ingest.stop();
});

test('a tap that joins in the middle of a day asks for what it missed and ends in sync: exit 0', async () => {
  const witness = await Subscriber.connect(nats, ['XNAS.>', 'feed.XNAS.*.status']);
  const ingest = await startIngest(nats, ['--source', `file:${simulatedFile('joins', { symbols: 50, messages: 60_000, seed: 32 })}`, '--pace', '20000x']);
  await until('the day to be under way', () => witness.count > 2000);
  const program = await tap(nats, voice, ['XNAS.>']);
  await witness.everythingCame();
  const told = await summary(program);
  assert.equal(told.status, 0, told.stderr);
  assert.ok(told.snapshots_applied > 0);
  assert.deepEqual([told.checksum_faults, told.malformed, told.books_out_of_sync], [0, 0, 0]);
  await witness.close();
  await ingest.stop();
});

test('what tap prints is what protobufjs reads', async () => {
  const liar = new Liar('PRINT'), seen = [];
  const own = voice.subscribe('XLIE.PRINT.orderbook', { callback: (_, message) => seen.push(decode(message.subject, message.data)) });
  const program = await tap(nats, voice, ['XLIE.PRINT.>']);
  liar.next();
  liar.next();
  await mark(program, voice);
  const told = lines(program.stdout).filter((line) => line.subject === 'XLIE.PRINT.orderbook');
  assert.equal(told.length, seen.length);
  told.forEach((line, index) => {
    assert.equal(line.symbol, 'PRINT');
    assert.equal(BigInt(line.seq), seen[index].seq);
    assert.equal(BigInt(line.prev_seq), seen[index].prevSeq);
  });
  await program.stop('SIGINT');
  own.unsubscribe();
  liar.close();
});

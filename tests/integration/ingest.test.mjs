// The daemon as an operator has it: metrics and logs that machines read, a process that is killed, replaced or frozen,
// memory that is bounded.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { levelsOf } from './lib/book.mjs';
import * as itch from './lib/itch.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, ingestProgram, launchIngest, logLines, metricsUrl, run, simulatedFile, startIngest, startTickwire, until } from './lib/programs.mjs';
import { parsePrometheus, scrape } from './lib/prometheus.mjs';
import { Subscriber } from './lib/subscriber.mjs';

const nats = await NatsServer.start();
const file = simulatedFile('daemon', { symbols: 30, messages: 60_000, seed: 51 });
const token = (symbol) => symbol.replace(/[^A-Za-z0-9\-_/$+=^#]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

let reference;
const referenceDay = () => (reference ??= itch.readBinaryFile(file).reduce((day, message) => (day.apply(message), day), new itch.ReferenceDay()));
/** Symbols whose book in `subscriber` is not the reference's. */
const wrongBooks = (subscriber) => [...referenceDay().books.keys()].filter((symbol) => {
  const book = subscriber.books.get(`XNAS.${token(symbol)}.orderbook`), day = referenceDay();
  return `${levelsOf(book?.bids ?? [])}|${levelsOf(book?.asks ?? [])}` !== `${day.top(symbol, 0, 10)}|${day.top(symbol, 1, 10)}`;
});

describe('the Prometheus reader of these tests', () => {
  test('refuses what a scraper would', () => {
    for (const bad of ['a 1', '# TYPE a counter\na 1\na 2\n', '# TYPE a counter\na -1\n', 'a 1\n', '# TYPE a counter\na one\n',
      '# TYPE a counter\na{b="c} 1\n', '# TYPE a counter\n# TYPE b counter\na 1\n', '# TYPE a gauge\n# TYPE a gauge\na 1\n', '# TYPE a gauge\na  1\n'])
      assert.throws(() => parsePrometheus(bad), undefined, JSON.stringify(bad));
    assert.equal(parsePrometheus('# HELP a what\n# TYPE a gauge\na{b="c\\"d"} -1.5e3\n').get('a').samples[0].value, -1500);
  });
});

test('metrics are Prometheus text, counters only rise, and the numbers are those of the feed status', async (t) => {
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  const ingest = await startIngest(nats, ['--source', `file:${file}`, '--pace', '20000x', '--metrics', '0']);
  t.after(() => ingest.stop('SIGKILL')); // also after a failure: the next test publishes the same feed
  const url = await metricsUrl(ingest), early = await until('the day to be under way', async () => {
    const metrics = await scrape(url); // of its own words: a subscriber may hear of the day when it is over
    return metrics.messages_total > 1000 && metrics;
  });
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/nothing`)).status, 404);
  assert.match((await fetch(`${url}/metrics`)).headers.get('content-type'), /text\/plain/);
  await subscriber.everythingCame();
  const late = await scrape(url);
  let rose = 0;
  for (const [name, { type, samples }] of early.families) {
    if (type !== 'counter') continue;
    samples.forEach((sample, index) => {
      const after = late.families.get(name).samples[index];
      assert.deepEqual([after.name, after.labels], [sample.name, sample.labels]);
      assert.ok(after.value >= sample.value, `${name} fell from ${sample.value} to ${after.value}`);
      if (after.value > sample.value) rose++;
      assert.equal(sample.labels.exchange, 'XNAS');
    });
  }
  assert.ok(rose >= 4, `${rose} counters rose`);
  assert.equal(late.messages_total, 60_000);
  assert.equal(BigInt(late.updates_total), subscriber.feed.updates);
  assert.deepEqual([late.feed_state, late.feed_cause, late.lost_total, late.instruments, late.instruments_not_ok], [1, 12, 0, 30, 0]);
  assert.equal(late.live_orders, referenceDay().orders.size);
  for (const name of ['kernel_drops_total', 'orders_unknown_total', 'orders_inconsistent_total', 'messages_malformed_total',
    'packets_malformed_total', 'updates_held_back_total', 'books_given_up_total', 'instruments_refused_total', 'prints_dropped_total',
    'requests_busy_total', 'bus_buffered_bytes']) assert.equal(typeof late[name], 'number', `docs/operations.md names ${name}`);
  const channels = late.families.get('tickwire_ingest_updates_total').samples;
  for (const [channel, count] of Object.entries(subscriber.counts))
    assert.equal(channels.find((sample) => sample.labels.channel === channel)?.value, count, channel);
  await subscriber.close();
  await ingest.stop();
});

test('a JSON log is one object a line with time, level and message', async () => {
  const subscriber = await Subscriber.connect(nats, ['feed.>']);
  const ingest = await startIngest(nats, ['--source', `file:${file}`]);
  await subscriber.feedIs({ state: 'BOOK_CLOSED' });
  assert.equal(await ingest.stop(), 0);
  const lines = logLines(ingest); // throws on a line that is no JSON
  assert.ok(lines.length >= 4);
  for (const line of lines) {
    assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
    assert.ok(!Number.isNaN(Date.parse(line.time)));
    assert.ok(['debug', 'info', 'warn', 'error'].includes(line.level));
    assert.ok(line.message.length > 0 && line.program === 'tickwire-ingest');
  }
  assert.equal(lines.at(-1).message, 'ingest ends');
  assert.equal(lines.at(-1).messages, 60_000);
  assert.equal(ingest.stdout, '');
  await subscriber.close();
});

test('SIGTERM in the middle of the day: the feed is told to be STALE, LINE_DOWN, and the process leaves with 0', async () => {
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  const ingest = await startIngest(nats, ['--source', `file:${file}`, '--pace', '10000x']);
  await until('the day to be under way', () => subscriber.count > 1000);
  assert.equal(await ingest.stop('SIGTERM'), 0);
  await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_LINE_DOWN' });
  assert.deepEqual(subscriber.faults, []);
  await subscriber.close();
});

test('an ingest that is killed and started again has a higher term; books end right without a word from the first', async () => {
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  const first = await startIngest(nats, ['--source', `file:${file}`, '--pace', '10000x']);
  await until('the day to be under way', () => subscriber.count > 2000);
  await first.stop('SIGKILL');
  assert.equal(first.status, 'SIGKILL');
  await nats.connectionGone('tickwire-ingest');
  await subscriber.connection.flush();
  const term = subscriber.feed.term, seen = subscriber.count;
  assert.notEqual(subscriber.feed.state, 'BOOK_CLOSED');
  await until('another millisecond: a term is the time of start', () => BigInt(Date.now()) > term);
  const second = await startIngest(nats, ['--source', `file:${file}`]);
  await subscriber.feedIs((status) => status.term > term && status.state === 'BOOK_CLOSED');
  await subscriber.everythingCame({ earlier: BigInt(seen) });
  assert.deepEqual(subscriber.faults, []);
  assert.deepEqual(wrongBooks(subscriber), []);
  for (const book of subscriber.books.values()) assert.ok(book.term > term && book.inSync);
  await subscriber.close();
  await second.stop();
});

test('a recording does not start over a feed that is published: it names who does; --depose and --term take the place', async () => {
  const subscriber = await Subscriber.connect(nats, ['feed.>']);
  const live = launchIngest(nats, ['--source', `udp://239.255.41.77:${await freePort()}@127.0.0.1`, '--exchange', 'XPSX', '--session-date', '2020-01-30']);
  await live.says(/"leads/);
  await until('the live one to speak', () => subscriber.feed?.exchange === 'XPSX');
  const { term, leader } = subscriber.feed;
  const refused = run(ingestProgram, ['--nats', nats.url, '--exchange', 'XPSX', '--source', `file:${file}`]);
  assert.equal(refused.status, 1, refused.stderr);
  assert.match(refused.stderr, new RegExp(`XPSX partition 1 is published already: by ${leader.replaceAll('.', '\\.')} \\(term ${term}`));
  assert.match(refused.stderr, /--depose/);
  assert.equal(subscriber.feed.leader, leader);
  const elsewhere = launchIngest(nats, ['--exchange', 'XPSX', '--partition', '2', '--partitions', '2', '--source', `file:${file}`, '--exit-at-end']);
  assert.equal(await elsewhere.end(), 0, elsewhere.stderr);
  const bold = launchIngest(nats, ['--exchange', 'XPSX', '--source', `file:${file}`, '--exit-at-end', '--depose']);
  await live.says(/"follows/);
  assert.equal(await bold.end(), 0, bold.stderr);
  await live.stop();
  await subscriber.close();
});

test('a leader that was frozen and wakes up after its successor steps back; what it still said is not heard', async () => {
  let late = 0;
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>'], { onMessage: (_, __, outcome) => (late += outcome === 'old term') });
  const tap = startTickwire('tap', '--url', nats.url, '--json', '--verify', 'XNAS.>', 'feed.XNAS.>');
  const old = await startIngest(nats, ['--source', `file:${file}`, '--pace', '10000x', '--term', '100']);
  const words = []; // of the old leader, to come again late, as if it had been frozen just before it wrote them
  const ear = subscriber.connection.subscribe('XNAS.>', { callback: (_, { subject, data }) => words.push([subject, data]) });
  await until('the day to be under way', () => subscriber.count > 2000 && words.length > 600);
  await old.freeze();
  ear.unsubscribe();
  const successor = await startIngest(nats, ['--source', `file:${file}`, '--term', '101']);
  await subscriber.feedIs({ state: 'BOOK_CLOSED', term: 101n });
  await until('right books', () => wrongBooks(subscriber).length === 0);
  old.kill('SIGCONT');
  await old.says(/"follows/);
  for (const [subject, data] of words) subscriber.connection.publish(subject, data);
  await until('words of the old leader', () => late > 500);
  assert.deepEqual(wrongBooks(subscriber), [], 'nothing of the old leader was applied');
  assert.deepEqual(subscriber.faults, []);
  await old.stop('SIGKILL');
  await nats.isQuiet('tickwire tap');
  assert.equal(await tap.stop('SIGINT'), 0, tap.stdout + tap.stderr);
  const told = JSON.parse(tap.stdout.trim().split('\n').at(-1));
  assert.ok(told.old_terms > 0 && told.checksum_faults === 0 && told.books_out_of_sync === 0, tap.stdout);
  await subscriber.close();
  await successor.stop();
});

describe('memory is bounded', () => {
  const staleIs = (subscriber, cause) => [...subscriber.books].filter(([subject, book]) => subject.endsWith('.orderbook') && book.state === 'BOOK_STALE')
    .map(([, book]) => (assert.equal(book.cause, cause), book));

  for (const [setting, value] of [['--max-orders', '300'], ['--max-levels', '600']]) {
    test(`${setting}: the book that asks for more is STALE, CAPACITY, a metric says so, and the others are right`, async () => {
      const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
      const ingest = await startIngest(nats, ['--source', `file:${file}`, '--metrics', '0', setting, value]);
      try {
        await subscriber.everythingCame();
        const stale = staleIs(subscriber, 'CAUSE_CAPACITY').length;
        assert.ok(stale > 0, 'some book was given up');
        const wrong = wrongBooks(subscriber);
        for (const symbol of wrong) {
          const told = subscriber.latest.get(`XNAS.${token(symbol)}.orderbook`) ?? subscriber.latest.get(`XNAS.${token(symbol)}.status`);
          assert.deepEqual([told.state, told.cause], ['BOOK_STALE', 'CAUSE_CAPACITY'], `${symbol} is not shown as right`);
        }
        assert.ok(wrong.length < referenceDay().books.size, 'some book is right');
        const seen = await scrape(await metricsUrl(ingest));
        assert.ok(seen.books_given_up_total >= stale);
        assert.equal(seen.instruments_not_ok, subscriber.feed.instrumentsNotOk);
        assert.ok(seen.instruments_not_ok >= stale);
        assert.ok(setting !== '--max-orders' || seen.live_orders <= 300);
        assert.deepEqual(subscriber.faults, []);
        const directory = (await subscriber.instruments()).flatMap((chunk) => chunk.instruments);
        assert.equal(directory.filter((entry) => entry.cause === 'CAUSE_CAPACITY').length, seen.instruments_not_ok);
      } finally {
        await subscriber.close();
        await ingest.stop();
      }
    });
  }

  test('--max-instruments: further symbols are refused and counted, those there are stay right', async () => {
    const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
    const ingest = await startIngest(nats, ['--source', `file:${file}`, '--metrics', '0', '--max-instruments', '10']);
    try {
      await subscriber.everythingCame();
      const symbols = new Set([...subscriber.latest.keys()].filter((s) => s.startsWith('XNAS.')).map((s) => s.split('.')[1]));
      assert.ok(symbols.size <= 10 && symbols.size > 5, `${symbols.size} symbols`);
      const wrong = new Set(wrongBooks(subscriber).map(token));
      for (const symbol of symbols) assert.ok(!wrong.has(symbol), symbol);
      const seen = await scrape(await metricsUrl(ingest));
      assert.equal(seen.instruments, 10);
      assert.ok(seen.instruments_refused_total >= 20);
      assert.deepEqual(subscriber.faults, []);
    } finally {
      await subscriber.close();
      await ingest.stop();
    }
  });

  test('--high-water: behind a bus that is away updates merge, and the books are right when it is back', async () => {
    const server = await NatsServer.start();
    const subscriber = await Subscriber.connect(server, ['XNAS.>', 'feed.>']);
    const ingest = await startIngest(server, ['--source', `file:${file}`, '--pace', '10000x', '--high-water', '64Ki', '--metrics', '0']);
    await until('the day to be under way', () => subscriber.count > 1000);
    await server.stop();
    const url = await metricsUrl(ingest), before = (await scrape(url)).messages_total;
    await until('the ingest to notice', () => /the bus is away/.test(ingest.stderr));
    await server.restart();
    await subscriber.feedIs({ state: 'BOOK_CLOSED' });
    await until(() => `right books, wrong: ${wrongBooks(subscriber)}`, async () => {
      for (const chunk of await subscriber.many('snapshots.XNAS.orderbook', 'SnapshotReply').catch(() => []))
        for (const book of chunk.books ?? []) {
          const mine = subscriber.book(`XNAS.${token(book.symbol)}.orderbook`);
          if (mine.seq !== book.seq) mine.fault ??= 'chain';
          mine.take(book);
        }
      return wrongBooks(subscriber).length === 0;
    });
    assert.ok((await scrape(url)).messages_total > before);
    assert.ok((await scrape(url)).bus_reconnects_total >= 1);
    assert.ok(subscriber.faults.every((fault) => !/ checksum at /.test(fault)), subscriber.faults[0]);
    await subscriber.close();
    await ingest.stop();
  });
});

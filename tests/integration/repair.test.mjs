// A feed that repairs itself: two lines that lose, swap, repeat and regroup, a request server that fills what both
// lost, and what is shown while it can't.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { after, describe, test } from 'node:test';
import { levelsOf } from './lib/book.mjs';
import { noteChecksums, sameChecksums } from './lib/checksums.mjs';
import * as itch from './lib/itch.mjs';
import { MoldSender } from './lib/mold_sender.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, metricsUrl, run, ingestProgram, simulatedFile, startIngest, startTickwire, tickwire, until } from './lib/programs.mjs';
import { scrape } from './lib/prometheus.mjs';
import { Subscriber } from './lib/subscriber.mjs';

const nats = await NatsServer.start();
after(() => nats.stop());
const opening = () => [itch.system('O'), itch.directory(1, 'AAPL'), itch.action(1, 'AAPL')];

/** A subscriber, and the checksums of what it saw published on orderbook channels. */
async function recorder() {
  const checksums = new Map();
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>'], { onMessage: noteChecksums(checksums) });
  return { subscriber, checksums };
}
const finalBooks = (subscriber) => new Map([...subscriber.books].map(([subject, book]) =>
  [subject, `${levelsOf(book.bids)} | ${levelsOf(book.asks)}`]));

/** Serves a day on both lines with `faults` to an ingest with refill, to the end. */
async function day(faults, { input = ['--simulate', '--symbols', '20', '--messages', '12000', '--seed', '61'], ingest: settings = [] } = {}) {
  const [a, b, requests] = [await freePort(), await freePort(), await freePort()];
  const { subscriber, checksums } = await recorder();
  const ingest = await startIngest(nats, ['--source', `udp://239.255.41.8:${a}@127.0.0.1`, '--source-b', `udp://239.255.41.9:${b}@127.0.0.1`,
    '--recovery', `127.0.0.1:${requests}`, '--session-date', '2020-01-30', '--silence', '1h', '--burst', '1', '--metrics', '0',
    '--hold-packets', '16384', ...settings]); // room for the whole day: on a busy machine an answer may take long
  await ingest.says(/"listening".*\n[^]*"listening"/);
  const feed = startTickwire('serve-feed', ...input, '--to', `udp://239.255.41.8:${a}@127.0.0.1`, '--to-b', `udp://239.255.41.9:${b}@127.0.0.1`,
    '--requests', `127.0.0.1:${requests}`, '--rate', '10k', '--wait', '100ms', '--heartbeat', '20ms', '--linger', '1m', ...faults);
  try {
    await subscriber.everythingCame().catch((error) => { throw new Error(`${error.message}; the ingest said: ${ingest.stderr.slice(-2000)}`); });
    await until('the status of both lines and of refill', () => ['A', 'B', 'R'].every((line) => subscriber.lines.has(line)));
    await feed.stop(); // it would go on answering requests
    assert.match(feed.stderr, /stopped: 12000 messages/);
    const metrics = await scrape(await metricsUrl(ingest));
    assert.deepEqual(subscriber.errors, []);
    assert.deepEqual(subscriber.faults, []);
    assert.equal(subscriber.feed.lost, 0n);
    assert.equal(metrics.lost_total, 0);
    return { checksums, heldBack: metrics.updates_held_back_total, books: finalBooks(subscriber), metrics, said: feed.stderr };
  } finally {
    await subscriber.close();
    await feed.stop();
    await ingest.stop();
  }
}
const sum = (metrics, name, line) => metrics.families.get(`tickwire_ingest_line_${name}`).samples
  .filter((sample) => sample.labels.line === line).reduce((total, sample) => total + sample.value, 0);

let perfect;
const lossless = () => (perfect ??= day([]));

test('two perfect lines: every message once, each line carries all, nothing is asked for', async () => {
  const { metrics, checksums, heldBack } = await lossless();
  assert.ok(checksums.size > (heldBack > 0 ? 1000 : 5000), `${checksums.size} updates, held back ${heldBack} times`);
  assert.equal(metrics.messages_total, 12_000);
  for (const line of ['A', 'B']) {
    assert.equal(sum(metrics, 'messages_total', line), 12_000);
    assert.equal(sum(metrics, 'losses_total', line), 0);
    assert.equal(sum(metrics, 'wins_total', line) + sum(metrics, 'duplicates_total', line), 12_000);
  }
  assert.equal(sum(metrics, 'wins_total', 'A') + sum(metrics, 'wins_total', 'B'), 12_000);
  assert.equal(metrics.refill_requests_total, 0);
});

describe('5 % loss, reordering, duplication and regrouping on both lines', () => {
  for (const seed of [1, 2, 3])
    test(`fault seed ${seed}: final books and every published checksum are those of the lossless day`, async () => {
      const want = await lossless();
      const got = await day(['--loss', '5%', '--reorder', '2%/8', '--duplicate', '2%', '--regroup', 'A:4,B:3', '--fault-seed', `${seed}`]);
      assert.deepEqual(got.books, want.books);
      sameChecksums(got, want);
      assert.ok(got.metrics.refilled_total > 0 && got.metrics.refill_requests_total > 0, got.said);
      for (const line of ['A', 'B']) assert.ok(sum(got.metrics, 'losses_total', line) > 200, `line ${line} lost little: ${got.said}`);
    });
});

test('bursts of loss and silences on each line at its own times change nothing either', async () => {
  const want = await lossless();
  const got = await day(['--burst-loss', '1%/10', '--silence', '300ms/60ms', '--fault-seed', '5']);
  assert.deepEqual(got.books, want.books);
  sameChecksums(got, want);
  assert.match(got.said, /line A: .*in bursts [1-9].*in silence [1-9]/);
});

test('a recording is served as it is', async () => {
  const file = simulatedFile('served', { symbols: 20, messages: 12_000, seed: 61 });
  const got = await day(['--loss', 'B:20%'], { input: ['--source', `file:${file}`] });
  assert.deepEqual(got.books, (await lossless()).books);
  assert.equal(sum(got.metrics, 'losses_total', 'A'), 0);
  assert.ok(sum(got.metrics, 'losses_total', 'B') > 1000, got.said);
});

describe('corrupted packets on both lines', () => {
  for (const seed of [1, 2, 3])
    test(`fault seed ${seed}: what breaks the framing is counted and refilled, no damaged name becomes a session, and the next day is right`, async () => {
      const { books: want } = await lossless();
      const [a, b, requests] = [await freePort(), await freePort(), await freePort()];
      const { subscriber } = await recorder();
      const ingest = await startIngest(nats, ['--source', `udp://239.255.41.8:${a}@127.0.0.1`, '--source-b', `udp://239.255.41.9:${b}@127.0.0.1`,
        '--recovery', `127.0.0.1:${requests}`, '--session-date', '2020-01-30', '--silence', '1h', '--metrics', '0', '--gap-deadline', '1s']);
      await ingest.says(/"listening".*\n[^]*"listening"/);
      const serve = async (session, ...faults) => {
        const feed = startTickwire('serve-feed', '--simulate', '--symbols', '20', '--messages', '12000', '--seed', '61', '--session', session, '--mtu', '300',
          '--to', `udp://239.255.41.8:${a}@127.0.0.1`, '--to-b', `udp://239.255.41.9:${b}@127.0.0.1`, '--requests', `127.0.0.1:${requests}`,
          '--rate', '20k', '--wait', '100ms', '--heartbeat', '20ms', '--linger', '600ms', ...faults);
        assert.equal(await feed.end(), 0, feed.stderr);
        return feed.stderr;
      };
      try {
        const said = await serve('BAD', '--corrupt', '5%', '--fault-seed', `${seed}`);
        assert.match(said, /line A: .*corrupted [1-9]\d/);
        assert.match(said, /line B: .*corrupted [1-9]\d/);
        const metrics = await scrape(await metricsUrl(ingest));
        assert.ok(metrics.packets_malformed_total > 10, `${metrics.packets_malformed_total} malformed`);
        for (const line of ['A', 'B']) assert.ok(sum(metrics, 'passed_over_total', line) > 0, `nothing passed over on ${line}`);
        // A number that damage moved ahead behind intact framing is believed for a while, so how much counts as lost is chance.
        assert.ok(metrics.messages_total > 8000, `${metrics.messages_total} messages, ${metrics.lost_total} lost`);
        const epochs = new Set(subscriber.statuses.map((status) => status.epoch).filter((epoch) => epoch !== ''));
        assert.deepEqual([...epochs].map((epoch) => epoch.split('.')[1]), ['BAD'], 'no damaged name became a session');

        await serve('GOOD');
        await subscriber.feedIs(({ epoch, state }) => epoch.endsWith('.GOOD') && state === 'BOOK_CLOSED');
        assert.equal(subscriber.feed.lost, 0n);
        assert.equal(subscriber.feed.instrumentsNotOk, 0);
        const wrong = () => { // symbols that damage made up are of the bad day only
          const got = finalBooks(subscriber);
          return [...want].filter(([subject, book]) => got.get(subject) !== book).map(([subject]) => subject);
        };
        await until(() => `the books of the good day; wrong are ${wrong()}`, () => wrong().length === 0);
        assert.deepEqual(subscriber.errors, []);
        assert.deepEqual(subscriber.faults, []);
      } finally {
        await subscriber.close();
        await ingest.stop();
      }
    });
});

/** Two lines made by hand, and, if `answer` is given, a request server: answer(request, reply). */
async function byHand(settings, body, answer) {
  const [a, b, requests] = [await freePort(), await freePort(), await freePort()];
  const asked = [];
  const server = dgram.createSocket('udp4');
  if (answer) {
    server.on('message', (request, from) => {
      asked.push({ session: request.toString('latin1', 0, 10), first: Number(request.readBigUInt64BE(10)), count: request.readUInt16BE(18), length: request.length });
      answer(asked.at(-1), (bytes) => server.send(bytes, from.port, from.address));
    });
    await new Promise((resolve) => server.bind(requests, '127.0.0.1', resolve));
  }
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  const ingest = await startIngest(nats, ['--source', `udp://127.0.0.1:${a}`, '--source-b', `udp://127.0.0.1:${b}`, '--session-date', '2020-01-30',
    '--silence', '1h', '--metrics', '0', '--recovery', `127.0.0.1:${requests}`, ...settings]);
  await ingest.says(/"listening".*\n[^]*"listening"/);
  const lines = [await MoldSender.open(a), await MoldSender.open(b)];
  try {
    await body({ subscriber, a: lines[0], b: lines[1], asked, metrics: async () => scrape(await metricsUrl(ingest)) });
    assert.deepEqual(subscriber.errors, []);
  } finally {
    lines.forEach((line) => line.close());
    server.close();
    await subscriber.close();
    await ingest.stop();
  }
}
const both = async ({ a, b }, ...messages) => {
  await a.send(...messages);
  await b.send(...messages);
};

test('one line dies and returns: the feed is OK throughout, the line says so; both silent is STALE', () =>
  byHand(['--silence', '400ms'], async (it) => {
    const { a, b, subscriber, metrics } = it;
    const beats = [a.beat(20), b.beat(20)];
    await both(it, ...opening(), itch.add(1, 'AAPL', 1n, 'B', 100, 1000000));
    await subscriber.feedIs({ state: 'BOOK_OK' });
    beats[0].stop();
    const before = subscriber.statuses.length;
    await b.send(itch.add(1, 'AAPL', 2n, 'B', 100, 1010000));
    await until('line A to be told silent', () => subscriber.lines.get('A')?.cause === 'CAUSE_LINE_SILENT');
    assert.equal(subscriber.lines.get('A').state, 'BOOK_STALE');
    assert.equal(subscriber.lines.get('B').state, 'BOOK_OK');
    a.next = b.next; // it returns where the other one is
    const again = a.beat(20);
    await both(it, itch.add(1, 'AAPL', 3n, 'B', 100, 1020000));
    await until('line A to be back', () => subscriber.lines.get('A').state === 'BOOK_OK');
    await until('what line A missed to be told', () => subscriber.lines.get('A').lost === 1n);
    assert.equal(subscriber.feed.state, 'BOOK_OK');
    assert.deepEqual(subscriber.statuses.slice(before).map((status) => status.state), [], 'the feed changed its state');
    assert.equal(sum(await metrics(), 'losses_total', 'B'), 0);
    again.stop();
    beats[1].stop();
    await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_LINE_SILENT' });
    await a.heartbeat();
    await subscriber.feedIs({ state: 'BOOK_OK' });
  }));

test('a request server that is not there: RECOVERING while it is asked, STALE at the deadline, the rest goes on', () =>
  byHand(['--reorder-window', '5ms', '--gap-deadline', '900ms', '--recovery-backoff', '20ms'], async (it) => {
    await both(it, ...opening());
    await it.subscriber.feedIs({ state: 'BOOK_OK' });
    it.a.withhold(itch.add(1, 'AAPL', 1n, 'B', 100, 1000000));
    it.b.next = it.a.next;
    await both(it, itch.add(1, 'AAPL', 2n, 'B', 100, 1010000));
    const open = await it.subscriber.feedIs({ state: 'BOOK_RECOVERING', cause: 'CAUSE_GAP' });
    assert.deepEqual([open.gapFrom, open.gapTo], [4n, 4n]);
    const stale = await it.subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_GAP_NOT_FILLED' });
    assert.equal(stale.lost, 1n);
    const metrics = await it.metrics();
    assert.ok(metrics.refill_requests_total >= 3, `${metrics.refill_requests_total} requests`);
    assert.ok(metrics.refill_failures_total >= 2, `${metrics.refill_failures_total} failures`);
    assert.equal(metrics.refilled_total, 0);
    assert.equal(metrics.lost_total, 1);
  }));

const missing = () => [1n, 2n, 3n, 4n, 5n].map((id) => itch.add(1, 'AAPL', id, 'B', 100, 1000000 + Number(id) * 10000));

/** Messages 4 to 8 are lost on both lines; the sixth order comes. */
async function lose(it) {
  await both(it, ...opening());
  await it.subscriber.feedIs({ state: 'BOOK_OK' });
  it.a.withhold(...missing());
  it.b.next = it.a.next;
  await both(it, itch.add(1, 'AAPL', 6n, 'B', 100, 1060000));
}
async function repaired(it) {
  const prices = () => it.subscriber.book('XNAS.AAPL.orderbook').bids.map((level) => Number(level.price));
  await until(() => `the book should hold all six orders; it holds ${prices()}`, () => prices().length === 6);
  assert.deepEqual(prices(), [1060000, 1050000, 1040000, 1030000, 1020000, 1010000]);
  await it.subscriber.feedIs({ state: 'BOOK_OK' });
  assert.equal(it.subscriber.feed.lost, 0n);
  assert.equal((await it.metrics()).refilled_total, 5);
  assert.deepEqual(it.subscriber.faults, []);
}
const part = ({ session, first, count }, most = 65535) => itch.packet(session.trimEnd(), first, missing().slice(first - 4, first - 4 + Math.min(count, most)));

test('requests are of the session, in parts no larger than asked for, and fill the gap', () =>
  byHand(['--reorder-window', '5ms', '--recovery-max-messages', '2'], async (it) => {
    await lose(it);
    await repaired(it);
    assert.deepEqual(it.asked.map(({ first, count }) => [first, count]), [[4, 2], [6, 2], [8, 1]]);
    for (const { session, length } of it.asked) assert.deepEqual([session, length], ['DAY1      ', 20]);
  }, (request, reply) => reply(part(request))));

test('a server that answers in part is asked for the rest', () =>
  byHand(['--reorder-window', '5ms'], async (it) => {
    await lose(it);
    await repaired(it);
    assert.deepEqual(it.asked[0].count, 5);
    assert.ok(it.asked.length >= 3);
  }, (request, reply) => reply(part(request, 2))));

test('garbage, other sessions and wrong numbers are no answer; the good one that comes late is', () => {
  let asked = 0;
  return byHand(['--reorder-window', '5ms', '--recovery-backoff', '20ms'], async (it) => {
    await lose(it);
    await repaired(it);
    const metrics = await it.metrics();
    assert.ok(metrics.refill_failures_total >= 3, `${metrics.refill_failures_total} failures`);
    assert.equal(sum(metrics, 'malformed_total', 'R'), 2);
    assert.ok(sum(metrics, 'passed_over_total', 'R') >= 3);
  }, (request, reply) => {
    asked++;
    if (asked === 1) {
      reply(Buffer.from('nonsense'));
      reply(part(request).subarray(0, 30)); // cut
    } else if (asked === 2) {
      reply(itch.packet('DAY2', request.first, missing()));
      reply(itch.packet('DAY1', 1000, missing()));
    } else if (asked === 3) {
      reply(itch.endOfSession('DAY1', request.first));
    } else {
      setTimeout(() => reply(part(request)), 10);
    }
  });
});

test('what makes no sense is refused in words', () => {
  const cases = [[/source-b/, '--source', 'file:x', '--source-b', 'udp://127.0.0.1:9'], [/source-b/, '--source', 'udp://127.0.0.1:9', '--source-b', 'file:x'],
    [/recovery/, '--source', 'file:x', '--recovery', '127.0.0.1:9'], [/recovery.*port/s, '--source', 'udp://127.0.0.1:9', '--recovery', '127.0.0.1'],
    [/--recovery.*no numeric address/, '--source', 'udp://127.0.0.1:9', '--recovery', 'localhost:1'], [/--recovery.*empty: write HOST:PORT/, '--source', 'udp://127.0.0.1:9', '--recovery', ','],
    [/--source: .*any port/, '--source', 'udp://127.0.0.1:0'], [/--source-b: .*any port/, '--source', 'udp://127.0.0.1:9', '--source-b', 'udp://127.0.0.1:0'],
    [/same line/, '--source', 'udp://127.0.0.1:9', '--source-b', 'udp://127.0.0.1:9'], [/--source: .*user name/, '--source', 'soup://127.0.0.1:90'],
    [/--glimpse: .*user name/, '--source', 'udp://127.0.0.1:9', '--glimpse', 'soup://127.0.0.1:90'],
    [/--burst-min 500 is above --burst 256/, '--source', 'udp://127.0.0.1:9', '--burst-min', '500', '--burst', '256'],
    [/--receive-buffer .*above --receive-buffer-max/, '--source', 'udp://127.0.0.1:9', '--receive-buffer', '64Mi', '--receive-buffer-max', '1Mi']];
  for (const [words, ...settings] of cases) {
    const { status, stderr } = run(ingestProgram, ['--nats', nats.url, '--session-date', '2020-01-30', ...settings]);
    assert.equal(status, 2, stderr);
    assert.match(stderr, words);
    const away = run(ingestProgram, ['--nats', 'nats://127.0.0.1:1', '--session-date', '2020-01-30', ...settings]);
    assert.equal(away.status, 2, `said before the bus is connected: ${away.stderr}`);
    assert.match(away.stderr, words);
  }
  const to = ['--to', 'udp://239.255.41.8:9@127.0.0.1'];
  for (const [words, ...settings] of [[/either/, ...to], [/either/, ...to, '--simulate', '--source', 'file:x'], [/loss.*5%/s, ...to, '--simulate', '--loss', '5'],
    [/silence/, ...to, '--simulate', '--silence', 'C:1s/1s'], [/requests/, ...to, '--simulate', '--requests', '239.1.1.1:5'], [/to: /, '--to', 'file:x', '--simulate']]) {
    const { status, stderr } = tickwire('serve-feed', ...settings);
    assert.equal(status, 2, stderr);
    assert.match(stderr, words);
  }
});

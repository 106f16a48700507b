// A feed over SoupBinTCP, and the way back from STALE by a GLIMPSE snapshot. The servers are the tests' own, from the
// specifications: they cut, fall silent, refuse, end, change their session and talk nonsense.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { levelsOf } from './lib/book.mjs';
import { noteChecksums, sameChecksums } from './lib/checksums.mjs';
import * as itch from './lib/itch.mjs';
import { MoldSender } from './lib/mold_sender.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, ingestProgram, launchIngest, logged, metricsUrl, run, simulatedFile, startIngest, startTickwire, until } from './lib/programs.mjs';
import { scrape } from './lib/prometheus.mjs';
import { GlimpseServer, SoupServer, accepted, snapshotAfter, soup } from './lib/soup_server.mjs';
import { Subscriber } from './lib/subscriber.mjs';

const nats = await NatsServer.start();
const file = simulatedFile('soup', { symbols: 20, messages: 12_000, seed: 71 });
const day = itch.readBinaryFile(file);
const opening = () => [itch.system('O'), itch.directory(1, 'AAPL'), itch.action(1, 'AAPL')];
const bids = (subscriber) => levelsOf(subscriber.book('XNAS.AAPL.orderbook').bids);
const shows = (subscriber, ...expected) =>
  until(() => `AAPL should show ${expected.join(', ')}; it shows ${bids(subscriber).join(', ')}`, () => bids(subscriber).join() === expected.join());
const finalBooks = (subscriber) => new Map([...subscriber.books].filter(([subject]) => subject.endsWith('.orderbook'))
  .map(([subject, book]) => [subject, `${levelsOf(book.bids)} | ${levelsOf(book.asks)}`]));

/** What a recorder of orderbook channels saw of the same day in a file, every message published on its own. */
async function replayed() {
  const checksums = new Map();
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>'], { onMessage: noteChecksums(checksums) });
  const ingest = await startIngest(nats, ['--source', `file:${file}`, '--burst', '1', '--start-after', '100ms', '--metrics', '0']);
  await subscriber.everythingCame();
  const books = finalBooks(subscriber), heldBack = (await scrape(await metricsUrl(ingest))).updates_held_back_total;
  await subscriber.close();
  await ingest.stop();
  return { books, checksums, heldBack };
}
let lossless;
const wanted = () => (lossless ??= replayed());

/** A server with `options`, an ingest of it with `settings`, a subscriber of everything; then `body`. */
async function withServer(options, settings, body) {
  const server = await SoupServer.open(options), checksums = new Map();
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>'], { onMessage: noteChecksums(checksums) });
  const ingest = await startIngest(nats, ['--source', options.url?.(server) ?? server.url(), '--session-date', '2020-01-30', '--silence', '1h',
    '--metrics', '0', '--burst', '1', ...settings]);
  try {
    await body({ server, subscriber, ingest, checksums, metrics: async () => scrape(await metricsUrl(ingest)) });
    assert.deepEqual(subscriber.errors, []);
    assert.deepEqual(subscriber.faults, []);
    assert.ok(!ingest.stderr.includes(server.password), 'the password is in the log');
  } finally {
    await server.close();
    await subscriber.close();
    await ingest.stop();
  }
}
const says = (ingest, words) => logged(ingest, words, (entry) => Object.values(entry).some((value) => typeof value === 'string' && words.test(value)));

test('a whole session: every checksum and the final books are those of the same day in a file; its end is told', async () => {
  const want = await wanted();
  await withServer({ messages: day, session: 'MORNING' }, [], async ({ server, subscriber, checksums, metrics }) => {
    await subscriber.feedIs({ state: 'BOOK_CLOSED', seq: 12_000n }); // by the exchange's last system event
    assert.equal(subscriber.feed.epoch, '2020-01-30.MORNING');
    server.end();
    await subscriber.everythingCame();
    assert.deepEqual(finalBooks(subscriber), want.books);
    assert.deepEqual(server.logins, [{ user: 'trader', password: 'secret', session: '', sequence: 1, timeout: undefined, bytes: 46 }]);
    assert.ok(!subscriber.statuses.some((status) => ['BOOK_STALE', 'BOOK_RECOVERING'].includes(status.state) && status.cause !== 'CAUSE_STARTING'));
    const seen = await metrics();
    sameChecksums({ checksums, heldBack: seen.updates_held_back_total }, want);
    assert.deepEqual([seen.messages_total, seen.lost_total, seen.duplicates_total, seen.soup_logins_total, seen.soup_failures_total], [12_000, 0, 0, 1, 0]);
    await until('the line to be closed', () => subscriber.lines.get('A')?.state === 'BOOK_CLOSED');
    assert.deepEqual([subscriber.lines.get('A').messages, subscriber.lines.get('A').nextSeq], [12_000n, 12_001n]);
  });
});

test('with --exit-at-end the end of the session is the end of the ingest: exit 0', () =>
  withServer({ messages: opening() }, ['--exit-at-end'], async ({ server, subscriber, ingest }) => {
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 3n });
    server.end();
    assert.equal(await ingest.end(), 0);
    await subscriber.feedIs({ state: 'BOOK_CLOSED' });
  }));

test('a link cut in the middle of packets, again and again, is resumed: nothing lost, nothing twice', async () => {
  const want = await wanted();
  const cuts = [1, 700, 3_000, 3_001, 8_000];
  await withServer({ messages: day, onLogin: (connection) => {
    connection.server.cutAfter = cuts[connection.server.logins.length - 1];
    return false;
  } }, [], async ({ server, subscriber, checksums, metrics }) => {
    await subscriber.feedIs({ state: 'BOOK_CLOSED', seq: 12_000n }); // by the exchange's last system event
    server.end();
    await subscriber.everythingCame();
    assert.deepEqual(server.logins.map(({ session, sequence }) => [session, sequence]),
      [['', 1], ...cuts.map((cut) => ['DAY1', cut + 1])]);
    assert.deepEqual(finalBooks(subscriber), want.books);
    const seen = await metrics();
    sameChecksums({ checksums, heldBack: seen.updates_held_back_total }, want);
    assert.deepEqual([seen.messages_total, seen.lost_total, seen.soup_failures_total], [12_000, 0, cuts.length]);
    assert.ok(!subscriber.statuses.some((status) => status.state === 'BOOK_STALE'), 'a break shorter than --silence is no news');
  });
});

test('a server that goes further back than asked brings nothing twice; one that goes less far has lost what is between', () =>
  withServer({ messages: opening() }, [], async ({ server, subscriber, metrics }) => {
    await subscriber.feedIs({ seq: 3n, state: 'BOOK_OK' });
    server.onLogin = (connection) => (connection.stream(1), true);
    server.push(itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000));
    server.cut();
    await shows(subscriber, '1000000 100 1');
    await until('the link to be back', async () => (await metrics()).duplicates_total >= 3);
    assert.equal((await metrics()).messages_total, 4);
    server.onLogin = (connection) => (connection.stream(7), true);
    server.messages.push(...[2, 3, 4].map((id) => itch.add(1, 'AAPL', id, 'B', 100, 1_010_000)));
    server.cut();
    const stale = await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_GAP_NOT_FILLED', seq: 7n });
    assert.equal(stale.lost, 2n);
    assert.equal((await metrics()).lost_total, 2);
  }));

test('a session that can only be joined late is RECOVERING, MID_SESSION', () =>
  withServer({ messages: day.slice(0, 500), onLogin: (connection) => (connection.stream(300), true) }, [], async ({ subscriber }) => {
    assert.match((await subscriber.feedIs({ state: 'BOOK_RECOVERING', cause: 'CAUSE_MID_SESSION', seq: 500n })).detail, /300/);
  }));

test('a wrong password: told in words, STALE, LINE_DOWN, tried again slowly; let in later, the feed is OK', () =>
  withServer({ messages: opening(), url: (server) => server.url('', { password: 'hunter2' }) }, ['--login-retry', '300ms'],
    async ({ server, subscriber, ingest, metrics }) => {
      const began = performance.now(), had = server.logins.length;
      const stale = await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_LINE_DOWN' });
      assert.match(stale.detail, /127\.0\.0\.1:\d+ rejects the login: user name and password are not right/);
      await says(ingest, /a login was rejected/);
      await until('a second attempt', () => server.logins.length >= 2);
      assert.equal(subscriber.feed.state, 'BOOK_STALE');
      assert.ok((await metrics()).soup_rejections_total >= 1);
      const more = server.logins.length - had, most = 2 + (performance.now() - began) / 300;
      assert.ok(more <= most, `${more} logins where there is time for ${most}`);
      await until('the line to be told down', () => subscriber.lines.get('A')?.cause === 'CAUSE_LINE_DOWN');
      server.password = 'hunter2';
      await subscriber.feedIs({ state: 'BOOK_OK', seq: 3n });
    }));

test('a server that falls silent, heartbeats and all: STALE after --silence, connected again after --link-timeout, then OK', () =>
  withServer({ messages: opening(), heartbeatMs: 50 }, ['--silence', '400ms', '--link-timeout', '1500ms', '--soup-version', '4.00'],
    async ({ server, subscriber, ingest }) => {
      await subscriber.feedIs({ state: 'BOOK_OK', seq: 3n });
      await until('heartbeats of the client', () => [...server.connections][0].heard.includes('R'));
      assert.deepEqual([server.logins[0].bytes, server.logins[0].timeout], [51, 1500]);
      assert.equal(subscriber.feed.state, 'BOOK_OK', 'heartbeats are enough');
      for (const connection of server.connections) clearInterval(connection.beat);
      await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_LINE_SILENT' });
      await until('a second login', () => server.logins.length === 2);
      assert.deepEqual([server.logins[1].session, server.logins[1].sequence], ['DAY1', 4]);
      await subscriber.feedIs({ state: 'BOOK_OK' });
      await says(ingest, /not a byte, not even a heartbeat, for 1500 ms/);
    }));

test('a server that is away for longer than --silence: STALE, LINE_DOWN with the reason; back again, OK and whole', () =>
  withServer({ messages: opening() }, ['--silence', '300ms'], async ({ server, subscriber }) => {
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 3n });
    await server.close();
    const stale = await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_LINE_DOWN' });
    assert.match(stale.detail, /127\.0\.0\.1:\d+/);
    await until('the line to be told down', () => subscriber.lines.get('A')?.cause === 'CAUSE_LINE_DOWN');
    server.messages.push(itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000));
    await server.listen();
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 4n });
    await shows(subscriber, '1000000 100 1');
  }));

describe('nonsense from the server ends the connection, not the feed', () => {
  const garbage = { 'bytes that are no packet': Buffer.alloc(64, 0xff), 'a packet of length 0': Buffer.from([0, 0]),
    'HTTP': Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'data before the login is answered': soup('S', itch.system('O')),
    'a session without a name': accepted('', 1), 'number 0': accepted('DAY1', 0), 'a heartbeat with a payload': soup('H', Buffer.from('x')),
    'a client\'s packet': soup('R') };
  for (const [what, bytes] of Object.entries(garbage))
    test(what, () =>
      withServer({ messages: opening(), onLogin: (connection) => {
        if (connection.server.logins.length > 2) return false;
        connection.send(bytes);
        return true;
      } }, ['--link-timeout', '2s'], async ({ server, subscriber, metrics }) => {
        await subscriber.feedIs({ state: 'BOOK_OK', seq: 3n });
        assert.equal(server.logins.length, 3);
        const seen = await metrics();
        assert.deepEqual([seen.messages_total, seen.soup_failures_total], [3, 2]);
      }));

  test('in the middle of the session it is resumed where it was good', () =>
    withServer({ messages: opening() }, [], async ({ server, subscriber }) => {
      await subscriber.feedIs({ state: 'BOOK_OK', seq: 3n });
      for (const connection of server.connections)
        connection.send(Buffer.concat([soup('S', itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000)), soup('+', Buffer.from('a word')), Buffer.from([0, 0, 0x53])]));
      server.messages.push(itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000));
      await until('a second login', () => server.logins.length === 2);
      assert.equal(server.logins[1].sequence, 5);
      server.push(itch.add(1, 'AAPL', 2, 'B', 100, 1_010_000));
      await shows(subscriber, '1010000 100 1', '1000000 100 1');
    }));
});

test('a session that is gone when the link comes back gives way to the active one: a new epoch, empty books', () =>
  withServer({ messages: [...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000)] }, [], async ({ server, subscriber }) => {
    await shows(subscriber, '1000000 100 1');
    server.change('DAY2', [...opening(), itch.add(1, 'AAPL', 9, 'B', 300, 2_000_000)]);
    await subscriber.feedIs({ state: 'BOOK_OK', epoch: '2020-01-31.DAY2', seq: 4n });
    await shows(subscriber, '2000000 300 1');
    assert.deepEqual(server.logins.map(({ session, sequence }) => [session, sequence]), [['', 1], ['DAY1', 5], ['', 1]]);
  }));

test('after the end the next session is looked for; the one that ended is not taken again', () =>
  withServer({ messages: opening() }, ['--login-retry', '100ms'], async ({ server, subscriber, metrics }) => {
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 3n });
    server.end();
    await subscriber.feedIs({ state: 'BOOK_CLOSED' });
    await until('it to look again', () => server.logins.length >= 3);
    assert.equal(subscriber.feed.state, 'BOOK_CLOSED');
    assert.equal((await metrics()).messages_total, 3);
    server.change('DAY2', opening());
    await subscriber.feedIs({ state: 'BOOK_OK', epoch: '2020-01-31.DAY2', seq: 3n });
  }));

test('a session asked for by name is waited for, and ends for good', () =>
  withServer({ messages: opening(), session: 'DAY1', url: (server) => server.url('DAY2') }, ['--login-retry', '50ms', '--silence', '200ms'],
    async ({ server, subscriber }) => {
      const stale = await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_LINE_DOWN' });
      assert.match(stale.detail, /session DAY2 is not available/);
      server.change('DAY2', opening());
      await subscriber.feedIs({ state: 'BOOK_OK', epoch: '2020-01-30.DAY2', seq: 3n });
      const { length } = server.logins;
      server.end();
      await subscriber.feedIs({ state: 'BOOK_CLOSED' });
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(server.logins.length, length);
    }));

test('a host name is resolved; one that is none is told, and nothing else suffers', async () => {
  await withServer({ messages: opening(), url: (server) => server.url('', { host: 'localhost' }) }, [], ({ subscriber }) =>
    subscriber.feedIs({ state: 'BOOK_OK', seq: 3n }));
  await withServer({ url: (server) => server.url('', { host: 'no-such-host.invalid' }) }, ['--silence', '300ms', '--link-timeout', '5s'], async ({ subscriber }) => {
    const stale = await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_LINE_DOWN' }, 60_000);
    assert.match(stale.detail, /no-such-host\.invalid/);
  });
});

test('the password is in no log, no error, no metric and not in the command line that others see', async () => {
  const server = await SoupServer.open({ password: 'hunter2', messages: opening() });
  const ingest = launchIngest(nats, ['--source', server.url(), '--session-date', '2020-01-30', '--metrics', '0', '--log-level', 'debug']);
  try {
    await ingest.says(/"logged in"/);
    const shown = readFileSync(`/proc/${ingest.child.pid}/cmdline`, 'latin1');
    assert.match(shown, /soup:\/\/trader:\*+@127/);
    const metrics = await (await fetch(`${await metricsUrl(ingest)}/metrics`)).text();
    for (const text of [shown, metrics, ingest.stderr, ingest.stdout]) assert.ok(!text.includes('hunter2'), text);
  } finally {
    await ingest.stop();
    await server.close();
  }
  assert.ok(!ingest.stderr.includes('hunter2'));
  for (const args of [['--source', 'soup://trader:hunter2@host'], ['--source', 'sopu://trader:hunter2@host:1'], ['soup://trader:hunter2@host:1'],
    ['--source', 'file:x', '--source-b', 'soup://trader:hunter2@host:1'], ['--source', 'soup://trader:hunter2@host:1', '--recovery', '127.0.0.1:5'],
    ['--source', 'soup://trader:hunter2@host:1', '--feed', 'lobster']]) {
    const { status, stderr, stdout } = run(ingestProgram, ['--nats', nats.url, '--session-date', '2020-01-30', ...args]);
    assert.equal(status, 2, stderr);
    assert.ok(!`${stderr}${stdout}`.includes('hunter2'), stderr);
  }
});

test('the source may come from the environment', async () => {
  const server = await SoupServer.open({ messages: opening() });
  const told = run(ingestProgram, ['--nats', 'nats://127.0.0.1:1', '--session-date', '2020-01-30'],
    { env: { ...process.env, TICKWIRE_INGEST_SOURCE: 'soup://trader@host' } });
  assert.equal(told.status, 2);
  assert.match(told.stderr, /HOST:PORT/);
  await server.close();
});

// ---- the way back from STALE ----

/** Verifies everything that is published, as long as `body` runs. */
async function verified(body) {
  const tap = startTickwire('tap', '--url', nats.url, '--json', '--verify', '--print', 'feed.XNAS.*.status', 'XNAS.>');
  await until(() => `tap should listen: ${tap.stderr}`, async () => {
    const { connections } = await (await fetch(`${nats.monitoring}/connz`)).json();
    return connections.some((connection) => connection.name !== undefined && connection.subscriptions > 1 && /tap|tickwire/.test(connection.name));
  });
  await body();
  await until(() => `tap should see the end: ${tap.stdout.slice(-300)}`, () => /BOOK_CLOSED|CLOSED/.test(tap.stdout));
  await nats.isQuiet('tickwire tap');
  const status = await tap.stop('SIGINT');
  assert.equal(status, 0, `${tap.stderr}\n${tap.stdout.slice(-1500)}`);
}

/** An ingest of a MoldUDP64 line made by hand, beside a GLIMPSE service that knows all that was sent. */
async function withGlimpse(settings, options, body) {
  const port = await freePort(), sender = await MoldSender.open(port, { next: options.next ?? 1 });
  const glimpse = await GlimpseServer.open({ take: () => snapshotAfter(options.messages ?? day, sender.next - 1), ...options.glimpse });
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  const ingest = await startIngest(nats, ['--source', `udp://127.0.0.1:${port}`, '--session-date', '2020-01-30', '--silence', '1h', '--metrics', '0',
    '--gap-deadline', '20ms', '--glimpse-backoff', '100ms', '--glimpse', options.url?.(glimpse) ?? glimpse.url(), ...settings]);
  await ingest.says(/"listening"/);
  try {
    await body({ sender, glimpse, subscriber, ingest, metrics: async () => scrape(await metricsUrl(ingest)) });
    assert.deepEqual(subscriber.errors, []);
    assert.deepEqual(subscriber.faults, []);
    assert.ok(!ingest.stderr.includes('secret'), 'the password is in the log');
  } finally {
    sender.close();
    await glimpse.close();
    await subscriber.close();
    await ingest.stop();
  }
}
/** Messages [from, to) of the day, numbered from 1, in packets of twenty, at a pace that loses none. */
async function send(sender, from, to) {
  for (let at = from; at < to; at += 20) {
    await sender.send(...day.slice(at - 1, Math.min(at + 19, to - 1)));
    if (at % 200 === 1) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
const end = (subscriber) => subscriber.feedIs({ state: 'BOOK_CLOSED', seq: 12_000n });

test('a gap that was given up: STALE, then a snapshot, then OK; books and chains are right, the final books the lossless ones', async () => {
  const want = await wanted();
  await verified(() => withGlimpse([], {}, async ({ sender, glimpse, subscriber, metrics }) => {
    await send(sender, 1, 5_001);
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 5_000n });
    sender.withhold(...day.slice(5_000, 5_040));
    await send(sender, 5_041, 7_001);
    const stale = await until('it to be STALE', () => subscriber.statuses.find((status) => status.state === 'BOOK_STALE'));
    assert.deepEqual([stale.cause, stale.lost], ['CAUSE_GAP_NOT_FILLED', 40n]);
    const ok = await subscriber.feedIs({ state: 'BOOK_OK', seq: 7_000n });
    assert.deepEqual([ok.lost, ok.instrumentsNotOk], [0n, 0]);
    const reference = new itch.ReferenceDay();
    day.slice(0, 7_000).forEach((message) => reference.apply(message));
    for (const [symbol] of reference.books) {
      const book = subscriber.book(`XNAS.${symbol.replace('.', '%2E')}.orderbook`);
      assert.deepEqual([levelsOf(book.bids), levelsOf(book.asks)], [reference.top(symbol, 0, 10), reference.top(symbol, 1, 10)], symbol);
    }
    await send(sender, 7_001, 12_001);
    await end(subscriber);
    assert.deepEqual(finalBooks(subscriber), want.books);
    assert.deepEqual(glimpse.logins.map(({ session, sequence }) => [session, sequence]), [['', 1]]);
    const seen = await metrics();
    assert.deepEqual([seen.glimpse_attempts_total, seen.glimpse_failures_total, seen.glimpse_rebuilds_total, seen.lost_total], [1, 0, 1, 40]);
    await until('the end to be told', () => subscriber.tiersBehind(['orderbook.100ms', 'orderbook.1s']).length === 0);
  }));
});

test('joined in the middle of the session: the snapshot makes it whole', async () => {
  const want = await wanted();
  await verified(() => withGlimpse([], { next: 6_001 }, async ({ sender, subscriber }) => {
    await send(sender, 6_001, 6_101);
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 6_100n });
    assert.ok(subscriber.statuses.some((status) => status.cause === 'CAUSE_MID_SESSION'));
    await send(sender, 6_101, 12_001);
    await end(subscriber);
    assert.deepEqual(finalBooks(subscriber), want.books);
  }));
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Loses message 5,001 to 5,040 of the day on the line, so that the feed is STALE, and goes on to 6,000. */
async function makeStale({ sender, subscriber }) {
  await send(sender, 1, 5_001);
  await subscriber.feedIs({ seq: 5_000n });
  sender.withhold(...day.slice(5_000, 5_040));
  await send(sender, 5_041, 6_001);
  await until('it to be STALE', () => subscriber.statuses.find((status) => status.cause === 'CAUSE_GAP_NOT_FILLED'));
}

/** Waits until all messages up to number `sent` have come, and those are held that were not taken before: a busy ingest logs in before it has read all. */
const allHeld = ({ metrics, subscriber }, sent) =>
  until('messages to be held', async () => (await metrics()).glimpse_held_messages === sent - Number(subscriber.feed.seq));

test('live messages that come while the snapshot does are held; nothing of half-built books ever leaves; every print is there once', async () => {
  const want = await wanted(), reference = new itch.ReferenceDay(), wrong = [];
  const join = 6_501; // a moment that the line has not reached at the login
  let at = 0, finish, compared = 0, prints = 0, atTheJoin = 0;
  const check = (subscriber) => (subject, payload) => {
    if (subject.endsWith('.trade')) prints += payload.prints.length;
    if (!subject.endsWith('.orderbook')) return;
    if (payload.seq === BigInt(join) - 1n) atTheJoin++;
    if (payload.seq < join) return;
    for (; at < Number(payload.seq); at++) reference.apply(day[at]);
    const symbol = subject.split('.')[1].replace('%2E', '.'), book = subscriber.book(subject);
    if (`${levelsOf(book.bids)}|${levelsOf(book.asks)}` !== `${reference.top(symbol, 0, 10)}|${reference.top(symbol, 1, 10)}`)
      wrong.push(`${subject} at ${payload.seq}`);
    compared++;
  };
  await verified(() => withGlimpse(['--burst', '1'], { glimpse: { onLogin: (connection, login) => {
    const snapshot = snapshotAfter(day, join - 1);
    connection.stream(login.sequence, snapshot.slice(0, -1));
    finish = () => connection.send(soup('S', snapshot.at(-1)));
    return true;
  } } }, async (it) => {
    it.subscriber.onMessage = check(it.subscriber);
    await makeStale(it);
    await until('a login', () => finish);
    await send(it.sender, 6_001, 8_001);
    await allHeld(it, 8_000);
    await it.subscriber.feedIs(({ state, seq }) => state === 'BOOK_STALE' && seq <= 6_000n); // what is held is not applied
    finish();
    await it.subscriber.feedIs({ state: 'BOOK_OK', seq: 8_000n });
    assert.deepEqual(it.subscriber.tiersBehind(['orderbook.100ms', 'orderbook.1s']), [], 'OK is said when every channel is right');
    await send(it.sender, 8_001, 12_001);
    await end(it.subscriber);
    assert.deepEqual(finalBooks(it.subscriber), want.books);
  }));
  assert.deepEqual(wrong, []);
  assert.ok(atTheJoin <= 1, `${atTheJoin} books left at ${join - 1}: one may, by that message itself`);
  assert.ok(compared > 100, `${compared} books were compared`); // some thousands, where the machine lets few changes merge
  const whole = new itch.ReferenceDay(), kept = (list) => [...list.values()].flat();
  day.forEach((message) => whole.apply(message));
  const printed = kept(whole.prints).length, inTheHole = kept(whole.prints).filter(({ seq }) => seq > 5_000n && seq <= 6_500n).length;
  assert.ok(prints <= printed && prints >= printed - inTheHole, `${prints} prints of ${printed}, ${inTheHole} in the hole and until the join`);
});

test('a service that is away, refuses, breaks off, talks nonsense or is behind: counted, told, asked again later; the lines go on; then it is OK', async () => {
  const want = await wanted();
  let late;
  const answers = [
    (connection) => connection.reject('A'),
    (connection, { sequence }) => {
      connection.stream(sequence, connection.server.take().slice(0, -10));
      setTimeout(() => connection.socket.destroy(), 20);
    },
    (connection, { sequence }) => connection.stream(sequence, [...connection.server.take().slice(0, 50), itch.remove(1, 5)]),
    (connection, { sequence }) => connection.stream(sequence, snapshotAfter(day, 5_500)),
    (connection) => connection.send(Buffer.alloc(8)),
    (connection, { sequence }) => {
      connection.server.cutAfter = undefined;
      connection.stream(sequence, connection.server.take());
    },
  ];
  await withGlimpse(['--glimpse-timeout', '10s'], { glimpse: { onLogin: (connection, login) => {
    answers[Math.min(connection.server.logins.length, answers.length) - 1](connection, login);
    return true;
  } } }, async (it) => {
    const { port } = it.glimpse;
    await it.glimpse.close();
    await makeStale(it);
    await until('a failure', async () => (await it.metrics()).glimpse_failures_total >= 1);
    await it.glimpse.listen(port);
    await send(it.sender, 6_001, 6_101);
    await it.subscriber.feedIs({ state: 'BOOK_STALE', seq: 6_100n });
    late = await it.subscriber.feedIs({ state: 'BOOK_OK' }, 120_000);
    const seen = await it.metrics();
    assert.equal(it.glimpse.logins.length, answers.length);
    assert.ok(seen.glimpse_failures_total >= answers.length, `${seen.glimpse_failures_total} failures`);
    assert.deepEqual([seen.glimpse_rebuilds_total, seen.glimpse_state, seen.feed_state], [1, 0, 0]);
    for (const words of [/connection refused/, /user name and password are not right/, /the link to the snapshot service failed/,
      /can't be trusted/, /the lines are past/, /no SoupBinTCP/]) await says(it.ingest, words);
    await send(it.sender, 6_101, 12_001);
    await end(it.subscriber);
    assert.deepEqual(finalBooks(it.subscriber), want.books);
  });
  assert.equal(late.lost, 0n);
});

test('a service that says nothing is given up; what was held for it is published then', () =>
  withGlimpse(['--glimpse-timeout', '1s'], { glimpse: { onLogin: () => true } }, async (it) => {
    await makeStale(it);
    await until('a login', () => it.glimpse.logins.length > 0);
    await send(it.sender, 6_001, 6_101);
    await it.subscriber.feedIs({ state: 'BOOK_STALE', seq: 6_100n });
    assert.ok((await it.metrics()).glimpse_failures_total >= 1);
    await says(it.ingest, /it took too long/);
  }));

test('more than --glimpse-hold comes meanwhile: the attempt ends, no message is lost by it', () =>
  withGlimpse(['--glimpse-hold', '128Ki'], { glimpse: { onLogin: () => true } }, async (it) => {
    await makeStale(it);
    await until('a login', () => it.glimpse.logins.length > 0);
    await send(it.sender, 6_001, 10_001);
    await says(it.ingest, /too many live messages came meanwhile/);
    await it.subscriber.feedIs({ state: 'BOOK_STALE', seq: 10_000n }, 90_000);
    assert.equal(it.subscriber.feed.messages, 9_960n);
  }));

test('another hole while the snapshot comes: a snapshot that joins behind it is fetched', async () => {
  const want = await wanted();
  let finish;
  await withGlimpse([], { glimpse: { onLogin: (connection, login) => {
    if (connection.server.logins.length > 1) return false;
    const snapshot = connection.server.take();
    connection.stream(login.sequence, snapshot.slice(0, -1));
    finish = () => connection.send(soup('S', snapshot.at(-1)));
    return true;
  } } }, async (it) => {
    await makeStale(it);
    await until('a login', () => finish);
    it.sender.withhold(...day.slice(6_000, 6_020));
    await send(it.sender, 6_021, 6_501);
    await until('the loss to be told', async () => (await it.metrics()).lost_total === 60);
    finish();
    await until('a second login', () => it.glimpse.logins.length === 2);
    await it.subscriber.feedIs({ state: 'BOOK_OK', seq: 6_500n, lost: 0n });
    await send(it.sender, 6_501, 12_001);
    await end(it.subscriber);
    assert.deepEqual(finalBooks(it.subscriber), want.books);
  });
});

test('a snapshot that is ahead of the lines waits for them', async () => {
  const want = await wanted();
  await withGlimpse([], { glimpse: { take: () => snapshotAfter(day, 6_200) } }, async (it) => {
    await makeStale(it);
    await until('it to wait', async () => (await it.metrics()).glimpse_state === 4);
    await send(it.sender, 6_001, 6_181);
    await it.subscriber.feedIs({ state: 'BOOK_STALE', seq: 6_180n });
    await send(it.sender, 6_181, 6_201);
    await it.subscriber.feedIs({ state: 'BOOK_OK', seq: 6_200n });
    await send(it.sender, 6_201, 12_001);
    await end(it.subscriber);
    assert.deepEqual(finalBooks(it.subscriber), want.books);
  });
});

test('messages that could not be read and name no book: a snapshot makes it right', async () => {
  await withGlimpse([], { messages: [...opening(), itch.system('Q'), itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000)] }, async ({ sender, subscriber, metrics }) => {
    await sender.send(...opening());
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 3n });
    const bad = itch.add(0, 'AAPL', 9, 'B', 1, 1).subarray(0, 30);
    bad.writeUInt16BE(77, 1);
    await sender.send(bad, itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000));
    await until('it to be told', () => subscriber.statuses.some((status) => status.cause === 'CAUSE_MALFORMED'));
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 5n });
    await shows(subscriber, '1000000 100 1');
    assert.equal((await metrics()).glimpse_rebuilds_total, 1);
  });
});

test('a session that changes while messages are held: they are published, then the new day begins', () =>
  withGlimpse([], { glimpse: { onLogin: () => true } }, async (it) => {
    await makeStale(it);
    await until('a login', () => it.glimpse.logins.length > 0);
    await send(it.sender, 6_001, 6_101);
    await pause(100);
    const next = await MoldSender.open(it.sender.port, { session: 'DAY2' });
    await next.send(...opening());
    await next.send(itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000)); // the second packet makes it believed
    await it.subscriber.feedIs({ state: 'BOOK_OK', epoch: '2020-01-31.DAY2', seq: 4n });
    assert.ok([...it.subscriber.latest.values()].every((payload) => payload.epoch !== undefined));
    assert.ok(it.subscriber.statuses.some((status) => status.epoch === '2020-01-30.DAY1' && status.seq <= 6_100n));
    await shows(it.subscriber, '1000000 100 1');
    next.close();
  }));

test('a SoupBinTCP feed whose server no longer has what was missed is made whole likewise', async () => {
  const want = await wanted();
  const server = await SoupServer.open({ messages: day.slice(0, 5_000) });
  const glimpse = await GlimpseServer.open({ take: () => snapshotAfter(day, server.messages.length) });
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  const ingest = await startIngest(nats, ['--source', server.url(), '--session-date', '2020-01-30', '--silence', '1h', '--metrics', '0', '--glimpse', glimpse.url('GLIMPSE')]);
  try {
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 5_000n });
    server.onLogin = (connection) => (connection.stream(5_301), true);
    server.messages.push(...day.slice(5_000, 6_000));
    server.cut();
    await until('it to be STALE', () => subscriber.statuses.some((status) => status.cause === 'CAUSE_GAP_NOT_FILLED'));
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 6_000n });
    server.push(...day.slice(6_000));
    server.end();
    await end(subscriber);
    assert.deepEqual(finalBooks(subscriber), want.books);
    assert.deepEqual([subscriber.errors, subscriber.faults], [[], []]);
    assert.equal(glimpse.logins[0].session, 'GLIMPSE');
  } finally {
    await server.close();
    await glimpse.close();
    await subscriber.close();
    await ingest.stop();
  }
});

test('who is stopped while messages are held publishes them first', () =>
  withGlimpse([], { glimpse: { onLogin: () => true } }, async (it) => {
    await makeStale(it);
    await until('a login', () => it.glimpse.logins.length > 0);
    await send(it.sender, 6_001, 6_101);
    await allHeld(it, 6_100);
    const newest = () => [...it.subscriber.books.values()].reduce((most, { seq }) => (seq > most ? seq : most), 0n);
    assert.ok(newest() <= 6_000n, `${newest()} was published`);
    assert.equal(await it.ingest.stop(), 0);
    await until(() => `what was held should be published; the newest is ${newest()}`, () => newest() > 6_000n);
  }));

test('services that lie - an empty snapshot, no instrument, another day, other symbols, another session: none is believed; then an honest one is', async () => {
  const want = await wanted(), other = itch.readBinaryFile(simulatedFile('soup-other-day', { symbols: 20, messages: 12_000, seed: 72 }));
  const renamed = (messages) => messages.map((message) => {
    if (String.fromCharCode(message[0]) !== 'R') return message;
    const copy = Buffer.from(message);
    copy.write(`X${message.toString('latin1', 11, 18)}`, 11, 'latin1');
    return copy;
  });
  const honest = () => snapshotAfter(day, 6_000);
  const answers = [
    (connection) => connection.stream(1, honest().slice(-1)),
    (connection) => connection.stream(1, honest().filter((message) => 'SRHYG'.includes(String.fromCharCode(message[0])))),
    (connection) => connection.stream(1, snapshotAfter(other, 6_000)),
    (connection) => connection.stream(1, renamed(honest())),
    (connection) => {
      connection.send(accepted('YESTERDAY', 1));
      for (const message of honest()) connection.send(soup('S', message));
    },
    (connection) => connection.stream(1, honest()),
  ];
  await withGlimpse([], { url: (server) => server.url('GLIMPSE'), glimpse: { onLogin: (connection) => {
    answers[Math.min(connection.server.logins.length, answers.length) - 1](connection);
    return true;
  } } }, async (it) => {
    await makeStale(it);
    await it.subscriber.feedIs({ state: 'BOOK_OK', seq: 6_000n }, 120_000);
    const seen = await it.metrics();
    assert.deepEqual([it.glimpse.logins.length, seen.glimpse_failures_total, seen.glimpse_rebuilds_total], [6, 5, 1]);
    for (const words of [/it names no instrument/, /far fewer orders than the books/, /other symbols than the lines|orders of the books are not in it/,
      /another session than was asked for/, /does not fit what the lines have told/]) await says(it.ingest, words);
    await send(it.sender, 6_001, 12_001);
    await end(it.subscriber);
    assert.deepEqual(finalBooks(it.subscriber), want.books);
  });
});

test('who joined late has nothing to compare with: a snapshot of another day is found out by what comes next, and the feed is STALE again', async () => {
  const want = await wanted(), other = itch.readBinaryFile(simulatedFile('soup-other-day', { symbols: 20, messages: 12_000, seed: 72 }));
  let honest = false;
  // it begins with a message that names no symbol and leaves no order
  const first = day.findIndex((message, at) => at >= 6_000 && 'DX'.includes(String.fromCharCode(message[0]))) + 1;
  await withGlimpse([], { next: first, glimpse: { onLogin: (connection) => {
    const { next } = connection.server.sender;
    connection.stream(1, snapshotAfter(honest ? day : other, next - 1));
    return true;
  } } }, async (it) => {
    it.glimpse.sender = it.sender;
    await send(it.sender, first, first + 1);
    await until('it to be rebuilt', async () => (await it.metrics()).glimpse_rebuilds_total >= 1);
    await send(it.sender, first + 1, 7_001);
    await it.subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_GAP_NOT_FILLED', seq: 7_000n });
    assert.ok(it.subscriber.statuses.some(({ detail }) => /was not of this session: message 6\d\d\d contradicts it/.test(detail)));
    assert.ok((await it.metrics()).glimpse_failures_total >= 1);
    honest = true;
    await it.subscriber.feedIs({ state: 'BOOK_OK', seq: 7_000n }, 120_000);
    await send(it.sender, 7_001, 12_001);
    await end(it.subscriber);
    assert.deepEqual(finalBooks(it.subscriber), want.books);
  });
});

test('what makes no sense as --glimpse is refused in words, without the password', () => {
  for (const [words, ...args] of [[/glimpse.*soup:/s, '--source', 'udp://127.0.0.1:9', '--glimpse', 'udp://127.0.0.1:9'],
    [/glimpse.*port/s, '--source', 'udp://127.0.0.1:9', '--glimpse', 'soup://trader:hunter2@host'],
    [/glimpse/, '--source', 'file:x_20200130', '--glimpse', 'soup://trader:hunter2@host:9'],
    [/glimpse-hold/, '--source', 'udp://127.0.0.1:9', '--glimpse-hold', '5']]) {
    const { status, stderr } = run(ingestProgram, ['--nats', nats.url, '--session-date', '2020-01-30', ...args]);
    assert.equal(status, 2, stderr);
    assert.match(stderr, words);
    assert.ok(!stderr.includes('hunter2'), stderr);
  }
});

// ---- with the exchange's side of our own, and with a standby ----

/** tickwire serve-feed of the day; `to` tells the addresses it serves on. */
async function serveDay(settings) {
  const feed = startTickwire('serve-feed', '--source', `file:${file}`, '--user', 'trader', '--password', 'secret', '--heartbeat', '20ms', ...settings);
  const line = (await feed.says(/.*serving session.*\n/))[0];
  return { feed, address: (name) => new RegExp(`${name} on ([0-9.]+:[0-9]+)`).exec(line)?.[1] ?? assert.fail(line) };
}

test('a day that tickwire serve-feed serves over SoupBinTCP, every link cut inside a message, arrives whole', async () => {
  const want = await wanted(), checksums = new Map();
  const { feed, address } = await serveDay(['--soup', '127.0.0.1:0', '--soup-cut', '7000', '--rate', '20k', '--wait', '500ms', '--linger', '5s']);
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>'], { onMessage: noteChecksums(checksums) });
  const ingest = await startIngest(nats, ['--source', `soup://trader:secret@${address('SoupBinTCP')}`, '--session-date', '2020-01-30', '--burst', '1', '--soup-version', '4.00', '--metrics', '0']);
  try {
    await subscriber.everythingCame();
    assert.deepEqual(finalBooks(subscriber), want.books);
    const seen = await scrape(await metricsUrl(ingest));
    sameChecksums({ checksums, heldBack: seen.updates_held_back_total }, want);
    assert.deepEqual([seen.lost_total, seen.soup_failures_total, seen.soup_logins_total], [0, 1, 2]);
    assert.deepEqual([subscriber.errors, subscriber.faults], [[], []]);
  } finally {
    await subscriber.close();
    await ingest.stop();
    await feed.stop();
  }
});

for (const seed of [1, 2, 3])
  test(`a line that loses packets, and nobody to ask for them but GLIMPSE: in the end every book is right (seed ${seed})`, async () => {
    const want = await wanted(), port = await freePort();
    const { feed, address } = await serveDay(['--to', `udp://239.255.41.12:${port}@127.0.0.1`, '--glimpse', '127.0.0.1:0', '--rate', '4k', '--mtu', '400',
      '--loss', '0.5%', '--fault-seed', `${seed}`, '--wait', '1s', '--linger', '30s']);
    await verified(async () => {
      const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
      const ingest = await startIngest(nats, ['--source', `udp://239.255.41.12:${port}@127.0.0.1`, '--session-date', '2020-01-30', '--silence', '1h', '--metrics', '0',
        '--gap-deadline', '20ms', '--glimpse', `soup://trader:secret@${address('GLIMPSE')}`, '--glimpse-backoff', '20ms']);
      try {
        await subscriber.feedIs({ state: 'BOOK_CLOSED', seq: 12_000n, lost: 0n }, 60_000);
        assert.deepEqual(finalBooks(subscriber), want.books);
        assert.deepEqual([subscriber.errors, subscriber.faults], [[], []]);
        const seen = await scrape(await metricsUrl(ingest));
        assert.ok(seen.lost_total > 0 && seen.glimpse_rebuilds_total > 0, `${seen.lost_total} lost, ${seen.glimpse_rebuilds_total} rebuilds`);
      } finally {
        await subscriber.close();
        await ingest.stop();
      }
    });
    await feed.stop();
  });

/** A leader and a standby, each with a line of its own, so that each can miss what the other one hears. */
async function withStandby({ glimpse = [] }, body) {
  const server = await NatsServer.start({ jetstream: true });
  const ports = [await freePort(), await freePort()];
  const lines = await Promise.all(ports.map((port) => MoldSender.open(port)));
  const subscriber = await Subscriber.connect(server, ['XNAS.>', 'feed.>']);
  const settings = (port) => ['--source', `udp://127.0.0.1:${port}`, '--session-date', '2020-01-30', '--silence', '1h', '--metrics', '0', '--gap-deadline', '20ms', ...glimpse];
  const leader = await startIngest(server, settings(ports[0]));
  await leader.says(/"leads/);
  const standby = await startIngest(server, [...settings(ports[1]), '--standby']);
  await standby.says(/"follows/);
  const beats = lines.map((line) => line.beat(20));
  try {
    await body({ lines, subscriber, leader, standby });
    assert.deepEqual(subscriber.errors, []);
  } finally {
    beats.forEach((one) => one.stop());
    await leader.stop('SIGKILL');
    await standby.stop();
    lines.forEach((line) => line.close());
    await subscriber.close();
    await server.stop();
  }
}
const booksAre = (subscriber, count) => {
  const reference = new itch.ReferenceDay();
  day.slice(0, count).forEach((message) => reference.apply(message));
  const wrong = () => [...reference.books.keys()].filter((symbol) => {
    const book = subscriber.book(`XNAS.${symbol.replace('.', '%2E')}.orderbook`);
    return `${levelsOf(book.bids)}|${levelsOf(book.asks)}` !== `${reference.top(symbol, 0, 10)}|${reference.top(symbol, 1, 10)}`;
  });
  return until(() => `the books after ${count} messages; wrong: ${wrong()}`, () => wrong().length === 0);
};

test('a standby that has everything corrects the books of a leader that had not', () =>
  withStandby({}, async ({ lines, subscriber, leader }) => {
    for (const line of lines) await send(line, 1, 5_001);
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 5_000n });
    lines[0].withhold(...day.slice(5_000, 5_400));
    await send(lines[1], 5_001, 5_401);
    for (const line of lines) await send(line, 5_401, 6_001);
    const { term } = await subscriber.feedIs({ state: 'BOOK_STALE', seq: 6_000n });
    leader.kill('SIGKILL');
    await subscriber.feedIs((status) => status.term > term && status.state === 'BOOK_OK' && status.seq === 6_000n);
    await booksAre(subscriber, 6_000);
  }));

test('leader and standby both rebuild from snapshots; whoever leads then has the right books', async () => {
  let known = 0;
  const glimpse = await GlimpseServer.open({ take: () => snapshotAfter(day, known) });
  await withStandby({ glimpse: ['--glimpse', glimpse.url(), '--glimpse-backoff', '100ms'] }, async ({ lines, subscriber, leader, standby }) => {
    for (const line of lines) await send(line, 1, 5_001);
    known = 6_000;
    for (const line of lines) line.withhold(...day.slice(5_000, 5_400));
    for (const line of lines) await send(line, 5_401, 6_001);
    await standby.says(/"the books are rebuilt"/);
    const { term } = await subscriber.feedIs({ state: 'BOOK_OK', seq: 6_000n });
    await booksAre(subscriber, 6_000);
    await until('the standby to be whole', async () => (await scrape(await metricsUrl(standby))).feed_state === 0);
    leader.kill('SIGKILL');
    await subscriber.feedIs((status) => status.term > term && status.state === 'BOOK_OK');
    await send(lines[1], 6_001, 7_001);
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 7_000n });
    await booksAre(subscriber, 7_000);
  });
  await glimpse.close();
});

after(() => nats.stop());

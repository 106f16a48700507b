// Recordings as they come: packed, cut, damaged, ended by a mark, undated, captured from the wire; and settings that are
// wrong. What is good is kept, what is wrong is told in words, with the place and a fitting exit code.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { levelsOf } from './lib/book.mjs';
import * as itch from './lib/itch.mjs';
import { NatsServer, data, folder, ingestProgram, launchIngest, logLines, run, simulatedFile, startIngest, without } from './lib/programs.mjs';
import { Subscriber } from './lib/subscriber.mjs';

const nats = await NatsServer.start();
const file = simulatedFile('whole', { symbols: 12, messages: 6_000, seed: 41 });
const bytes = readFileSync(file);
const named = (name, content) => {
  const where = path.join(folder, name);
  writeFileSync(where, content);
  return where;
};
const says = (ingest, words) => logLines(ingest).find((entry) => Object.values(entry).some((value) => typeof value === 'string' && words.test(value)));

/** Replays to the end and leaves; what was published, without the times of this run. */
async function replay(source, settings = []) {
  const messages = [];
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>'], {
    onMessage: (subject, payload) => {
      if (!subject.startsWith('feed.')) messages.push({ subject, ...payload, publishNs: undefined });
    },
  });
  const ingest = launchIngest(nats, ['--source', source, '--term', '3', '--burst', '1', '--no-tier-100ms', '--no-tier-1s', '--exit-at-end', ...settings]);
  const status = await ingest.end();
  await nats.connectionGone('tickwire-ingest');
  await subscriber.connection.flush(); // all that the ingest sent is before the answer to this
  await subscriber.close();
  assert.deepEqual(subscriber.errors, []);
  assert.deepEqual(subscriber.faults, []);
  return { status, messages, subscriber, ingest };
}

const words = (value) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}` : v));

/** The books of `count` messages by the reference. */
function referenceAfter(count) {
  const day = new itch.ReferenceDay();
  for (const message of itch.readBinaryFile(file).slice(0, count)) day.apply(message);
  return day;
}
function assertBooks(subscriber, day) {
  for (const [symbol] of day.books) {
    const book = subscriber.book(`XNAS.${symbol.replace('.', '%2E')}.orderbook`);
    assert.deepEqual([levelsOf(book.bids), levelsOf(book.asks)], [day.top(symbol, 0, 10), day.top(symbol, 1, 10)], symbol);
  }
}

test('a whole recording ends with exit 0, CLOSED, and the reference\'s books', async () => {
  const { status, subscriber } = await replay(`file:${file}`);
  assert.equal(status, 0);
  assert.equal(subscriber.feed.state, 'BOOK_CLOSED');
  assertBooks(subscriber, referenceAfter(6_000));
});

test('who leaves at the end leaves nothing behind: the last update and the last state have always left', async () => {
  const whole = (await replay(`file:${file}`)).subscriber.count;
  for (let times = 0; times < 8; times++) {
    const { subscriber } = await replay(`file:${file}`);
    assert.deepEqual([subscriber.count, subscriber.feed.state], [whole, 'BOOK_CLOSED']);
    const merged = await replay(`file:${file}`, ['--high-water', '64Ki']); // updates merge, but the last ones leave
    assert.equal(merged.subscriber.feed.state, 'BOOK_CLOSED');
    assertBooks(merged.subscriber, referenceAfter(6_000));
  }
});

test('packed copies publish the same, message for message; what they are is told by their bytes, not their names', async () => {
  const plain = await replay(`file:${file}`);
  const gz = await replay(`file:${named('packed_20200130.bin', gzipSync(bytes))}`);
  assert.equal(gz.status, 0, gz.ingest.stderr);
  const same = (one) => assert.equal(words(one.messages), words(plain.messages));
  same(gz);
  const members = Buffer.concat([gzipSync(bytes.subarray(0, 50_001)), gzipSync(bytes.subarray(50_001))]);
  same(await replay(`file:${named('members_20200130.gz', members)}`));
  if (spawnSync('zstd', ['--version']).error) return;
  const zst = path.join(folder, 'packed_20200130.zst');
  execFileSync('zstd', ['-q', '-f', file, '-o', zst]);
  same(await replay(`file:${zst}`));
});

test('a recording cut inside a frame is told with its offset: exit 1, STALE, the good part kept', async () => {
  const cut = named('cut_20200130.itch', bytes.subarray(0, 70_001));
  const { status, subscriber, ingest } = await replay(`file:${cut}`);
  assert.equal(status, 1);
  let at = 0, count = 0;
  for (; at + 2 + bytes.readUInt16BE(at) <= 70_001; count++) at += 2 + bytes.readUInt16BE(at);
  assert.ok(says(ingest, new RegExp(`offset ${at}\\b`)), ingest.stderr);
  assert.deepEqual([subscriber.feed.state, subscriber.feed.cause], ['BOOK_STALE', 'CAUSE_LINE_DOWN']);
  assert.match(subscriber.feed.detail, new RegExp(`offset ${at}\\b`));
  assert.equal(subscriber.feed.messages, BigInt(count));
  assertBooks(subscriber, referenceAfter(count));
});

test('without --exit-at-end an ingest of a cut recording stays, says STALE, and answers', async () => {
  const cut = named('stays_20200130.itch', bytes.subarray(0, 70_001));
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  const ingest = await startIngest(nats, ['--source', `file:${cut}`]);
  await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_LINE_DOWN' });
  assert.equal((await subscriber.snapshot('XNAS.AAPL.orderbook')).code, 'REPLY_OK');
  await subscriber.close();
  assert.equal(await ingest.stop(), 1);
});

test('a cut or damaged archive is told with an offset: exit 1, the good part kept', async () => {
  const packed = gzipSync(bytes), damaged = Buffer.from(packed), cut = packed.subarray(0, Math.floor(packed.length / 2));
  damaged.writeUInt8(damaged[damaged.length - 6] ^ 0x55, damaged.length - 6); // in the check value: the data are good
  for (const [name, content] of [['cut_20200130.gz', cut], ['damaged_20200130.gz', damaged]]) {
    const { status, subscriber, ingest } = await replay(`file:${named(name, content)}`);
    assert.equal(status, 1, name);
    assert.ok(says(ingest, /gz.*(offset|after) \d+/), `${name}: ${ingest.stderr}`);
    assert.deepEqual([subscriber.feed.state, subscriber.feed.cause], ['BOOK_STALE', 'CAUSE_LINE_DOWN'], name);
    assert.ok(subscriber.feed.messages > 1_000n, name);
    assertBooks(subscriber, referenceAfter(Number(subscriber.feed.messages)));
  }
});

test('a mark of length 0 is the end of a day; another day may follow it', async () => {
  const messages = itch.readBinaryFile(file).slice(0, 2_000), day = itch.binaryFile(messages, { end: true });
  const { status, subscriber } = await replay(`file:${named('mark_20200130.itch', day)}`);
  assert.equal(status, 0);
  assert.deepEqual([subscriber.feed.state, subscriber.feed.messages], ['BOOK_CLOSED', 2_000n]);
  assertBooks(subscriber, referenceAfter(2_000));
  const joined = await replay(`file:${named('joined_20200130.itch', Buffer.concat([day, day]))}`);
  assert.equal(joined.status, 0, joined.ingest.stderr);
  const dates = [...new Set(joined.messages.map((message) => message.epoch.slice(0, 10)))];
  assert.deepEqual(dates, ['2020-01-30', '2020-01-31']);
  assertBooks(joined.subscriber, referenceAfter(2_000));
});

test('a recording that ends between two frames has simply ended', async () => {
  const { status, subscriber } = await replay(`file:${named('short_20200130.itch', itch.binaryFile(itch.readBinaryFile(file).slice(0, 2_000)))}`);
  assert.equal(status, 0);
  assert.deepEqual([subscriber.feed.state, subscriber.feed.messages], ['BOOK_CLOSED', 2_000n]);
});

test('a bad message in the middle is passed over and told with its number; its book is STALE, the others are right', async () => {
  const messages = itch.readBinaryFile(file), victim = messages.findIndex((m) => m[0] === 0x41);
  const locate = messages[victim].readUInt16BE(1);
  const content = itch.binaryFile([...messages.slice(0, victim + 1), messages[victim].subarray(0, 20), ...messages.slice(victim + 1)]);
  const { status, subscriber, ingest } = await replay(`file:${named('bad_20200130.itch', content)}`);
  assert.equal(status, 0);
  assert.ok(logLines(ingest).some((entry) => entry.seq === victim + 2 && entry.length === 20), ingest.stderr);
  const day = referenceAfter(6_000), stale = day.names.get(locate);
  const book = subscriber.book(`XNAS.${stale.replace('.', '%2E')}.orderbook`);
  assert.deepEqual([book.state, book.cause], ['BOOK_STALE', 'CAUSE_MALFORMED']);
  day.books.delete(stale); // it stands still from the fault on
  assertBooks(subscriber, day);
});

test('names of stocks that are no text are bad fields: no subject and no message ever carries them', async () => {
  const day = [itch.directory(1, 'AAPL'), itch.directory(2, '\xff\xfe'), itch.directory(3, ''), itch.directory(4, 'A\nB'),
    itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000), itch.add(2, '\xff\xfe', 2, 'B', 100, 1_000_000), itch.action(1, 'AAPL', 'H', '\xe9\xe9')];
  const { messages } = await replay(`file:${named('names_20200130.itch', itch.binaryFile(day))}`);
  assert.deepEqual([...new Set(messages.map((m) => m.symbol))], ['AAPL']);
  for (const message of messages) assert.ok(!words(message).includes('\ufffd'), message.subject);
});

test('an undated recording is refused until it is given a date', async () => {
  const undated = named('undated.itch', bytes);
  const refused = await replay(`file:${undated}`);
  assert.equal(refused.status, 1);
  assert.match(refused.ingest.stderr, /--session-date/);
  assert.equal(refused.messages.length, 0);
  const dated = await replay(`file:${undated}`, ['--session-date', '2020-01-30']);
  assert.equal(dated.status, 0);
  assert.equal(words(dated.messages), words((await replay(`file:${file}`)).messages));
});

test('the operator\'s date is stronger than the name\'s, and summer time is the exchange\'s', async () => {
  const { messages, subscriber } = await replay(`file:${file}`, ['--session-date', '2020-07-15']);
  assert.equal(subscriber.feed.epoch, '2020-07-15.FILE');
  const winter = (await replay(`file:${file}`)).messages;
  const apart = BigInt(Date.UTC(2020, 6, 15, 4) - Date.UTC(2020, 0, 30, 5)) * 1_000_000n;
  const first = messages.findIndex((message) => message.eventNs > 0n);
  assert.equal(messages[first].eventNs - winter[first].eventNs, apart);
});

test('a missing file, a folder and an empty source are told with the path: exit 1', () => {
  for (const where of ['/nowhere/at/all_20200130.itch', folder]) {
    const told = run(ingestProgram, ['--nats', nats.url, '--source', `file:${where}`, '--session-date', '2020-01-30', '--exit-at-end']);
    assert.equal(told.status, 1, `${where}: ${told.stderr}`);
    assert.ok(told.stderr.includes(where), told.stderr);
  }
});

test('a setting that is unknown or bad is named with the nearest valid one: exit 2', () => {
  for (const [words, ...args] of [
    [/sorce.*source/s, '--sorce', 'file:x'],
    [/sesion-date.*session-date/s, '--source', 'file:x', '--sesion-date', '2020-01-30'],
    [/source.*required/, ''],
    [/ftp.*(file|udp):/s, '--source', 'ftp://x'],
    [/port/, '--source', 'udp://239.1.1.1'],
    [/itch50/, '--source', `file:${file}`, '--feed', 'itch'],
    [/depth.*65.*64/s, '--source', `file:${file}`, '--depth', '65'],
    [/depth.*ten/s, '--source', `file:${file}`, '--depth', 'ten'],
    [/pace.*fast.*recorded/s, '--source', `file:${file}`, '--pace', 'fast'],
    [/session-date.*2020-02-30/s, '--source', `file:${file}`, '--session-date', '2020-02-30'],
    [/session-date 2300-01-01.*2262-04-04/s, '--source', `file:${file}`, '--session-date', '2300-01-01'],
    [/exchange.*XNSA.*XNAS/s, '--source', `file:${file}`, '--exchange', 'XNSA'],
    [/gap-deadline.*reorder-window/s, '--source', 'udp://127.0.0.1:9', '--gap-deadline', '1ms'],
    [/partition/, '--source', `file:${file}`, '--partition', '0'],
  ]) {
    const told = run(ingestProgram, ['--nats', nats.url, ...args.filter((arg) => arg !== '')]);
    assert.equal(told.status, 2, `${args.join(' ')}: ${told.stderr}`);
    assert.match(told.stderr, words);
  }
  const config = named('ingest.conf', `source = file:${file}\n# a comment\ndepht = 5\n`);
  const told = run(ingestProgram, ['--config', config]);
  assert.equal(told.status, 2);
  assert.match(told.stderr, /ingest\.conf.*3.*depht.*depth/s);
  const environment = run(ingestProgram, ['--source', `file:${file}`], { env: { ...process.env, TICKWIRE_INGEST_BURST: 'many' } });
  assert.equal(environment.status, 2);
  assert.match(environment.stderr, /TICKWIRE_INGEST_BURST.*many|burst.*many/s);
});

test('--help names every setting and ends with 0', () => {
  const told = run(ingestProgram, ['--help']);
  assert.equal(told.status, 0);
  for (const name of ['--source', '--session-date', '--pace', '--max-orders', '--gap-deadline', '--metrics', '--burst'])
    assert.ok(told.stdout.includes(name), name);
});

// ---- captures ----

const captures = path.join(data, 'pcap');
const nasdaq = path.join(captures, 'Nasdaq.Nasdaq.Equities.TotalView.Itch.v5.0');
const anonymous = `${nasdaq}.20230822`;

describe('packet captures', { skip: without(captures) }, () => {
  test('one that begins in the middle of a session is RECOVERING, MID_SESSION, to its end', async () => {
    const { status, subscriber, messages } = await replay(`pcap:${nasdaq}/Multiple.Packets.pcap`);
    assert.equal(status, 0);
    assert.ok(messages.length > 0);
    assert.ok(subscriber.statuses.some((s) => s.cause === 'CAUSE_MID_SESSION' || s.cause === 'CAUSE_GAP_NOT_FILLED'));
    assert.ok(!subscriber.statuses.some((s) => s.state === 'BOOK_OK' || s.state === 'BOOK_CLOSED'), 'never shown as whole');
    for (const message of messages) assert.ok(message.seq > 1n, message.subject);
  });

  test('one without sequence numbers is RECOVERING, UNSEQUENCED; the date is the capture\'s', async () => {
    const { status, subscriber, messages } = await replay(`pcap:${anonymous}/AddOrderNoMPID.pcap`);
    assert.equal(status, 0);
    assert.ok(messages.some((message) => message.subject.endsWith('.orderbook')));
    assert.deepEqual([subscriber.feed.state, subscriber.feed.cause], ['BOOK_RECOVERING', 'CAUSE_UNSEQUENCED']);
    assert.match(subscriber.feed.epoch, /^2023-08-22\./);
  });

  test('no capture of any venue makes it crash, pretend to be whole, or publish a text that is none', async () => {
    for (const venue of readdirSync(captures)) {
      for (const name of readdirSync(path.join(captures, venue)).filter((entry) => entry.endsWith('.pcap'))) {
        const { status, subscriber, messages, ingest } = await replay(`pcap:${path.join(captures, venue, name)}`);
        const where = `${venue}/${name}`;
        assert.ok(status === 0 || status === 1, `${where} ended with ${status}: ${ingest.stderr}`);
        assert.ok(!subscriber.statuses.some((s) => s.state === 'BOOK_OK' || s.state === 'BOOK_CLOSED'), where);
        for (const message of [...subscriber.statuses, ...messages])
          assert.ok(!/\ufffd|\\u00[01]/.test(words(message)), `${where}: ${words(message)}`);
        if (status === 1) assert.equal(subscriber.feed.state, 'BOOK_STALE', where);
        if (logLines(ingest).at(-1).messages === 0) assert.equal(status, 1, `${where}: nothing could be read, and that is no success`);
      }
    }
  });

  test('what is no capture is told: exit 1', async () => {
    for (const source of [`pcap:${file}`, 'pcap:/nowhere.pcap', `pcap:${named('cut.pcap', readFileSync(path.join(nasdaq, 'Multiple.Packets.pcap')).subarray(0, 1000))}`]) {
      const { status, ingest } = await replay(source);
      assert.equal(status, 1, `${source}: ${ingest.stderr}`);
      assert.ok(ingest.stderr.includes(source.slice(5)) || /offset \d+|packet \d+/.test(ingest.stderr), ingest.stderr);
    }
  });

  test('a packed capture is read as it is', async () => {
    const plain = await replay(`pcap:${nasdaq}/Multiple.Packets.pcap`);
    const packed = await replay(`pcap:${named('capture.pcap.gz', gzipSync(readFileSync(path.join(nasdaq, 'Multiple.Packets.pcap'))))}`);
    assert.equal(packed.status, plain.status, packed.ingest.stderr);
    assert.equal(words(packed.messages), words(plain.messages));
  });
});

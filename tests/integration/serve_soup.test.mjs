// `tickwire serve-feed` over TCP: SoupBinTCP clients get the recording byte for byte, from whatever number they ask for,
// whatever the others do; GLIMPSE clients get books that the rest of the feed goes on from.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import * as itch from './lib/itch.mjs';
import { folder, simulatedFile, sleep, startTickwire, tickwire, until } from './lib/programs.mjs';
import { SoupClient, frame, loginRequest, snapshotOf } from './lib/soup.mjs';

const MESSAGES = 12_000;
let recorded;
const recording = () => (recorded ??= simulatedFile('soup', { symbols: 20, messages: MESSAGES, seed: 71 }));
let read;
const wanted = () => (read ??= itch.readBinaryFile(recording()));
const asText = (messages) => messages.map((message) => message.toString('latin1'));

/** Serves with `settings` while `body` runs: body({ soup, glimpse, feed, client, glimpseClient }). */
async function serving(settings, body) {
  const feed = startTickwire('serve-feed', '--soup', '127.0.0.1:0', '--session', 'DAY1', '--linger', '20s', ...settings);
  const clients = [];
  try {
    const [line] = await feed.says(/serving session DAY1.*\n/);
    const soup = /SoupBinTCP on (\S+:\d+)/.exec(line)[1];
    const glimpse = /GLIMPSE on (\S+:\d+)/.exec(line)?.[1];
    const connect = async (address, options) => {
      const client = await SoupClient.connect(address, options);
      clients.push(client);
      return client;
    };
    await body({ feed, soup, client: (options) => connect(soup, options), glimpseClient: (options) => connect(glimpse, options) });
  } finally {
    clients.forEach((client) => client.close());
    await feed.stop();
  }
  assert.equal(feed.status, 0, feed.stderr);
}
const played = (settings, body) => serving(['--source', `file:${recording()}`, '--rate', '100k', ...settings], body);
const sameMessages = (messages, first = 1) => assert.deepEqual(asText(messages), asText(wanted().slice(first - 1)));

test('a client gets the session byte for byte, then its end', () => played([], async ({ client, feed }) => {
  const one = await client();
  assert.deepEqual(await one.answered(), { session: 'DAY1', sequence: 1n });
  sameMessages(await one.whole());
  assert.equal(one.next, BigInt(MESSAGES) + 1n);
  await one.gone();
  assert.equal(one.rest.length, 0);
  assert.equal(one.error, undefined);
  await feed.says(/SoupBinTCP 127\.0\.0\.1:\d+ \(no name\): ENDED, 12000 messages/);
}));

test('a line that can not send is told once; the other line and the clients get everything', async () => {
  const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  let messages = 0;
  socket.on('message', (bytes) => (messages += bytes.readUInt16BE(18) === 0xffff ? 0 : bytes.readUInt16BE(18)));
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const to = ['--to', 'udp://255.255.255.255:9', '--to-b', `udp://127.0.0.1:${socket.address().port}`]; // a broadcast is not allowed
  await played(['--rate', '20k', '--linger', '2s', ...to], async ({ client, feed }) => {
    const one = await client();
    sameMessages(await one.whole());
    assert.equal(await feed.end(), 0, feed.stderr);
    assert.equal(feed.stderr.match(/a line can't send, the rest goes on: sending datagram 1 of \d+ .* to .*255\.255\.255\.255/g)?.length, 1, feed.stderr);
    assert.match(feed.stderr, /line A: .*; [1-9]\d* could not be sent/);
    assert.doesNotMatch(feed.stderr, /line B: .*could not be sent/);
    await until(() => `all datagrams of line B; ${messages} messages came`, () => messages >= MESSAGES);
  });
  socket.close();
  assert.equal(messages, MESSAGES);
});

test('numbers are those of the multicast, and the clients are not behind it', async () => {
  const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  const numbered = [];
  socket.on('message', (bytes) => {
    const count = bytes.readUInt16BE(18);
    if (count === 0xffff) return;
    assert.equal(bytes.toString('latin1', 0, 10), 'DAY1      ');
    for (let i = 0, at = 20; i < count; i++, at += 2 + bytes.readUInt16BE(at))
      numbered[Number(bytes.readBigUInt64BE(10)) + i] = bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at));
  });
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  await played(['--rate', '20k', '--wait', '100ms', '--to', `udp://127.0.0.1:${socket.address().port}`], async ({ client }) => {
    const one = await client();
    const messages = await one.whole();
    await until('the last of the multicast', () => numbered.length > MESSAGES);
    assert.deepEqual(asText(messages), asText(numbered.slice(1)));
  });
  socket.close();
});

test('what does not log in rightly is refused with its reason, and the others go on', () =>
  played(['--user', 'Trader', '--password', 'Secret'], async ({ client, feed }) => {
    const good = await client({ user: 'trader', password: 'sECRET', session: 'DAY1' }); // case does not count
    for (const [reason, options] of [['A', {}], ['A', { user: 'trader', password: 'secret1' }], ['A', { user: 'tradex', password: 'secret' }],
      ['A', { user: 'trader' }], ['S', { user: 'trader', password: 'secret', session: 'DAY2' }], ['A', { session: 'DAY2' }]]) {
      const refused = await client(options);
      assert.equal(await refused.answered(), reason, JSON.stringify(options));
      await refused.gone();
      assert.deepEqual([refused.accepted, refused.messages, refused.error], [undefined, [], undefined]);
    }
    sameMessages(await good.whole());
    assert.equal(await feed.stop(), 0);
    assert.match(feed.stderr, /NOT_AUTHORISED, 0 messages[^]*NO_SESSION, 0 messages/);
    assert.match(feed.stderr, /SoupBinTCP: 7 clients, 1 logins, 6 rejected/);
    assert.doesNotMatch(feed.stderr, /secret/i);
  }));

test('a client resumes from the number it asks for; 0, and what is not there yet, is the next', () => played(['--rate', '12k'], async ({ client }) => {
  const first = await client();
  await until('a thousand messages', () => first.messages.length >= 1000);
  const [resumed, next, beyond, last] = [await client({ sequence: 777n }), await client({ sequence: 0n }), await client({ sequence: 99_999n }), await client({ session: 'DAY1', sequence: 2n })];
  assert.equal((await resumed.answered()).sequence, 777n);
  for (const late of [next, beyond]) {
    const { sequence } = await late.answered();
    assert.ok(sequence > 1000n && sequence <= BigInt(MESSAGES) + 1n, `${sequence}`);
  }
  for (const one of [first, resumed, next, beyond, last]) sameMessages(await one.whole(), Number(one.accepted.sequence));
  const after = await client({ sequence: BigInt(MESSAGES) });
  sameMessages(await after.whole(), MESSAGES);
}));

test('many clients at once, one behind another, each get all', () => played(['--rate', '20k'], async ({ client }) => {
  const all = [];
  for (let i = 0; i < 20; i++) {
    all.push(await client({ sequence: BigInt(1 + 37 * i) }));
    await all[i].answered();
  }
  for (const [i, one] of all.entries()) sameMessages(await one.whole(), 1 + 37 * i);
}));

test('one client too many is turned away', () => played(['--max-clients', '20', '--wait', '1h'], async ({ client, feed }) => { // nobody has the end and leaves
  for (let i = 0; i < 20; i++) await (await client()).answered();
  const more = await client();
  await more.gone();
  assert.equal(more.accepted, undefined);
  await feed.says(/turned away: all places are taken/);
}));

test('heartbeats when nothing else is to be said; a client that is silent is let go', () => played(['--wait', '1h'], async ({ client, feed }) => {
  const quiet = await client();
  const silent = await client({ beats: false, timeout: 1000 }); // version 4.00 may ask for less than 15 s
  const waiting = await client({ login: false, beats: false });
  await quiet.answered();
  await silent.gone();
  await feed.says(/: SILENT, 0 messages/);
  const beats = () => quiet.packets.filter(({ type }) => type === 'H');
  await until('three heartbeats', () => beats().length >= 3);
  const span = beats()[2].ms - beats()[0].ms;
  assert.ok(span > 1500, `two heartbeats within ${span} ms`);
  assert.deepEqual([quiet.closed, waiting.closed], [false, false]);
  quiet.logout();
  await quiet.gone();
  await feed.says(/: LOGGED_OUT, 0 messages/);
}));

test('a link cut inside a message: whoever resumes at it has the whole session', () => played(['--soup-cut', '5000', '--rate', '50k'], async ({ client, feed }) => {
  for (const sequence of [1n, 4000n]) {
    const before = await client({ sequence });
    await before.gone();
    assert.equal(before.next, 5000n);
    assert.equal(before.ended, false);
    const behind = await client({ sequence: before.next, session: 'DAY1' });
    assert.deepEqual([...asText(before.messages), ...asText(await behind.whole())], asText(wanted().slice(Number(sequence) - 1)));
  }
  await feed.says(/: CUT, 5000 messages/);
}));

test('a cut falls inside the packet, elsewhere on each link, and the same for the same seed', async () => {
  const rests = async (seed) => {
    const found = [];
    await played(['--soup-cut', '300', '--fault-seed', `${seed}`, '--rate', '1M'], async ({ client }) => {
      for (let i = 0; i < 8; i++) {
        const one = await client();
        await one.gone();
        found.push(one.rest.length);
        assert.ok(one.rest.length < 3 + wanted()[299].length, `${one.rest.length} bytes of the cut packet`);
        assert.equal(frame('S', wanted()[299]).subarray(0, one.rest.length).compare(one.rest), 0);
      }
    });
    return found;
  };
  const [a, again, b] = [await rests(3), await rests(3), await rests(4)];
  assert.deepEqual(a, again);
  assert.notDeepEqual(a, b);
  assert.ok(new Set(a).size > 3, `${a}`);
});

test('clients that do not read cost little, are cut off, and hold nobody up; a slow one is borne', async () => {
  const file = simulatedFile('soup_long', { symbols: 20, messages: 300_000, seed: 72 });
  await serving(['--source', `file:${file}`, '--pace', 'max', '--wait', '300ms', '--client-stall', '2s'], async ({ client, feed }) => {
    const stuck = [];
    for (let i = 0; i < 20; i++) stuck.push(await client({ reads: false }));
    const [good, slow] = [await client(), await client({ restMs: 30 })];
    assert.equal((await good.whole()).length, 300_000);
    const resident = Number(/VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${feed.child.pid}/status`, 'utf8'))[1]);
    assert.ok(resident < 100 * 1024, `${resident} KiB resident; each client's share of the session alone is ${good.bytes >> 10} KiB`);
    await until('all that do not read to be cut off', () => (feed.stderr.match(/: STALLED, /g) ?? []).length >= 20);
    const late = await client({ sequence: 299_000n });
    assert.equal((await late.whole()).length, 1001);
    assert.equal((await slow.whole()).length, 300_000); // before what takes this process long: whoever stands still is cut off, too
    assert.ok(Buffer.concat(good.messages).equals(Buffer.concat(itch.readBinaryFile(file))));
    const took = slow.packets.at(-1).ms - slow.packets[0].ms;
    assert.ok(took > 2000, `the test itself: a slow client takes longer than a stall, not ${took} ms`);
  });
});

test('garbage ends its own link and no other', () => played(['--rate', '10k'], async ({ client, feed }) => {
  const good = await client();
  let seed = 5; // a small generator: the same garbage every time
  const noise = Buffer.from(Array.from({ length: 3000 }, () => (seed = (seed * 1103515245 + 12345) % 2147483648) >> 16 & 255));
  const cases = { 'length 0': Buffer.alloc(2), 'an HTTP request': Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), noise,
    'a login of the wrong length': frame('L', Buffer.alloc(20, 32)), 'a number that is none': loginRequest({ sequence: 'many' }), 'a server\'s packet': frame('S', Buffer.from('hello')),
    'data before the login': frame('U', Buffer.from('hello')), 'a second login': Buffer.concat([loginRequest({}), loginRequest({})]),
    'a packet beyond any reason': Buffer.concat([loginRequest({}), Buffer.from([255, 255, 0x55]), Buffer.alloc(70_000, 0x41)]) };
  for (const [name, bytes] of Object.entries(cases)) {
    const bad = await client({ login: false, beats: false });
    bad.send(bytes);
    await until(`${name}: the link to be closed`, () => bad.closed);
  }
  const cut = await client({ login: false, beats: false }); // in the middle of a login
  cut.send(loginRequest({}).subarray(0, 10));
  cut.close();
  const polite = await client(); // what a client may send: text, data, an unknown type
  polite.send(Buffer.concat([frame('+', Buffer.from('debug')), frame('U', Buffer.from('hello')), frame('?', Buffer.from('?'))]));
  for (const one of [good, polite]) sameMessages(await one.whole());
  await feed.says(/MALFORMED/);
  await feed.says(/UNEXPECTED/);
}));

test('a recording that is cut is served up to there, without an end of session', async () => {
  const file = path.join(folder, 'cut.itch');
  writeFileSync(file, itch.binaryFile(wanted().slice(0, 1000)).subarray(0, -5));
  const feed = startTickwire('serve-feed', '--soup', '127.0.0.1:0', '--source', `file:${file}`, '--linger', '1s');
  const [, address] = await feed.says(/SoupBinTCP on (\S+:\d+)/);
  const one = await SoupClient.connect(address);
  await feed.says(/the source ends early.*inside a frame/);
  await one.gone();
  assert.equal(one.ended, false);
  assert.deepEqual(asText(one.messages), asText(wanted().slice(0, 999)));
  assert.equal(await feed.end(), 1);
  assert.match(feed.stderr, /--source|inside a frame/);
});

/** The state of a day after `messages`: orders in their queues, and what was last said of each instrument. */
function stateAfter(messages) {
  const day = new itch.ReferenceDay();
  const said = new Map();
  for (const message of messages) {
    day.apply(message);
    const kind = String.fromCharCode(message[0]), locate = message.readUInt16BE(1);
    if (kind === 'R') said.set(`R${locate}`, [message.toString('latin1', 11, 20), message.readUInt32BE(21)].join(' '));
    if (kind === 'H') said.set(`H${locate}`, message.toString('latin1', 11, 20) + message.toString('latin1', 21));
    if (kind === 'Y') said.set(`Y${locate}`, message.toString('latin1', 11));
    if (kind === 'S') said.set('S', message.toString('latin1', 11));
  }
  const queues = new Map(); // "symbol side price" -> ["id shares", ...] in priority
  for (const [id, { symbol, side, price, shares }] of day.orders) {
    const level = `${symbol} ${side} ${price}`;
    if (!queues.has(level)) queues.set(level, []);
    queues.get(level).push(`${id} ${shares}`);
  }
  const sorted = (map) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return { queues: sorted(queues), said: sorted(said), orders: day.orders.size };
}

describe('GLIMPSE', () => {
  const glimpsed = (settings, body) => played(['--glimpse', '127.0.0.1:0', ...settings], body);

  test('a snapshot at any time, and the messages from its join number on, are the whole session', () =>
    glimpsed(['--rate', '12k'], async ({ client, glimpseClient }) => {
      const live = await client();
      await live.answered();
      const taken = [];
      for (const share of [0.05, 0.3, 0.6, 0.9]) {
        await until('the session to get on', () => live.messages.length >= share * MESSAGES);
        const one = await glimpseClient({ sequence: [0n, 1n, 500n][taken.length % 3] }); // a snapshot has no middle to begin at
        assert.deepEqual(await one.answered(), { session: 'DAY1', sequence: 1n });
        taken.push(snapshotOf(await one.whole()));
        await one.gone();
        assert.ok(taken.at(-1).join > share * MESSAGES, 'older than what was sent before the login');
      }
      assert.ok(taken[0].join < MESSAGES, 'the test itself: the first should be of a session under way');
      for (const { messages, join } of taken) {
        const before = stateAfter(wanted().slice(0, Number(join) - 1));
        assert.ok(before.orders > 0);
        assert.deepEqual(stateAfter(messages), before);
        assert.deepEqual(stateAfter([...messages, ...wanted().slice(Number(join) - 1)]), stateAfter(wanted()));
      }
      sameMessages(await live.whole());
      const late = await glimpseClient();
      assert.deepEqual(snapshotOf(await late.whole()).join, BigInt(MESSAGES) + 1n);
    }));

  test('before the first message there is nothing but where to join; logins are as for the feed', () =>
    glimpsed(['--wait', '1h', '--user', 'trader', '--password', 'secret'], async ({ glimpseClient }) => {
      const [good, bad, other] = [await glimpseClient({ user: 'trader', password: 'secret' }), await glimpseClient({ user: 'trader' }),
        await glimpseClient({ user: 'trader', password: 'secret', session: 'DAY2' })];
      assert.deepEqual(snapshotOf(await good.whole()), { messages: [], join: 1n });
      assert.equal(await bad.answered(), 'A');
      assert.equal(await other.answered(), 'S');
    }));

  test('an operational halt is in the snapshot as one', async () => {
    const halt = Buffer.concat([itch.action(1, 'AAPL').subarray(0, 11), Buffer.from('AAPL    QH')]);
    halt.write('h', 0);
    const file = path.join(folder, 'halted.itch');
    writeFileSync(file, itch.binaryFile([itch.system('O'), itch.directory(1, 'AAPL'), itch.action(1, 'AAPL'), halt], { end: true }));
    await serving(['--source', `file:${file}`, '--glimpse', '127.0.0.1:0'], async ({ client, glimpseClient }) => {
      await (await client()).whole();
      const { messages } = snapshotOf(await (await glimpseClient()).whole());
      assert.deepEqual(messages.map((message) => String.fromCharCode(message[0])), ['S', 'R', 'h']);
      assert.deepEqual(messages[2].toString('latin1', 11), 'AAPL    QH');
    });
  });

  test('books that a limit has cut short are not given out', () => glimpsed(['--max-orders', '50'], async ({ client, glimpseClient, feed }) => {
    const live = await client();
    sameMessages(await live.whole());
    assert.equal(await (await glimpseClient()).answered(), 'S');
    await feed.says(/GLIMPSE: no snapshot can be had: .*--max-orders/);
  }));
});

test('by time stamps: recorded, or faster by a factor', async () => {
  const at = (ms) => itch.morning + BigInt(ms) * 1_000_000n;
  const file = path.join(folder, 'paced.itch');
  writeFileSync(file, itch.binaryFile([itch.system('O', at(0)), itch.directory(1, 'AAPL', at(100)), itch.action(1, 'AAPL', 'T', '', at(400)), itch.system('C', at(1200))], { end: true }));
  const took = {};
  for (const pace of ['recorded', '4x', 'max'])
    await serving(['--source', `file:${file}`, '--pace', pace, '--wait', '200ms'], async ({ client }) => {
      const one = await client();
      await until('the first message', () => one.messages.length > 0);
      const began = performance.now();
      await one.whole();
      took[pace] = performance.now() - began;
      assert.equal(one.messages.length, 4);
    });
  assert.ok(took.recorded > 900, `${took.recorded} ms for 1.2 seconds`);
  assert.ok(took['4x'] > 150 && took['4x'] < took.recorded, `${took['4x']} ms for 0.3 seconds`);
  assert.ok(took.max < took.recorded, `${took.max} ms for no time at all`);
});

/** A pcap file (nanoseconds, Ethernet) of UDP payloads: [{ port, payload, ms }]. */
function capture(name, packets) {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b23c4d, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65535, 16);
  head.writeUInt32LE(1, 20);
  const file = path.join(folder, name);
  writeFileSync(file, Buffer.concat([head, ...packets.flatMap(({ port, payload, ms = 0 }) => {
    const record = Buffer.alloc(16 + 42);
    record.writeUInt32LE(1_600_000_000 + Math.floor(ms / 1000), 0);
    record.writeUInt32LE((ms % 1000) * 1_000_000, 4);
    record.writeUInt32LE(42 + payload.length, 8);
    record.writeUInt32LE(42 + payload.length, 12);
    record.writeUInt16BE(0x0800, 16 + 12);
    record[16 + 14] = 0x45;
    record.writeUInt16BE(28 + payload.length, 16 + 16);
    record[16 + 22] = 64;
    record[16 + 23] = 17;
    record.set([127, 0, 0, 1, 239, 1, 1, 1], 16 + 26);
    record.writeUInt16BE(port, 16 + 34);
    record.writeUInt16BE(port, 16 + 36);
    record.writeUInt16BE(8 + payload.length, 16 + 38);
    return [record, payload];
  })]));
  return file;
}

describe('a capture', () => {
  const messages = () => wanted().slice(0, 50);
  const packetsOf = (port, of, group, skip) => {
    const packets = [];
    for (let first = 0; first < of.length; first += group)
      if (!skip(first / group)) packets.push({ port, payload: itch.packet('FEED', first + 1, of.slice(first, first + group)), ms: first });
    return packets;
  };

  test('with both lines, each with losses of its own, is served whole', async () => {
    const a = packetsOf(1001, messages(), 3, (i) => i % 4 === 1), b = packetsOf(1002, messages(), 2, (i) => i % 6 === 3);
    const both = [...a, ...b].sort((x, y) => x.ms - y.ms);
    const missing = messages().length - new Set(both.flatMap(({ payload }) => Array.from({ length: payload.readUInt16BE(18) }, (_, i) => Number(payload.readBigUInt64BE(10)) + i))).size;
    assert.equal(missing, 0, 'the test itself: between them the lines must have all');
    const file = capture('both.pcap', [{ port: 53, payload: Buffer.from('something else') }, ...both]);
    await serving(['--source', `pcap:${file}`], async ({ client }) => {
      const one = await client();
      assert.deepEqual(asText(await one.whole()), asText(messages()));
    });
  });

  test('that lacks a message, or has no MoldUDP64, can\'t be served and says what it takes', () => {
    const holed = capture('holed.pcap', packetsOf(1001, messages(), 5, (i) => i === 4));
    const lost = tickwire('serve-feed', '--source', `pcap:${holed}`, '--soup', '127.0.0.1:0', '--linger', '0s');
    assert.equal(lost.status, 1);
    assert.match(lost.stderr, /lacks 5 message\(s\) from number 21 on.*every message/);
    const other = capture('other.pcap', [{ port: 53, payload: Buffer.from('something else') }]);
    const none = tickwire('serve-feed', '--source', `pcap:${other}`, '--soup', '127.0.0.1:0', '--linger', '0s');
    assert.equal(none.status, 1);
    assert.match(none.stderr, /none of the capture's 1 UDP payloads is MoldUDP64/);
  });
});

test('what makes no sense is refused in words', () => {
  const soup = ['--soup', '127.0.0.1:0'];
  for (const [words, ...settings] of [[/nobody is served/, '--simulate'], [/soup: .*127\.0\.0\.1:26500/, '--simulate', '--soup', 'localhost'], [/soup: .*multicast/, '--simulate', '--soup', '239.1.1.1:5'],
    [/glimpse: /, '--simulate', ...soup, '--glimpse', '127.0.0.1'], [/user: .*6/, '--simulate', ...soup, '--user', 'longname'], [/password: .*10/, '--simulate', ...soup, '--user', 'a', '--password', '12345678901'],
    [/password needs --user/, '--simulate', ...soup, '--password', 'a'], [/pace: .*4x/, '--simulate', ...soup, '--pace', '4'], [/soup-cut.*--soup/s, '--simulate', '--to', 'udp://239.1.1.1:9@127.0.0.1', '--soup-cut', '5'],
    [/source is a recording/, ...soup, '--source', 'udp://239.1.1.1:9'], [/to-b/, '--simulate', ...soup, '--to-b', 'udp://239.1.1.1:9']]) {
    const { status, stderr } = tickwire('serve-feed', ...settings);
    assert.equal(status, 2, stderr);
    assert.match(stderr, words);
  }
});

test('a port that is taken is said', () => played(['--wait', '1h'], async ({ soup }) => {
  const { status, stderr } = tickwire('serve-feed', '--simulate', '--soup', soup);
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`--soup: hearing on ${soup.replaceAll('.', '\\.')}: .*in use`));
}));

// What people do to a port that is open to everybody: half connections, endless headers, bombs, floods, noise. Whatever comes,
// a client that behaves has every update, its chain unbroken and its books true, and the gateway stays as small as it was.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { StreamClient, startGateway } from './lib/gateway.mjs';
import { LiveFeed } from './lib/live_feed.mjs';
import { NatsServer, folder, run, sleep, until } from './lib/programs.mjs';
import { parsePrometheus } from './lib/prometheus.mjs';
import { CLOSE, PING, RawSocket, RawWebSocket, TEXT, closeFrame, frame, handshake } from './lib/raw_websocket.mjs';

const MEBI = 1 << 20;
const many = (count, make) => Promise.all(Array.from({ length: count }, (_, index) => make(index)));
const residentBytes = (program) => 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))[1]);
const filesOf = (program) => readdirSync(`/proc/${program.child.pid}/fd`).length;
const metric = async (gateway, name) => parsePrometheus(await (await fetch(`${gateway.url}/metrics`)).text()).get(`tickwire_gateway_${name}`).samples[0].value;
const asked = (client, code) => until(() => `${code}, not ${JSON.stringify(client.messages.slice(-2))} ${JSON.stringify(client.closed)}`,
  () => client.messages.find((message) => message.type === 'error' && message.code === code));

/** Numbers that are the same in every run. */
function* noise(seed) {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 24;
  }
}

const ABUSES = {
  async 'connections that never say a word'({ gateway }) {
    const silent = await many(1000, () => new RawSocket(gateway.port));
    await until('all of them to be taken', () => silent.every(({ socket }) => !socket.connecting));
    await until(() => `all of them to be cut off, not ${silent.filter(({ ended }) => !ended).length}`, () => silent.every(({ ended }) => ended));
    for (const one of silent) one.destroy();
  },

  async 'headers, a byte at a time'({ gateway }) {
    const slow = await many(50, () => new RawSocket(gateway.port));
    const text = handshake(gateway.port, { 'X-Slow': 'y'.repeat(1000) });
    for (let at = 0; slow.some(({ ended }) => !ended); at++) {
      assert.ok(at < 600, `${slow.filter(({ ended }) => !ended).length} may be slow for a minute`);
      for (const one of slow) one.write(text[at % text.length]);
      await sleep(100);
    }
    for (const one of slow) one.destroy();
  },

  async 'headers and request lines without end'({ gateway }) {
    for (const text of [`GET /healthz HTTP/1.1\r\nHost: x\r\n${'X-Long: y\r\n'.repeat(100_000)}\r\n`, `GET /healthz HTTP/1.1\r\nX: ${'y'.repeat(MEBI)}\r\n\r\n`,
      `GET /${'y'.repeat(MEBI)} HTTP/1.1\r\nHost: x\r\n\r\n`, `${'G'.repeat(MEBI)}`, handshake(gateway.port, { 'Sec-WebSocket-Extensions': 'y'.repeat(100_000) }),
      handshake(gateway.port, { 'Sec-WebSocket-Protocol': 'y,'.repeat(3000) })]) {
      const one = new RawSocket(gateway.port);
      one.write(text);
      assert.doesNotMatch(await one.hungUp(), /^HTTP\/1\.1 [12]/, text.slice(0, 40));
    }
  },

  async 'requests one after the other, and nobody who reads the answers'({ gateway }) {
    const one = new RawSocket(gateway.port);
    one.socket.pause();
    for (let i = 0; i < 200 && !one.over; i++) {
      one.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500));
      await sleep(2);
    }
    one.destroy();
    const polite = new RawSocket(gateway.port);
    polite.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(100));
    await until(() => `a hundred answers, not ${polite.text.split('ok\n').length - 1}`, () => polite.text.split('ok\n').length === 101);
    polite.destroy();
  },

  async 'JSON that is a bomb'({ gateway }) {
    const client = await StreamClient.connect(gateway);
    const deep = '['.repeat(65_000), subjects = (text) => `{"op":"subscribe","subjects":[${text}]}`;
    for (const text of [deep, '{"a":'.repeat(10_000), `{"op":"ping","x":${'9'.repeat(60_000)}}`, `{"op":"ping","x":1e${'9'.repeat(1000)}}`, `{"id":-${'9'.repeat(400)},"op":"ping"}`,
      `{"op":"${'x'.repeat(60_000)}"}`, `{"op":"dance",${Array.from({ length: 4000 }, () => '"op":"dance"').join()}}`, `{"op":"${'\\u0000'.repeat(9000)}"}`, '"'.repeat(60_000),
      '\0'.repeat(1000), subjects('"x"'), subjects('[[[[[["x"]]]]]]'), subjects(`"${'*.'.repeat(20_000)}*"`), subjects('null'), '{"op":"subscribe","subjects":["XNAS.A.quote"],"depth":1e300}']) {
      const had = client.messages.length;
      client.send(text);
      await until(() => `an answer to ${text.slice(0, 50)} (${JSON.stringify(client.closed)})`, () => client.messages.length > had);
      await sleep(25);
    }
    assert.equal((await client.ask({ op: 'ping' })).type, 'pong');
    await client.close();
  },

  async 'subscriptions without end'({ gateway }) {
    const client = await StreamClient.connect(gateway);
    client.send({ op: 'subscribe', subjects: Array.from({ length: 3000 }, (_, index) => `XNAS.S${index}.quote`) });
    await asked(client, 'TOO_MANY');
    for (let i = 0; i < 20; i++) await client.ask({ op: 'subscribe', subjects: Array.from({ length: 50 }, (_, index) => `XNAS.S${i}X${index}.quote`) });
    assert.equal(client.messages.filter(({ type }) => type === 'ack').length, 1); // 64 are a client's
    assert.equal(client.closed, undefined);
    const crowd = await many(200, () => RawWebSocket.connect(gateway));
    for (const one of crowd) {
      one.socket.pause(); // they want all there is and read nothing of it
      one.send({ op: 'subscribe', subjects: ['XNAS.>'] });
    }
    await until('members to be refused', async () => (await metric(gateway, 'members_refused_total')) > 0); // 4000 pairs of client and subject
    await sleep(500);
    for (const one of crowd) one.destroy();
    await client.close();
  },

  async 'requests without end, and nobody who reads the answers'({ gateway }) {
    const raw = await RawWebSocket.connect(gateway);
    raw.socket.pause();
    for (let i = 0; i < 100 && !raw.over; i++) {
      raw.write(Buffer.concat(Array.from({ length: 100 }, () => frame(TEXT, '{"op":"ping"}'))));
      await sleep(1);
    }
    raw.socket.resume();
    assert.equal((await raw.framed(CLOSE)).payload.readUInt16BE(0), 1008);
    raw.write(closeFrame(1008));
    await raw.closed();
  },

  async 'pings without end, and nobody who reads the pongs'({ gateway }) {
    const raw = await RawWebSocket.connect(gateway), pings = Buffer.concat(Array.from({ length: 1000 }, (_, index) => frame(PING, `${index}`.padEnd(125))));
    raw.socket.pause();
    for (let i = 0; i < 40; i++) {
      raw.write(pings);
      await sleep(5);
    }
    raw.destroy();
  },

  async 'noise'({ gateway }) {
    const bytes = noise(20261121);
    const some = (length) => Buffer.from(Array.from({ length }, () => bytes.next().value));
    const starts = ['', 'GET ', 'GET / HTTP/1.1\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', handshake(gateway.port).slice(0, -2), 'CONNECT x:1 HTTP/1.1\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00',
      'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'];
    for (let i = 0; i < 20; i++) {
      const list = starts.map((start) => {
        const one = new RawSocket(gateway.port);
        one.write(Buffer.concat([Buffer.from(start, 'latin1'), some(1 + (bytes.next().value << 4))]));
        return one;
      });
      const talkers = await many(5, () => RawWebSocket.connect(gateway));
      for (const raw of talkers) raw.write(some(2000));
      await sleep(10);
      for (const one of [...list, ...talkers]) one.destroy();
    }
  },

  async 'people who come and go at once'({ gateway }) {
    for (let i = 0; i < 10; i++) {
      await many(50, async (index) => {
        const one = new RawSocket(gateway.port);
        if (index % 2) one.write(handshake(gateway.port));
        await until('a connection', () => !one.socket.connecting);
        if (index % 3) one.socket.resetAndDestroy();
        else one.destroy();
      });
    }
  },
};

test('none of it harms a client that behaves', async () => {
  const live = await LiveFeed.open({ messages: 120_000, rate: '4k',
    gateway: ['--max-clients', '1200', '--handshake-timeout', '1s', '--max-members', '4000', '--max-subscriptions', '64', '--send-buffer', '16Ki'] });
  try {
    const { gateway } = live;
    const good = await StreamClient.connect(gateway);
    await good.subscribe('XNAS.*.orderbook');
    await until('books', () => good.books.size === 20);
    const before = residentBytes(gateway), files = filesOf(gateway);
    for (const [what, abuse] of Object.entries(ABUSES)) {
      const had = good.counts.book, began = performance.now();
      await abuse(live);
      await until(`books after ${what}`, () => good.counts.book > had);
      console.log(`# ${what}: ${Math.round(performance.now() - began)} ms, ${Math.round((residentBytes(gateway) - before) / MEBI)} MiB more`);
      assert.deepEqual([good.faults, good.closed, good.messages.filter(({ type }) => type === 'error')], [[], undefined, []], what);
    }
    await until(() => `all connections to be gone, not ${filesOf(gateway) - files}`, () => filesOf(gateway) <= files);
    assert.ok(residentBytes(gateway) - before < 100 * MEBI, `${Math.round((residentBytes(gateway) - before) / MEBI)} MiB more than before`);
    assert.doesNotMatch(gateway.stderr, /"level":"error"/);
  } finally {
    await live.close();
  }
});

test('more connections than there may be are told so, and when there is room again they are let in', async () => {
  const nats = await NatsServer.start();
  const gateway = await startGateway(nats, ['--max-clients', '30', '--handshake-timeout', '2s', '--goodbye', '0s']);
  const good = await StreamClient.connect(gateway);
  const crowd = await many(60, () => RawWebSocket.connect(gateway).catch((error) => ({ refused: error.message, destroy() {} })));
  const refused = crowd.filter((one) => one.refused);
  assert.equal(refused.length, 31);
  assert.ok(refused.some((one) => /^HTTP\/1\.1 503 /.test(one.refused)), refused[0].refused);
  assert.equal((await good.ask({ op: 'ping' })).type, 'pong');
  for (const one of crowd) one.destroy();
  await until('room', () => StreamClient.connect(gateway).then((client) => client.close().then(() => true), () => false));
  assert.ok(await metric(gateway, 'refused_total') >= 31);

  // The system has no file descriptor left: who comes is told so, too, and afterwards all is as before.
  const limit = (soft) => assert.equal(run('prlimit', ['--pid', `${gateway.child.pid}`, `--nofile=${soft}:`]).status, 0);
  await until('the crowd to be gone', () => filesOf(gateway) < 40);
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${gateway.child.pid}/limits`, 'utf8'))[1];
  limit(filesOf(gateway) + 3);
  const few = await many(20, () => RawWebSocket.connect(gateway).catch((error) => ({ refused: error.message, destroy() {} })));
  assert.ok(few.filter((one) => one.refused).length >= 15, `${few.filter((one) => one.refused).length} refused`);
  assert.equal((await good.ask({ op: 'ping' })).type, 'pong');
  await gateway.says(/no file descriptor for another connection/);
  limit(soft);
  for (const one of few) one.destroy();
  await (await StreamClient.connect(gateway)).close();
  assert.equal(good.closed, undefined);
  await good.close();
  assert.equal(await gateway.stop(), 0, gateway.stderr);
  await nats.stop();
});

test('one address has no more connections than --max-clients-per-address, and other addresses have theirs', async () => {
  const nats = await NatsServer.start();
  const gateway = await startGateway(nats, ['--address', '0.0.0.0', '--max-clients-per-address', '10', '--goodbye', '0s']);
  const from = async (localAddress) => {
    const one = new RawSocket(gateway.port, { localAddress });
    one.write(handshake(gateway.port));
    await one.says(/\r\n\r\n/);
    return one;
  };
  const mine = [];
  for (let i = 0; i < 10; i++) mine.push(await from('127.0.0.2'));
  assert.ok(mine.every(({ text }) => /^HTTP\/1\.1 101 /.test(text)));
  assert.match((await from('127.0.0.2')).text, /^HTTP\/1\.1 429 [^]*TOO_MANY/);
  assert.match((await from('127.0.0.3')).text, /^HTTP\/1\.1 101 /);
  mine.pop().destroy();
  await until('a place', async () => {
    mine.push(await from('127.0.0.2'));
    return /^HTTP\/1\.1 101 /.test(mine.at(-1).text);
  });
  assert.ok(await metric(gateway, 'refused_address_total') >= 1);
  for (const one of mine) one.destroy();
  assert.equal(await gateway.stop(), 0, gateway.stderr);
  await nats.stop();
});

test('a TLS port that is spoken to in plain text, or half, serves those who speak TLS', async () => {
  const [certificate, key] = ['cert.pem', 'key.pem'].map((name) => path.join(folder, name));
  assert.equal(run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-keyout', key, '-out', certificate]).status, 0);
  const nats = await NatsServer.start();
  const gateway = await startGateway(nats, ['--tls-certificate', certificate, '--tls-key', key, '--handshake-timeout', '1s', '--max-clients', '300', '--goodbye', '0s']);
  const stream = gateway.stream.replace('ws:', 'wss:');
  const good = await StreamClient.connect({ stream }, { rejectUnauthorized: false });
  const silent = await many(100, () => new RawSocket(gateway.port));
  for (const text of [handshake(gateway.port), 'GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x00\x05hello', '\x16\x03\x01\xff\xff']) {
    const one = new RawSocket(gateway.port);
    one.write(Buffer.from(text, 'latin1'));
    assert.doesNotMatch(await one.hungUp(), /^HTTP\/1\.1 [12]/);
  }
  const abrupt = await many(20, () => new Promise((resolve) => {
    const socket = connectTls({ port: gateway.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      socket.write(handshake(gateway.port));
      socket.destroy();
      resolve(socket);
    }).on('error', () => resolve(socket));
  }));
  assert.equal(abrupt.length, 20);
  await until(() => `the silent ones to be cut off, not ${silent.filter(({ ended }) => !ended).length}`, () => silent.every(({ ended }) => ended));
  for (const one of silent) one.destroy();
  assert.equal((await good.ask({ op: 'ping' })).type, 'pong');
  await (await StreamClient.connect({ stream }, { rejectUnauthorized: false })).close();
  await good.close();
  assert.equal(await gateway.stop(), 0, gateway.stderr);
  await nats.stop();
});

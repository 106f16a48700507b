// The gateway's WebSocket against RFC 6455: a raw client written from it says what clients may and may not say, and clients
// that nobody here wrote (npm's ws, Debian's python3-websockets, Chromium) follow a day of books to its end, meanwhile.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { inChromium, withoutChromium } from './lib/chromium.mjs';
import { StreamClient, updateOf, withGateway } from './lib/gateway.mjs';
import { LiveFeed, subscribed } from './lib/live_feed.mjs';
import { Program, folder, root, run, sleep, until } from './lib/programs.mjs';
import { BINARY, CLOSE, PING, PONG, RawSocket, RawWebSocket, TEXT, closeFrame, frame, handshake } from './lib/raw_websocket.mjs';

const shownOf = (book) => [book.bids, book.asks].map((side) => side.map(({ price, quantity, orders }) => [Number(price), Number(quantity), orders]));
const booksOf = (client) => Object.fromEntries([...client.books].map(([subject, book]) => [subject, shownOf(book)]).sort());
const sorted = (books) => Object.fromEntries(Object.entries(books).sort());
const dayIsOver = (client) => client.books.size > 0 && [...client.books.values()].every((book) => book.state === 'CLOSED');

const python = async (gateway, compression) => {
  const program = new Program('/usr/bin/python3', [path.join(root, 'tests/integration/lib/websocket_client.py'), gateway.stream, 'XNAS.*.orderbook', compression]);
  assert.equal(await until('the Python client to end', () => program.status !== undefined && { status: program.status }, 60_000).then(({ status }) => status), 0, program.stderr);
  return JSON.parse(program.stdout);
};

// The page keeps books by lib/book.mjs, word for word.
const pageScript = `${readFileSync(path.join(root, 'tests/integration/lib/book.mjs'), 'utf8').replaceAll('export ', '')}
  const exactly = (text) => BigInt(text.replace('.', ''));
  const sideOf = (levels) => ({ prices: levels.map(([price]) => exactly(price)), quantities: levels.map(([, quantity]) => exactly(quantity)), orders: levels.map(([, , orders]) => orders) });
  ${updateOf.toString()}
  const books = new Map(), faults = [];
  let count = 0, quiet;
  const socket = new WebSocket(settings.stream, 'tickwire.json.v1');
  socket.onopen = () => socket.send(JSON.stringify({ id: 'page', op: 'subscribe', subjects: ['XNAS.*.orderbook'] }));
  socket.onclose = ({ code, reason, wasClean }) => done({ count, faults: faults.slice(0, 3), code, reason, wasClean, protocol: socket.protocol, extensions: socket.extensions,
    books: [...books].map(([subject, book]) => [subject, [book.bids, book.asks].map((side) => side.map(({ price, quantity, orders }) => [Number(price), Number(quantity), orders]))]) });
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type !== 'book') return;
    count++;
    if (message.snapshot) books.set(message.subject, new Book());
    const outcome = (books.get(message.subject) ?? new Book()).take(updateOf(message));
    if (!['applied', 'state', 'snapshot'].includes(outcome)) faults.push(outcome + ' ' + data.slice(0, 200));
    clearTimeout(quiet); // the state may overtake the last levels
    if ([...books.values()].every((book) => book.state === 'CLOSED')) quiet = setTimeout(() => socket.close(4001, 'seen all'), 500);
  };`;

const E_ACUTE = Buffer.from('é');
// What none may send, and what the gateway closes with. A list of writes: each is one segment.
const FAULTS = [
  ['a text that is not masked', 1002, [frame(TEXT, '{"op":"ping"}', { masked: false })]],
  ['a ping that is not masked', 1002, [frame(PING, '', { masked: false })]],
  ['RSV1 without an extension', 1002, [frame(TEXT, 'x', { reserved: 4 })]],
  ['RSV2', 1002, [frame(TEXT, 'x', { reserved: 2 })]],
  ['RSV3 of a ping', 1002, [frame(PING, 'x', { reserved: 1 })]],
  ...[3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf].map((opcode) => [`the reserved opcode ${opcode}`, 1002, [frame(opcode)]]),
  ['a ping of 126 bytes', 1002, [frame(PING, 'x'.repeat(126))]],
  ['a ping in fragments', 1002, [frame(PING, 'x', { final: false })]],
  ['a close in fragments', 1002, [frame(CLOSE, '', { final: false })]],
  ['a continuation of nothing', 1002, [frame(0, 'x')]],
  ['a continuation of nothing, after a message', 1002, [frame(TEXT, '{"op":"ping"}'), frame(0, 'x')]],
  ['a message within a message', 1002, [frame(TEXT, '{"op":', { final: false }), frame(TEXT, '"ping"}')]],
  ['RSV1 of a continuation', 1002, [frame(TEXT, '{', { final: false }), frame(0, '}', { reserved: 4 })]],
  ['a length with its highest bit', 1002, [frame(TEXT, '', { length: 1n << 63n, wide: 8 })]],
  ['16 bits for a length of 5', 1002, [frame(TEXT, 'hello', { wide: 2 })]],
  ['64 bits for a length of 5', 1002, [frame(TEXT, 'hello', { wide: 8 })]],
  ['a message of 9 exabytes', 1009, [frame(TEXT, '', { length: (1n << 63n) - 1n, wide: 8 })]],
  ['a message too long by a byte', 1009, [frame(TEXT, 'x'.repeat(65537))]],
  ['fragments too long by a byte', 1009, [frame(TEXT, 'x'.repeat(65000), { final: false }), frame(0, 'x'.repeat(537))]],
  ['ten megabytes', 1009, [frame(TEXT, 'x'.repeat(10_000_000))]],
  ['a binary message', 1003, [frame(BINARY, '{"op":"ping"}')]],
  ['no UTF-8', 1007, [frame(TEXT, Buffer.from([0xc3, 0x28]))]],
  ['no UTF-8, before the message ends', 1007, [frame(TEXT, Buffer.from([0x7b, 0xff]), { final: false })]],
  ['a surrogate', 1007, [frame(TEXT, Buffer.from([0xed, 0xa0, 0x80]))]],
  ['half a character', 1007, [frame(TEXT, E_ACUTE.subarray(0, 1))]],
  ['half a character, and an empty end', 1007, [frame(TEXT, E_ACUTE.subarray(0, 1), { final: false }), frame(0, '')]],
  ['half a character, and another half', 1007, [frame(TEXT, E_ACUTE.subarray(0, 1), { final: false }), frame(PING), frame(0, E_ACUTE.subarray(0, 1))]],
  ['a close of one byte', 1002, [frame(CLOSE, 'x')]],
  ['a close with a reason that is no UTF-8', 1007, [frame(CLOSE, Buffer.from([3, 0xe8, 0xff]))]],
  ['a close with half a character', 1007, [frame(CLOSE, Buffer.from([3, 0xe8, 0xc3]))]],
  ['a close of 126 bytes', 1002, [frame(CLOSE, Buffer.concat([Buffer.from([3, 0xe8]), Buffer.alloc(124, 'x')]))]],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map((code) => [`close ${code}`, 1002, [closeFrame(code)]]),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999].map((code) => [`close ${code}`, code, [closeFrame(code, 'grüße')]]),
  ['a close without a code', 1005, [frame(CLOSE)]],
  ['what follows a close', 1000, [Buffer.concat([closeFrame(1000), frame(TEXT, '{"op":"ping"}'), frame(3)])]],
];

test('ws, Python and Chromium follow a day to its end, every book verified, while others break each rule there is', { skip: withoutChromium }, async () => {
  let others;
  const live = await LiveFeed.open({ gateway: ['--origins', '*'], audience: (gateway) => {
    others = [python(gateway, 'none'), python(gateway, 'deflate'), inChromium(pageScript, { stream: gateway.stream })];
    return Promise.race([subscribed(gateway, 3), ...others]); // one that fails is told below
  } });
  try {
    const { gateway } = live;
    const client = await StreamClient.connect(gateway);
    await client.subscribe('XNAS.*.orderbook');
    for (const [what, code, writes] of FAULTS) {
      const raw = await RawWebSocket.connect(gateway);
      for (const bytes of writes) {
        raw.write(bytes);
        if (writes.length > 1) await sleep(2);
      }
      const closed = await raw.closed();
      assert.equal(closed.code, code, `${what}: ${JSON.stringify(closed)}`);
      if (code === 1002 && !what.startsWith('close')) assert.ok(closed.reason.length > 0, what);
      assert.ok(raw.messages().every(({ type }) => type === 'hello' || type === 'pong'), what);
    }
    const [plain, packed, page] = await Promise.all(others);
    await until('the end of the day', () => dayIsOver(client));
    assert.deepEqual(client.faults, []);
    assert.ok(client.counts.book > 200, `${client.counts.book}`);
    const last = booksOf(client);
    for (const seen of [plain, packed]) {
      assert.deepEqual({ ...seen, books: 0, shown: 0 }, { hello: 'hello', ack: 'py', subprotocol: 'tickwire.json.v1', extensions: [], code: 1000, books: 0, faults: [], shown: 0 });
      assert.ok(seen.books > 20, `${seen.books}`);
      assert.deepEqual(sorted(seen.shown), last);
    }
    assert.equal(page.failed, undefined);
    assert.deepEqual([page.faults, page.code, page.reason, page.wasClean, page.protocol, page.extensions], [[], 4001, '', true, 'tickwire.json.v1', '']);
    assert.deepEqual(sorted(Object.fromEntries(page.books)), last);
    assert.equal(client.closed, undefined);
  } finally {
    await live.close();
  }
});

test('messages in fragments, control frames between them, any cut of the bytes: all of it is understood', () => withGateway([], async (gateway) => {
  const raw = await RawWebSocket.connect(gateway, { 'Sec-WebSocket-Protocol': null });
  assert.doesNotMatch(raw.answer, /Sec-WebSocket-(Protocol|Extensions)/i);
  assert.equal((await raw.message('a greeting', ({ type }) => type === 'hello')).version, 1);
  const pongTo = (id) => raw.message(`a pong to ${id}`, (one) => one.type === 'pong' && one.id === id);
  raw.write(Buffer.concat([frame(TEXT, '{"id":', { final: false }), frame(PING, 'between'), frame(0, '', { final: false }), frame(PONG, 'nobody asked'),
    frame(0, '1,"op":"p', { final: false }), frame(0, 'ing"}')]));
  await pongTo(1);
  await raw.framed(PONG, ({ payload }) => payload.toString() === 'between');
  raw.write(frame(PING));
  await raw.framed(PONG, ({ payload }) => payload.length === 0);
  raw.write(frame(PING, Buffer.alloc(125, 7)));
  await raw.framed(PONG, ({ payload }) => payload.equals(Buffer.alloc(125, 7)));
  for (const byte of frame(TEXT, '{"id":"é€😀","op":"ping"}')) {
    raw.write(Buffer.from([byte]));
    await sleep(1);
  }
  await pongTo('é€😀');
  raw.write(Buffer.concat([...Buffer.from('{"id":"é€😀!","op":"ping"}')].map((byte, index) => frame(index === 0 ? TEXT : 0, Buffer.from([byte]), { final: false })).concat(frame(0, ''))));
  await pongTo('é€😀!');
  raw.write(frame(TEXT, `{"id":2,"op":"ping","padding":"${'x'.repeat(65536 - 38)}"}`)); // as long as it may be, or nearly
  await pongTo(2);
  raw.write(frame(TEXT, ''));
  assert.equal((await raw.message('an error', ({ type }) => type === 'error')).code, 'BAD_JSON');
  for (let i = 0; i < 40; i++) raw.write(Buffer.concat([frame(PING, `${i}`), frame(TEXT, `{"id":${100 + i},"op":"ping"}`)]));
  await pongTo(139);
  await raw.framed(PONG, ({ payload }) => payload.toString() === '39'); // earlier ones may be left out (5.5.3), the last is not
  raw.write(closeFrame(1000));
  assert.equal((await raw.closed()).code, 1000);
}));

test('over TLS, too, a connection ends with its closing handshake and not with the time for it', async () => {
  const [certificate, key] = ['websocket-cert.pem', 'websocket-key.pem'].map((name) => path.join(folder, name));
  assert.equal(run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-keyout', key, '-out', certificate]).status, 0);
  await withGateway(['--tls-certificate', certificate, '--tls-key', key], async (gateway) => {
    const timeOf = async (code, bytes) => {
      const raw = await RawWebSocket.connect(gateway, {}, { tls: true }), began = performance.now();
      raw.write(bytes);
      assert.equal((await raw.closed()).code, code); // it hangs up once the gateway has
      return performance.now() - began;
    };
    for (const [code, bytes] of [[1000, closeFrame(1000)], [1003, frame(BINARY, '{}')], [1009, frame(TEXT, 'x'.repeat(70_000))]]) {
      const times = [];
      while (times.length < 5 && !(times.at(-1) < 1000)) times.push(await timeOf(code, bytes)); // the gateway waits for 2 s; a busy machine may be slow now and then
      assert.ok(times.at(-1) < 1000, `${code}: ${times} ms`);
    }
  });
});

test('the opening handshake: what is wrong with it is told', () => withGateway(['--origins', 'https://friend.example'], async (gateway) => {
  const said = async (headers) => {
    const raw = new RawSocket(gateway.port);
    raw.write(handshake(gateway.port, headers));
    return raw.hungUp();
  };
  const bad = [
    ['another version', { 'Sec-WebSocket-Version': '8' }, 426, /^Sec-WebSocket-Version: 13\r$/m],
    ['no version', { 'Sec-WebSocket-Version': null }, 426, /^Sec-WebSocket-Version: 13\r$/m],
    ['no key', { 'Sec-WebSocket-Key': null }, 400, /Sec-WebSocket-Key/],
    ['a short key', { 'Sec-WebSocket-Key': 'AAAA' }, 400, /Sec-WebSocket-Key/],
    ['a key that is no base64', { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }, 400, /Sec-WebSocket-Key/],
    ['no Connection: Upgrade', { Connection: 'keep-alive' }, 400, /Connection: Upgrade/],
    ['no Host', { Host: null }, 400, /Host/],
    ['a subprotocol that is none', { 'Sec-WebSocket-Protocol': 'chat, superchat' }, 400, /tickwire\.json\.v1/],
    ['another path', { path: '/v1/streams' }, 404, /no WebSocket/],
    ['another upgrade', { Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }, 400, /websocket/],
    ['a foreign page', { Origin: 'https://foe.example' }, 403, /origin/],
  ];
  for (const [what, headers, status, words] of bad) {
    const text = await said(headers);
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), `${what}: ${text}`);
    assert.match(text, words, what);
    assert.equal(typeof JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)).error.code, 'string', what);
  }
  assert.doesNotMatch(await said({ method: 'CONNECT', path: 'example.com:80' }), /^HTTP\/1\.1 [12]/);
  for (const [what, headers, protocol] of [
    ['several subprotocols', { 'Sec-WebSocket-Protocol': 'chat, tickwire.protobuf.v1, tickwire.json.v1' }, 'tickwire.protobuf.v1'],
    ['names in other letters', { Connection: 'keep-alive, UPGRADE', Upgrade: 'WebSocket', 'Sec-WebSocket-Protocol': 'tickwire.json.v1' }, 'tickwire.json.v1'],
    ['a friendly page', { Origin: 'https://friend.example' }, undefined]]) {
    const raw = await RawWebSocket.connect(gateway, headers);
    assert.equal(/^Sec-WebSocket-Protocol: (\S+)/im.exec(raw.answer)?.[1], protocol, what);
    raw.destroy();
  }
}));

test('connections end as they should, whoever begins, and when nobody answers', () => withGateway([], async (gateway) => {
  const client = await StreamClient.connect(gateway);
  client.socket.close(4321, 'goodbye');
  assert.deepEqual(await client.gone(), { code: 4321, reason: '' });
  const half = await RawWebSocket.connect(gateway); // hangs up its half without a word
  half.socket.end();
  assert.equal((await half.closed(10_000)).code, 1006);
  const polite = await RawWebSocket.connect(gateway), rude = await RawWebSocket.connect(gateway), deaf = await RawWebSocket.connect(gateway);
  for (const raw of [polite, rude, deaf]) await raw.message('a greeting', ({ type }) => type === 'hello');
  rude.write(frame(TEXT, '{"op":"ping"}').subarray(0, 5)); // and stops in the middle of it
  const began = performance.now(), ended = gateway.stop();
  for (const raw of [polite, rude, deaf]) {
    const close = await raw.framed(CLOSE);
    assert.equal(close.payload.readUInt16BE(0), 1001);
    assert.ok(raw.messages().some(({ type }) => type === 'closing'));
  }
  polite.write(closeFrame(1001));
  await until('the polite one to be let go', () => polite.ended);
  assert.equal(await ended, 0);
  console.log(`# ended after ${Math.round(performance.now() - began)} ms`);
  assert.equal(await new Promise((resolve) => createConnection(gateway.port, '127.0.0.1').on('error', ({ code }) => resolve(code)).on('connect', () => resolve('connected'))), 'ECONNREFUSED');
  for (const raw of [polite, rude, deaf]) raw.destroy();
}));

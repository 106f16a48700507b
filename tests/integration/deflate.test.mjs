// permessage-deflate (RFC 7692): agreed on with clients that offer it where --compression allows it, shared by all of them, never
// with context takeover; compressed requests are bounded like plain ones.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { inChromium, withoutChromium } from './lib/chromium.mjs';
import { StreamClient, startGateway, withGateway } from './lib/gateway.mjs';
import { LiveFeed, subscribed } from './lib/live_feed.mjs';
import { Program, folder, root, run, until } from './lib/programs.mjs';
import { parsePrometheus } from './lib/prometheus.mjs';
import { CLOSE, PING, RawWebSocket, TEXT, closeFrame, deflated, frame } from './lib/raw_websocket.mjs';

const AGREED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const extensions = (raw) => /^Sec-WebSocket-Extensions: (.*)\r?$/im.exec(raw.answer)?.[1];
const offering = (offers) => ({ 'Sec-WebSocket-Extensions': offers });
const shownOf = (book) => [book.bids, book.asks].map((side) => side.map(({ price, quantity, orders }) => [Number(price), Number(quantity), orders]));
const booksOf = (client) => Object.fromEntries([...client.books].map(([subject, book]) => [subject, shownOf(book)]).sort());

test('it is agreed on where client and setting want it, as the client can have it', async () => {
  await withGateway([], async (gateway) => {
    const raw = await RawWebSocket.connect(gateway, offering('permessage-deflate; client_max_window_bits'));
    assert.equal(extensions(raw), undefined);
    raw.write(frame(TEXT, deflated('{"op":"ping"}'), { reserved: 4 }));
    assert.equal((await raw.closed()).code, 1002);
  });
  await withGateway(['--compression'], async (gateway) => {
    for (const [offers, answer] of [
      ['permessage-deflate', AGREED],
      ['permessage-deflate; client_max_window_bits', AGREED],
      ['permessage-deflate; server_max_window_bits=8', undefined],
      ['permessage-deflate; server_max_window_bits=10, permessage-deflate; server_max_window_bits=15', `${AGREED}; server_max_window_bits=12`],
      ['x-webkit-deflate-frame, permessage-deflate, permessage-deflate; server_no_context_takeover', AGREED],
      ['permessage-deflate; unheard_of', undefined],
      [null, undefined]]) {
      const raw = await RawWebSocket.connect(gateway, offering(offers));
      assert.equal(extensions(raw), answer, offers);
      raw.destroy();
    }
    await assert.rejects(RawWebSocket.connect(gateway, offering(`x-${'y'.repeat(300)}, permessage-deflate`)), /400 Bad Request/);
  });
});

test('compressed requests are understood, in fragments and beside plain ones; what is wrong with them ends the connection', () => withGateway(['--compression'], async (gateway) => {
  const connect = () => RawWebSocket.connect(gateway, offering('permessage-deflate'));
  const raw = await connect();
  const pongTo = (id) => raw.message(`a pong to ${id}`, (one) => one.type === 'pong' && one.id === id);
  const ask = (id) => deflated(`{"id":${id},"op":"ping"}`);
  raw.write(frame(TEXT, ask(1), { reserved: 4 }));
  await pongTo(1);
  raw.write(Buffer.concat([frame(TEXT, ask(2).subarray(0, 3), { reserved: 4, final: false }), frame(PING, 'x'), frame(0, ask(2).subarray(3), { final: false }), frame(0, '')]));
  await pongTo(2);
  raw.write(frame(TEXT, '{"id":3,"op":"ping"}')); // not every message has to be
  await pongTo(3);
  raw.write(frame(TEXT, Buffer.concat([deflateRawSync('{"id":4,"op":"ping"}'), Buffer.from([0])]), { reserved: 4 })); // a block that is the last (7.2.3.4)
  await pongTo(4);
  raw.write(frame(TEXT, deflated(`{"id":5,"op":"ping","padding":"${'x'.repeat(60_000)}"}`), { reserved: 4 }));
  await pongTo(5);
  raw.write(closeFrame(1000));
  assert.equal((await raw.closed()).code, 1000);
  for (const [what, code, bytes] of [
    ['a bomb', 1009, frame(TEXT, deflated('x'.repeat(50_000_000)), { reserved: 4 })],
    ['a byte too long', 1009, frame(TEXT, deflated('x'.repeat(65_537)), { reserved: 4 })],
    ['not deflated', 1007, frame(TEXT, Buffer.from([0xff, 0xff, 0xff, 0xff]), { reserved: 4 })],
    ['no UTF-8 inside', 1007, frame(TEXT, deflated(Buffer.from([0xc3, 0x28])), { reserved: 4 })],
    ['half a character inside', 1007, frame(TEXT, deflated(Buffer.from([0xc3])), { reserved: 4 })],
    ['RSV1 of a ping', 1002, frame(PING, 'x', { reserved: 4 })],
    ['RSV1 of a close', 1002, frame(CLOSE, '', { reserved: 4 })],
    ['RSV1 of a continuation', 1002, Buffer.concat([frame(TEXT, '{', { final: false }), frame(0, '}', { reserved: 4 })])]]) {
    const one = await connect();
    one.write(bytes);
    assert.equal((await one.closed()).code, code, what);
  }
}));

const pageScript = `const socket = new WebSocket(settings.stream, 'tickwire.protobuf.v1');
  let bytes = 0;
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => socket.send(JSON.stringify({ op: 'subscribe', subjects: ['XNAS.*.orderbook'] }));
  socket.onmessage = ({ data }) => { bytes += data.byteLength; if (bytes > 20000) socket.close(); };
  socket.onclose = ({ code }) => done({ code, bytes, extensions: socket.extensions });`;

test('ws, Python, Chromium and a raw client read true books, compressed once for all of them; over TLS, too', { skip: withoutChromium }, async () => {
  const [certificate, key] = ['cert.pem', 'key.pem'].map((name) => path.join(folder, name));
  assert.equal(run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-keyout', key, '-out', certificate]).status, 0);
  let page;
  const live = await LiveFeed.open({ gateway: ['--compression', '--origins', '*'], audience: (gateway) => {
    page = inChromium(pageScript, { stream: gateway.stream });
    return Promise.race([subscribed(gateway, 1), page]);
  } });
  const secure = await startGateway(live.nats, ['--compression', '--tls-certificate', certificate, '--tls-key', key]);
  try {
    const { gateway } = live;
    const deflate = { perMessageDeflate: true };
    const plain = await StreamClient.connect(gateway), packed = await StreamClient.connect(gateway, deflate), twin = await StreamClient.connect(gateway, deflate);
    const overTls = await StreamClient.connect({ ...secure, stream: secure.stream.replace('ws:', 'wss:') }, { ...deflate, rejectUnauthorized: false });
    const raw = await RawWebSocket.connect(gateway, offering('permessage-deflate; client_max_window_bits'));
    const clients = [plain, packed, twin, overTls];
    assert.deepEqual(clients.map(({ socket }) => socket.extensions), ['', 'permessage-deflate', 'permessage-deflate', 'permessage-deflate']);
    for (const client of clients) await client.subscribe('XNAS.*.orderbook');
    raw.send({ op: 'subscribe', subjects: ['XNAS.*.orderbook'] });
    const python = new Program('/usr/bin/python3', [path.join(root, 'tests/integration/lib/websocket_client.py'), gateway.stream, 'XNAS.*.orderbook', 'deflate']);
    for (const client of clients)
      await until(() => `the end of the day; ${JSON.stringify(client.faults[0])} ${JSON.stringify(client.closed)}`, () => client.books.size > 0 && [...client.books.values()].every((book) => book.state === 'CLOSED'));
    for (const client of clients) {
      assert.deepEqual(client.faults, []);
      assert.deepEqual(booksOf(client), booksOf(plain));
    }
    const seen = await page;
    assert.equal(seen.failed, undefined);
    assert.match(seen.extensions, /^permessage-deflate/);
    assert.ok(seen.bytes > 20_000);
    assert.equal(await python.end(), 0, python.stderr);
    const told = JSON.parse(python.stdout);
    assert.deepEqual([told.extensions, told.faults, Object.fromEntries(Object.entries(told.shown).sort())], [['permessage-deflate'], [], booksOf(plain)]);
    const frames = raw.frames().filter(({ opcode }) => opcode === TEXT), books = raw.messages().filter(({ type }) => type === 'book');
    assert.ok(frames.some(({ packed: yes }) => yes) && frames.some(({ packed: yes }) => !yes));
    assert.ok(books.length > 200);
    assert.ok(books.slice(0, 100).every(({ checksum }) => checksum !== undefined));
    const metrics = parsePrometheus(await (await fetch(`${gateway.url}/metrics`)).text());
    const value = (name) => metrics.get(`tickwire_gateway_${name}`).samples[0].value;
    const [made, sent] = [value('deflated_total'), frames.filter(({ packed: yes }) => yes).length];
    assert.ok(made < 3 * sent, `${made} made, ${sent} sent to one of four clients: shared`); // JSON and protobuf, and snapshots
    console.log(`# deflated to ${(100 * value('deflated_to_bytes_total') / value('deflated_from_bytes_total')).toFixed(0)} %`);
    assert.ok(value('deflated_to_bytes_total') < 0.8 * value('deflated_from_bytes_total'));
  } finally {
    await secure.stop();
    await live.close();
  }
});

// Request lines that no library takes: other methods, CONNECT, noise. Each is told what is wrong in the gateway's own words, over TLS, too, and
// the answers before it on the same connection come all the same.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { StreamClient, withGateway } from './lib/gateway.mjs';
import { folder, run, sleep } from './lib/programs.mjs';
import { RawSocket } from './lib/raw_websocket.mjs';

const LINE_END = '\r\nHost: x\r\n\r\n';
const GOOD = `GET /healthz HTTP/1.1${LINE_END}`;
const REFUSED = [
  // what is sent, the status, the code, Allow
  [`TRACE /readyz HTTP/1.1${LINE_END}`, 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, OPTIONS'],
  [`FOO /v1/orders HTTP/1.1${LINE_END}`, 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, OPTIONS, POST, DELETE'],
  [`FOO /v1/stream?x HTTP/1.1${LINE_END}`, 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, OPTIONS'],
  [`TRACE http://x/readyz HTTP/1.1${LINE_END}`, 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, OPTIONS'],
  [`FOO * HTTP/1.1${LINE_END}`, 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, OPTIONS'],
  [`CONNECT example.com:443 HTTP/1.1${LINE_END}`, 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, OPTIONS'],
  [`PUT /readyz HTTP/1.1${LINE_END}`, 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, OPTIONS'],
  [`FOO /nothing HTTP/1.1${LINE_END}`, 404, 'NOT_FOUND'],
  [`FOO${LINE_END}`, 400, 'BAD_REQUEST'],
  [`FOO / HTTP/3.0${LINE_END}`, 400, 'BAD_REQUEST'],
  [`what is this${LINE_END}`, 400, 'BAD_REQUEST'],
  ['{"op":"ping"}\n', 400, 'BAD_REQUEST'],
  ['\x16\x03\x01\x02\x00\x01\x00\x01', 400, 'BAD_REQUEST'],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'BAD_REQUEST'],
  ['x'.repeat(4000), 400, 'BAD_REQUEST'],
];

/** The answers that are in a connection's bytes. */
function answersIn(text) {
  const answers = [];
  while (text.length > 0) {
    const end = text.indexOf('\r\n\r\n') + 4, head = text.slice(0, end), length = Number(/^Content-Length: (\d+)/im.exec(head)?.[1]);
    assert.ok(end > 3 && length >= 0, `an answer, not ${text}`);
    answers.push({ status: Number(/^HTTP\/1\.1 (\d+) /.exec(head)?.[1]), head, allow: /^Allow: (.*)\r$/m.exec(head)?.[1], body: text.slice(end, end + length) });
    text = text.slice(end + length);
  }
  return answers;
}

async function said(gateway, options, ...pieces) {
  const one = new RawSocket(gateway.port, options);
  for (const piece of pieces) {
    one.write(Buffer.from(piece, 'latin1'));
    if (pieces.length > 1) await sleep(20);
  }
  return answersIn(await one.hungUp());
}

function isRefusal({ status, head, allow, body }, [text, wanted, code, methods]) {
  const { error } = JSON.parse(body);
  assert.deepEqual([status, error.code, allow], [wanted, code, methods], `${text}: ${head}${body}`);
  assert.match(head, /^Content-Type: application\/json\r$/m);
  assert.match(head, /^Connection: close\r$/m);
}

async function everyOneIsTold(gateway, options) {
  const witness = await StreamClient.connect(gateway, { rejectUnauthorized: false });
  for (const row of REFUSED) {
    const answers = await said(gateway, options, row[0]);
    assert.equal(answers.length, 1, row[0]);
    isRefusal(answers[0], row);
    const behind = await said(gateway, options, GOOD + GOOD + row[0]); // all at once
    assert.deepEqual(behind.map(({ status }) => status), [200, 200, row[1]], row[0]);
    isRefusal(behind[2], row);
  }
  for (const row of REFUSED.slice(0, 2)) {
    isRefusal((await said(gateway, options, row[0].slice(0, 9), row[0].slice(9, 12), row[0].slice(12)))[0], row);
    const after = await said(gateway, options, GOOD, row[0]); // when the first is answered
    assert.deepEqual(after.map(({ status }) => status), [200, row[1]]);
  }
  assert.equal((await witness.ask({ op: 'ping' })).type, 'pong');
  assert.equal(witness.closed, undefined);
  await witness.close();
}

test('methods that are not served and what is no request are answered in JSON, whatever was answered before', () => withGateway([], (gateway) => everyOneIsTold(gateway, {})));

test('over TLS likewise', async () => {
  const [certificate, key] = ['requests.pem', 'requests_key.pem'].map((name) => path.join(folder, name));
  const made = run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-keyout', key, '-out', certificate]);
  assert.equal(made.status, 0, made.stderr);
  await withGateway(['--tls-certificate', certificate, '--tls-key', key], async (gateway) => {
    gateway.stream = gateway.stream.replace('ws:', 'wss:');
    await everyOneIsTold(gateway, { tls: true });
  });
});

// The gateway's usage ledger against what independent clients counted themselves: npm's ws, fetch for event streams and
// pages, each with its own arithmetic; and the same lines on the bus, read by protobufjs.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import WebSocket from 'ws';
import { startGateway, gatewayProgram } from './lib/gateway.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, Program, folder, startIngest, startTickwire, until } from './lib/programs.mjs';
import { parsePrometheus } from './lib/prometheus.mjs';
import { Subscriber } from './lib/subscriber.mjs';
import { decodeAs, type } from './lib/wire.mjs';

const SECOND = 1_000_000_000n;
const linesOf = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '').split('\n').filter((line) => line.endsWith('}')).map((line) => JSON.parse(line));
const metricsOf = async (gateway) => {
  const families = parsePrometheus(await (await fetch(`${gateway.url}/metrics`)).text());
  return (name) => families.get(`tickwire_gateway_${name}`).samples[0].value;
};

/** Adds up by key. */
class Sums {
  constructor() {
    this.rows = new Map();
  }

  add(key, updates, bytes) {
    const row = this.rows.get(key) ?? { updates: 0, bytes: 0 };
    row.updates += updates;
    row.bytes += bytes;
    this.rows.set(key, row);
  }

  sorted() {
    return Object.fromEntries([...this.rows].sort());
  }
}

/** A WebSocket client that counts each message of a subject with the bytes that RFC 6455 says it took on the wire. */
function countingSocket(gateway, subjects, counted, { protocol = 'tickwire.json.v1', ...more } = {}) {
  const socket = new WebSocket(gateway.stream, [protocol], { perMessageDeflate: false });
  const state = { socket, messages: 0, closed: false };
  socket.on('open', () => socket.send(JSON.stringify({ id: 1, op: 'subscribe', subjects, ...more })));
  socket.on('message', (data, binary) => {
    const told = binary ? decodeFrame(data) : JSON.parse(data.toString());
    if (!told.subject) return;
    state.messages++;
    counted.add(told.subject, told.gateway_ns, data.length + (data.length < 126 ? 2 : data.length < 65536 ? 4 : 10));
  });
  socket.on('close', () => (state.closed = true));
  return state;
}
const decodeFrame = (data) => {
  const frame = type('StreamFrame').decode(data);
  return { subject: frame.subject, gateway_ns: `${frame.gatewayNs}` };
};

/** The same over an event stream: what is between two empty lines. */
async function countingEvents(gateway, subjects, counted, stop) {
  const response = await fetch(`${gateway.url}/v1/stream/sse?subscribe=${encodeURIComponent(subjects.join(','))}`, { signal: stop.signal });
  let text = '';
  try {
    for await (const chunk of response.body) {
      text += Buffer.from(chunk).toString();
      for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
        const data = text.slice(0, end).split('\n').find((line) => line.startsWith('data: '));
        const told = data ? JSON.parse(data.slice(6)) : {};
        if (told.subject) counted.add(told.subject, told.gateway_ns, end + 2);
      }
    }
  } catch (error) {
    assert.equal(error.name, 'AbortError');
  }
}

async function feedOf(t, nats, { messages = 8000, rate = '2k' } = {}) {
  const to = `udp://127.0.0.1:${await freePort()}`;
  const ingest = await startIngest(nats, ['--source', to, '--session-date', '2020-01-30', '--silence', '1h']);
  await ingest.says(/"listening"/);
  const exchange = startTickwire('simulate', '--to', to, '--symbols', '10', '--messages', `${messages}`, '--rate', rate, '--heartbeat', '100ms', '--seed', '42');
  t.after(() => Promise.all([ingest.stop('SIGKILL'), exchange.stop('SIGKILL')]));
  return ingest;
}

test('the ledger adds up to what clients counted themselves, period by period, in the file and on the bus', async (t) => {
  const nats = await NatsServer.start(), file = path.join(folder, 'usage.jsonl');
  t.after(() => nats.stop());
  const published = [];
  const listener = await Subscriber.connect(nats, ['feed.>'], {});
  const subscription = listener.connection.subscribe('usage.*');
  (async () => { for await (const message of subscription) published.push({ subject: message.subject, bytes: message.data.length, ...decodeAs('Usage', message.data) }); })();
  await listener.connection.flush();
  const tap = startTickwire('tap', '--url', nats.url, '--json', 'usage.>');
  writeFileSync(file, '{"gateway":"killed","numb'); // what a killed one left
  const gateway = await startGateway(nats, ['--usage', file, '--usage-period', '1s', '--name', 'gw-1', '--usage-lines', '32']);
  const counted = new Sums(), total = new Sums();
  const PERIOD = SECOND;
  // `at` is when the gateway made the frame: a client that keeps up is handed it in the same round.
  const count = () => ({
    add: (subject, at, bytes) => {
      counted.add(`${BigInt(at) / PERIOD} ${subject}`, 1, bytes);
      total.add(subject, 1, bytes);
    },
  });
  const stop = new AbortController();
  const sockets = [countingSocket(gateway, ['XNAS.>'], count()), countingSocket(gateway, ['XNAS.*.orderbook', 'feed.>'], count(), { interval_ms: 100, depth: 5 }),
    countingSocket(gateway, ['XNAS.*.quote', 'XNAS.*.trade'], count(), { protocol: 'tickwire.protobuf.v1' })];
  t.after(() => {
    for (const { socket } of sockets) socket.terminate();
    stop.abort();
    return listener.close();
  });
  const events = countingEvents(gateway, ['XNAS.*.quote', 'feed.>'], count(), stop);
  await feedOf(t, nats);
  await until('some updates', () => sockets.every((one) => one.messages > 200));
  const page = async (where, subject) => {
    const text = await (await fetch(`${gateway.url}${where}`)).text();
    if (subject) total.add(subject, 1, Buffer.byteLength(text));
    return text;
  };
  const symbol = JSON.parse(await page('/v1/instruments?exchange=XNAS', 'instruments.XNAS')).instruments[0].symbol;
  await page(`/v1/book/XNAS/${symbol}?depth=3`, `XNAS.${symbol}.orderbook`);
  await page(`/v1/last/XNAS/${symbol}`, `XNAS.${symbol}.last`);
  const several = JSON.parse(await page(`/v1/last/XNAS?symbols=${symbol},NOSUCH`));
  total.add(`XNAS.${symbol}.last`, 1, Buffer.byteLength(JSON.stringify(several.values[0]))); // one has a value, the other an error
  await fetch(`${gateway.url}/v1/book/XNAS/${symbol}`, { method: 'HEAD' });
  await page('/v1/book/XNAS/NOSUCH');
  await page('/healthz');
  await listener.feedIs({ state: 'BOOK_CLOSED' });
  sockets[0].socket.close(); // who leaves is counted, too
  await until('the first to be gone', () => sockets[0].closed);
  const rotated = `${file}.1`;
  renameSync(file, rotated);
  gateway.kill('SIGHUP');
  await until('the new file', () => existsSync(file));
  assert.equal(await gateway.stop(), 0, gateway.stderr); // writes the period that is open
  stop.abort();
  await events;
  const first = readFileSync(rotated, 'utf8').split('\n')[0];
  assert.equal(first, '{"gateway":"killed","numb', 'a line begins on a line of its own');
  const lines = [...linesOf(rotated), ...linesOf(file)].filter((line) => line.gateway === 'gw-1');
  assert.ok(lines.length > 20 && linesOf(file).length > 0, `${lines.length} lines, ${linesOf(file).length} in the second file`);
  assert.equal(new Set(lines.map((line) => `${line.gateway} ${line.instance} ${line.number}`)).size, lines.length);
  assert.deepEqual(lines.map((line) => line.number), lines.map((_, i) => i + 1));
  const told = new Sums();
  for (const line of lines) {
    assert.deepEqual([line.user, line.exchange, line.period_ns], ['anonymous', 'XNAS', `${PERIOD}`]);
    assert.ok(BigInt(line.first_ns) <= BigInt(line.last_ns) && BigInt(line.first_ns) >= BigInt(line.period_start_ns) &&
      BigInt(line.last_ns) < BigInt(line.period_start_ns) + PERIOD + SECOND / 2n, JSON.stringify(line));
    assert.equal(line.subject, line.channel === 'feed' ? 'feed.XNAS.1.status' : line.channel === 'instruments' ? 'instruments.XNAS' : `XNAS.${line.symbol}.${line.channel}`);
    told.add(line.subject, line.updates, line.bytes);
  }
  assert.deepEqual(told.sorted(), total.sorted());
  // By period: nothing is counted before it was made, and soon after. Of streams alone: pages count as books, too.
  const untilPeriod = (sums, subject, period) => [...sums.rows].reduce((sum, [key, { updates }]) => {
    const [when, what] = key.split(' ');
    return what === subject && BigInt(when) <= period ? sum + updates : sum;
  }, 0);
  const byPeriod = new Sums();
  for (const line of lines) byPeriod.add(`${BigInt(line.period_start_ns) / PERIOD} ${line.subject}`, line.updates, line.bytes);
  for (const key of counted.rows.keys()) {
    const period = BigInt(key.split(' ')[0]), subject = key.split(' ')[1];
    if (subject === `XNAS.${symbol}.orderbook`) continue;
    const made = untilPeriod(counted, subject, period);
    assert.ok(untilPeriod(byPeriod, subject, period) <= made && untilPeriod(byPeriod, subject, period + 3n) >= made, key);
  }
  assert.ok(new Set(lines.map((line) => line.period_start_ns)).size >= 3);
  await until('all lines on the bus', () => published.reduce((sum, message) => sum + message.lines.length, 0) === lines.length);
  const onBus = published.flatMap(({ gateway: name, instance, exchange, periodStartNs, lines: some }) => some.map((line) => ({ name, instance, exchange, periodStartNs, ...line })));
  assert.deepEqual(onBus.map((line) => [line.name, line.instance, `${line.number}`, line.exchange, `${line.periodStartNs}`, line.user, line.subject, `${line.updates}`, `${line.bytes}`, `${line.firstNs}`, `${line.lastNs}`]),
    lines.map((line) => [line.gateway, line.instance, `${line.number}`, line.exchange, line.period_start_ns, line.user, line.subject, `${line.updates}`, `${line.bytes}`, line.first_ns, line.last_ns]));
  assert.ok(published.every((message) => message.subject === 'usage.XNAS' && message.bytes <= 65536));
  await until('tap to have told them, too', () => tap.stdout.split('\n').length > published.length);
  tap.kill('SIGINT');
  assert.equal(await tap.end(), 0);
  const tapped = tap.stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(tapped.flatMap((message) => message.lines.map((line) => line.number)), lines.map((line) => line.number));
  assert.doesNotMatch(gateway.stderr, /"level":"error"/);
  assert.match(gateway.stderr, /lines are written early/); // 32 lines were too few
});

test('a disk that is full, a bus that is away: the data goes on, lines wait, and what is lost is counted and said', async (t) => {
  const nats = await NatsServer.start(), file = path.join(folder, 'full.jsonl');
  t.after(() => nats.stop());
  symlinkSync('/dev/full', file);
  const gateway = await startGateway(nats, ['--usage', file, '--usage-period', '1s', '--usage-bytes', '24Ki', '--name', 'gw-2']);
  await feedOf(t, nats, { messages: 20_000_000, rate: '5k' });
  const client = countingSocket(gateway, ['XNAS.>'], { add: () => {} });
  t.after(() => client.socket.terminate());
  await until('the file to fail', async () => (await metricsOf(gateway))('usage_file_errors_total') > 0);
  await gateway.says(/"the usage ledger can't be written: lines wait".*no space left on device/);
  const had = client.messages;
  await until('data to go on', () => client.messages > had + 500);
  await until('lines to wait', async () => (await metricsOf(gateway))('usage_lines_waiting') > 0);
  const lost = await until('too many lines to wait', async () => (await metricsOf(gateway))('usage_lines_lost_total'));
  assert.ok(lost > 0);
  const before = await metricsOf(gateway);
  assert.deepEqual([before('usage_file_good'), before('usage_lines_written_total')], [0, 0]);
  await nats.stop();
  await until('lines to wait for the bus', async () => (await metricsOf(gateway))('usage_bytes_unpublished') > 0);
  await nats.restart();
  await until('the bus to have them', async () => (await metricsOf(gateway))('usage_bytes_unpublished') === 0);
  assert.equal((await metricsOf(gateway))('usage_lines_unpublished_total'), 0);
  renameSync(file, `${file}.gone`); // room again: what waited is written
  gateway.kill('SIGHUP');
  await until('the lines that waited', () => linesOf(file).length > 100);
  assert.equal(linesOf(file)[0].number, 1);
  await until('the file to be good', async () => (await metricsOf(gateway))('usage_file_good') === 1);
  // Killed at once: the periods that ended are in the file, whole.
  const { number } = linesOf(file).at(-1);
  await until('the next period', () => linesOf(file).at(-1).number > number + 10);
  const written = linesOf(file).length;
  await gateway.stop('SIGKILL');
  assert.ok(linesOf(file).length >= written);
  const numbers = linesOf(file).map((line) => line.number);
  assert.equal(new Set(numbers).size, numbers.length);
});

test('told to stop while the disk is full, it says how many lines are lost', async (t) => {
  const nats = await NatsServer.start();
  t.after(() => nats.stop());
  await feedOf(t, nats, { messages: 2000 });
  const gateway = await startGateway(nats, ['--usage', '/dev/full', '--usage-period', '1h', '--goodbye', '0s']);
  await until('the directory', async () => (await fetch(`${gateway.url}/v1/instruments?exchange=XNAS`)).ok);
  const told = Date.now();
  assert.equal(await gateway.stop(), 0, gateway.stderr);
  assert.ok(Date.now() - told < 9000, 'a full disk is no slow one, which would have 10 s'); // it is tried twice, a second apart
  assert.match(gateway.stderr, /"level":"error".*"the usage ledger can't be written: lines wait"/);
  assert.match(gateway.stderr, /"level":"error".*"lines of the usage ledger are lost".*"file":"\/dev\/full","lines":1[,}]/);
});

test('a ledger that can not be opened, or a name that is none, is refused at start', async (t) => {
  const nats = await NatsServer.start();
  t.after(() => nats.stop());
  for (const [settings, words] of [[['--usage', '/nowhere/at/all'], /--usage: \/nowhere\/at\/all/], [['--name', 'two words'], /--name 'two words'/],
    [['--usage-period', '10ms'], /usage-period/], [['--redis', 'http://x'], /--redis/]]) {
    const gateway = new Program(gatewayProgram, ['--nats', nats.url, '--port', '0', '--max-clients', '100', ...settings]);
    assert.ok([1, 2].includes(await gateway.end()), gateway.stderr);
    assert.match(gateway.stderr, words);
  }
});

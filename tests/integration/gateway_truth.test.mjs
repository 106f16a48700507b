// What a gateway shows and answers while something behind it is away: the bus, the aggregator, the publishers. Nothing is
// shown as live that is not, nobody is left without an answer, and who is not served is not let in.
import assert from 'node:assert/strict';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { StreamClient, gatewayProgram, startGateway } from './lib/gateway.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, Program, build, logged, run, startIngest, startTickwire, until } from './lib/programs.mjs';
import { RedisServer } from './lib/redis_server.mjs';

async function get(gateway, where) {
  const response = await fetch(`${gateway.url}${where}`);
  return { status: response.status, cache: response.headers.get('cache-control'), json: await response.json() };
}
const launch = (settings) => new Program(gatewayProgram, ['--address', '127.0.0.1', '--log-format', 'json', '--max-clients', '100', '--anonymous', 'XNAS.>,feed.>,agg.>', ...settings]);

const tryToConnect = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => resolve('connected')).on('error', ({ code }) => resolve(code));
  socket.on('connect', () => socket.destroy());
});

test('while the bus is away at start it says so and lets nobody in; who asks what nobody publishes is told at once', async (t) => {
  for (const url of ['http://bus:4222', 'nats://127.0.0.1:1,ftp://bus']) {
    const { status, stderr } = run(gatewayProgram, ['--nats', url, '--port', '0', '--max-clients', '10']);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /(http|ftp):\/\/bus.*is no server of the bus: its URL starts with nats:\/\//);
  }
  const short = run(gatewayProgram, ['--nats', 'nats://127.0.0.1:1', '--port', '0', '--max-clients', '10', '--bus-wait', '100ms']);
  assert.equal(short.status, 1);
  assert.match(short.stderr, /waiting for the bus[^]*connecting to nats:\/\/127.0.0.1:1/);

  const nats = await NatsServer.start(), port = await freePort();
  t.after(() => nats.stop());
  await nats.stop();
  const told = launch(['--nats', nats.url, '--port', `${port}`, '--bus-wait', '0s']);
  await told.says(/"waiting for the bus/);
  const since = performance.now();
  assert.equal(await told.stop(), 0);
  assert.ok(performance.now() - since < 8000, 'it does not end the wait first');
  const gateway = launch(['--nats', nats.url, '--port', `${port}`, '--bus-wait', '0s']);
  t.after(() => gateway.stop());
  await gateway.says(/"waiting for the bus/);
  assert.equal(await tryToConnect(port), 'ECONNREFUSED');
  await nats.restart();
  await gateway.says(/"gateway serves"/);
  gateway.url = `http://127.0.0.1:${port}`;
  // Several at once: each is told for itself.
  const asked = ['/v1/book/XNAS/A', '/v1/instruments?exchange=XNAS', '/v1/last/XNAS/A', '/v1/candles/agg/A', '/v1/book/XNAS/B'];
  for (const [i, answer] of (await Promise.all(asked.map((where) => get(gateway, where)))).entries())
    assert.deepEqual([answer.status, answer.json.error.code], [503, 'NOBODY'], `${asked[i]}: ${JSON.stringify(answer.json)}`);
});

test('nothing is shown as live while the bus, the aggregator or the feed is away', async (t) => {
  const nats = await NatsServer.start(), redis = await RedisServer.start();
  const to = `udp://127.0.0.1:${await freePort()}`;
  const ingest = await startIngest(nats, ['--source', to, '--session-date', '2020-01-30', '--silence', '1h']);
  await ingest.says(/"listening"/);
  const exchange = startTickwire('simulate', '--to', to, '--symbols', '10', '--messages', '20000000', '--rate', '20k', '--heartbeat', '100ms', '--seed', '41');
  // Neither the best quote's own time nor the row's runs out meanwhile.
  const aggregator = new Program(path.join(build, 'publisher/aggregator/tickwire-aggregator'),
    ['--nats', nats.url, '--redis', redis.url, '--expiry', '120s', '--nbbo-refresh', '120s', '--log-format', 'json']);
  await aggregator.says(/"aggregator starts"/);
  const gateway = await startGateway(nats, ['--redis', redis.url, '--anonymous', 'XNAS.>,feed.>,agg.>']);
  t.after(async () => {
    aggregator.kill('SIGCONT');
    await Promise.all([exchange, ingest, aggregator].map((one) => one.stop('SIGKILL')));
    assert.equal(await gateway.stop(), 0, gateway.stderr);
    await Promise.all([redis.stop(), nats.stop()]);
  });
  let states = []; // as told
  const client = await StreamClient.connect(gateway, { onMessage: ({ type, state, cause }) => state && states.push(`${type} ${state} ${cause ?? ''}`) });
  await client.subscribe(['XNAS.*.orderbook', 'XNAS.*.quote', 'XNAS.*.trade', 'XNAS.*.status', 'agg.*.nbbo', 'feed.>']);
  const of = (type) => [...client.latest.values()].filter((message) => message.type === type);
  const kinds = ['book', 'quote', 'status', 'nbbo', 'feed'];
  const all = (state, cause) => until(() => `all to be ${state} ${cause}: ${kinds.map((kind) => `${kind} ${of(kind).map((one) => `${one.state} ${one.cause ?? ''}`)}`)}`,
    () => kinds.every((kind) => of(kind).length > 0 && of(kind).every((one) => one.state === state && (!cause || one.cause === cause))));
  await until(() => `all kinds: ${kinds.map((kind) => `${of(kind).length} of ${kind}`)}`, () => of('nbbo').length >= 8 && of('quote').length >= 8);
  await all('OK');
  const symbol = of('nbbo')[0].subject.split('.')[1];
  const quoteOf = () => client.latest.get(`XNAS.${symbol}.quote`);
  const live = await until('candles', async () => {
    const answer = await get(gateway, `/v1/candles/XNAS/${symbol}?interval=1s`);
    return answer.status === 200 && answer;
  });
  assert.deepEqual([live.json.state, live.json.cause, live.cache], ['OK', undefined, 'private, max-age=1']);

  // An aggregator that stands still: its row in Redis is old, and the gateway knows better.
  await until('a row of Redis', async () => ['redis', 'memory'].includes((await get(gateway, `/v1/last/XNAS/${symbol}`)).json.source));
  await aggregator.freeze();
  const before = BigInt(quoteOf().seq);
  await until('a quote that the aggregator did not take', () => BigInt(quoteOf().seq) > before + 200n);
  const shown = BigInt(quoteOf().seq), last = (await get(gateway, `/v1/last/XNAS/${symbol}`)).json;
  assert.ok(BigInt(last.seq) >= shown, `${JSON.stringify(last)} although the stream has shown ${shown}`);
  assert.deepEqual([last.source, last.state], ['memory', 'OK']);
  aggregator.kill('SIGCONT');

  // The bus dies: at once, by its cause, on all channels.
  states = [];
  await nats.stop();
  await all('STALE', 'BUS_AWAY');
  assert.deepEqual(states.filter((one) => / STALE (?!BUS_AWAY)/.test(one)), []);
  assert.equal((await get(gateway, '/readyz')).status, 503);
  await nats.restart();
  await all('OK');

  // The feed dies and nobody leaves it out of the best quotes.
  await aggregator.freeze();
  ingest.kill('SIGKILL');
  await all('STALE', 'FEED_SILENT');
  aggregator.kill('SIGCONT');
  const dead = await until('candles', async () => {
    const answer = await get(gateway, `/v1/candles/XNAS/${symbol}?interval=1s`);
    return answer.status === 200 && answer;
  });
  assert.deepEqual([dead.json.state, dead.json.cause, dead.cache], ['STALE', 'FEED_SILENT', 'no-store']);
  assert.ok(dead.json.candles.length > 0);
  assert.deepEqual(client.faults, []);
  await logged(gateway, 'why', ({ message }) => /the bus is away/.test(message));
});

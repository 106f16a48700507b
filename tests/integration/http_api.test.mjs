// tickwire-gateway's HTTP pages seen by fetch, a real Redis and a live feed: last values and where they come from, what a
// browser and a cache are told, and that the documents of the API say what is answered.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { StreamClient, startGateway } from './lib/gateway.mjs';
import { LastValues } from './lib/last_value.mjs';
import { freeUdpPort } from './lib/mold_sender.mjs';
import { NatsServer, Program, build, startIngest, startTickwire, until } from './lib/programs.mjs';
import { parsePrometheus } from './lib/prometheus.mjs';
import { RedisServer, valuesAre } from './lib/redis_server.mjs';

const aggregatorProgram = path.join(build, 'publisher/aggregator/tickwire-aggregator');

async function get(gateway, where, options) {
  const response = await fetch(`${gateway.url}${where}`, options);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: text.startsWith('{') ? JSON.parse(text) : undefined };
}
const metric = async (gateway, name) =>
  parsePrometheus((await get(gateway, '/metrics')).text).get(`tickwire_gateway_${name}`).samples[0].value;


/** A bus, an ingest and a simulated exchange behind it. */
async function feedOf(t, nats, { symbols = 20, messages = 6000, rate = '6k' } = {}) {
  const to = `udp://127.0.0.1:${await freeUdpPort()}`;
  const ingest = await startIngest(nats, ['--source', to, '--session-date', '2020-01-30', '--silence', '1h']);
  await ingest.says(/"listening"/);
  const exchange = startTickwire('simulate', '--to', to, '--symbols', `${symbols}`, '--messages', `${messages}`, '--rate', `${rate}`,
    '--heartbeat', '100ms', '--seed', '41');
  t.after(() => Promise.all([ingest.stop('SIGKILL'), exchange.stop('SIGKILL')]));
  return { ingest, exchange };
}

/** A bus, a Redis, an aggregator that keeps it, a gateway that reads it. */
async function sceneOf(t, settings = []) {
  const nats = await NatsServer.start(), redis = await RedisServer.start();
  const aggregator = new Program(aggregatorProgram, ['--nats', nats.url, '--redis', redis.url, '--expiry', '1s', '--log-format', 'json']);
  const gateway = await startGateway(nats, ['--redis', redis.url, ...settings]);
  const client = await redis.client();
  t.after(async () => {
    await client.disconnect().catch(() => {});
    await Promise.all([aggregator.stop('SIGKILL'), gateway.stop()]);
    await Promise.all([redis.stop(), nats.stop()]);
  });
  await aggregator.says(/"aggregator starts"/);
  await until('Redis to be ready', async () => (await metric(gateway, 'redis_state')) === 0);
  return { nats, redis, aggregator, gateway, client };
}

/** A row of Redis as the page shows it, without what depends on the moment. */
const shown = ({ age_ms, read_ns, source, exchange, symbol, cause, ...row }) => row;
const sorted = (object) => Object.fromEntries(Object.entries(object).sort());

test('last values are what the bus last said, whether Redis, memory or the bus gives them', async (t) => {
  const { nats, redis, gateway, client } = await sceneOf(t);
  const oracle = await LastValues.connect(nats);
  t.after(() => oracle.close());
  await feedOf(t, nats);
  await oracle.subscriber.feedIs({ state: 'BOOK_CLOSED' });
  const rows = await valuesAre(client, () => oracle.expected('CLOSED'));
  const names = Object.keys(rows).map((key) => key.split(':')[3]);
  assert.equal(names.length, 20);
  const allAre = async (source) => {
    for (const name of names) {
      const answer = await get(gateway, `/v1/last/XNAS/${encodeURIComponent(name)}`);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(sorted(shown(answer.json)), sorted({ ...rows[`tw:last:XNAS:${name}`] }), `${name} from ${source}`);
      assert.deepEqual([answer.json.exchange, answer.json.symbol, answer.json.source, answer.headers.get('cache-control')], ['XNAS', name, source, 'no-store']);
      const { age_ms, read_ns, event_ns } = answer.json;
      assert.equal(age_ms, Number((BigInt(read_ns) - BigInt(event_ns)) / 1_000_000n));
      assert.ok(Math.abs(Number(BigInt(read_ns) / 1_000_000n) - Date.now()) < 60_000);
    }
  };
  await allAre('redis');
  const several = await get(gateway, `/v1/last/XNAS?symbols=${names[0]},NOSUCH,${names[1]},${'X'.repeat(40)}`);
  assert.equal(several.status, 200);
  assert.deepEqual(several.json.values.map((one) => one.error?.code ?? one.source), ['redis', 'NOT_FOUND', 'redis', 'BAD_REQUEST']);
  assert.deepEqual(sorted(shown(several.json.values[2])), sorted({ ...rows[`tw:last:XNAS:${names[1]}`] }));
  for (const [where, status, code] of [['/v1/last/XNAS/NOSUCH', 404, 'NOT_FOUND'], ['/v1/last/XNAS', 400, 'BAD_REQUEST'], ['/v1/last/xnas/A', 400, 'BAD_REQUEST'],
    ['/v1/last/', 400, 'BAD_REQUEST'], [`/v1/last/XNAS/${'X'.repeat(40)}`, 400, 'BAD_REQUEST'], ['/v1/last/XETR/SAP', 403, 'FORBIDDEN'],
    [`/v1/last/XNAS?symbols=${'A,'.repeat(100)}A`, 400, 'TOO_MANY']]) {
    const answer = await get(gateway, where);
    assert.deepEqual([answer.status, answer.json.error.code], [status, code], `${where}: ${answer.text}`);
  }
  // Rows that are none are passed over, and the bus is asked.
  const first = names.find((name) => rows[`tw:last:XNAS:${name}`].ask), key = `tw:last:XNAS:${first}`;
  for (const [spoil, mend] of [[() => client.hSet(key, 'ask', 'cheap'), () => client.hSet(key, 'ask', rows[key].ask)], [() => client.hDel(key, 'state'), () => {}],
    [async () => { await client.del(key); await client.set(key, 'x'); }, () => client.del(key)]]) {
    await spoil();
    const answer = await get(gateway, `/v1/last/XNAS/${first}`);
    assert.deepEqual(sorted(shown(answer.json)), sorted({ ...rows[key] }), answer.text);
    assert.equal(answer.json.source, 'bus');
    await mend();
    await valuesAre(client, () => oracle.expected('CLOSED')); // the aggregator mends it
  }
  assert.equal(await metric(gateway, 'redis_unfit_total'), 3);
  await redis.stop();
  await until('the gateway to notice', async () => (await get(gateway, '/readyz')).json.redis !== 'READY');
  assert.equal((await get(gateway, '/readyz')).status, 200);
  await allAre('bus');
  const reader = await StreamClient.connect(gateway);
  await reader.subscribe(['XNAS.*.quote', 'XNAS.*.trade']);
  await until('all quotes and trades', () => [...reader.latest.keys()].length >= 40);
  await allAre('memory');
  await redis.launch();
  await valuesAre(client, () => oracle.expected('CLOSED'));
  await until('the gateway to be back', async () => (await get(gateway, '/readyz')).json.redis === 'READY');
  await allAre('redis');
  await reader.close();
});

test('a Redis that hangs delays neither the stream nor other pages; a price whose feed is silent is not shown as live', async (t) => {
  const { nats, redis, gateway } = await sceneOf(t, ['--redis-deadline', '500ms']);
  const { ingest } = await feedOf(t, nats, { messages: 20_000_000, rate: '20k' });
  const reader = await StreamClient.connect(gateway);
  await reader.subscribe(['XNAS.*.orderbook', 'XNAS.*.quote', 'XNAS.*.trade']);
  const symbol = await until('an instrument that trades', () =>
    [...reader.books.keys()].map((subject) => subject.split('.')[1]).find((name) => ['quote', 'trade'].every((channel) => reader.latest.has(`XNAS.${name}.${channel}`))));
  const live = await until('Redis to have it', async () => {
    const answer = await get(gateway, `/v1/last/XNAS/${symbol}`);
    return answer.json.source === 'redis' && answer.json;
  });
  assert.equal(live.state, 'OK');
  redis.program.kill('SIGSTOP');
  let waiting = 5;
  const late = Array.from({ length: waiting }, () => get(gateway, `/v1/last/XNAS/${symbol}`).finally(() => waiting--));
  const before = reader.counts.book;
  await until('many updates while Redis is waited for', () => reader.counts.book > before + 100);
  for (let i = 0; i < 20; i++) assert.equal((await get(gateway, `/v1/book/XNAS/${symbol}`)).status, 200);
  assert.equal(waiting, 5, 'the stream and the pages did not wait for Redis');
  for (const answer of await Promise.all(late)) assert.deepEqual([answer.status, answer.json.source, answer.json.state], [200, 'memory', 'OK'], answer.text);
  assert.ok((await metric(gateway, 'redis_late_total')) >= 5);
  await until('Redis to be given up', async () => (await get(gateway, '/readyz')).json.redis !== 'READY');
  redis.program.kill('SIGCONT');
  await until('Redis to be back', async () => (await get(gateway, `/v1/last/XNAS/${symbol}`)).json.source === 'redis');
  assert.deepEqual(reader.faults, []);
  ingest.kill('SIGKILL');
  await until('the feed to be silent', async () => (await get(gateway, '/readyz')).status === 503);
  const stale = await get(gateway, `/v1/last/XNAS/${symbol}`);
  assert.deepEqual([stale.status, stale.json.state, stale.json.cause, stale.json.source], [200, 'STALE', 'FEED_SILENT', 'memory'], stale.text);
  await reader.close();
});

// tickwire-gateway's HTTP pages seen by fetch, a real Redis and a live feed: last values and where they come from, what a
// browser and a cache are told, and that the documents of the API say what is answered.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { Answers, asyncapiFaults, danglingReferences, openapiFaults, routes, schemasOf } from './lib/documents.mjs';
import { StreamClient, startGateway } from './lib/gateway.mjs';
import { LastValues } from './lib/last_value.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, Program, build, metricsUrl, startIngest, startTickwire, until } from './lib/programs.mjs';
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
  const to = `udp://127.0.0.1:${await freePort()}`;
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
  // Redis' row is of quotes and trades together: who may read one of them is not told when the other moved.
  const halves = await Promise.all(['quote', 'trade'].map((channel) => startGateway(nats, ['--redis', redis.url, '--metrics', '0', '--anonymous', `XNAS.*.${channel}`])));
  t.after(() => Promise.all(halves.map((one) => one.stop())));
  for (const one of halves) {
    const operators = await metricsUrl(one); // who then are told alone
    await until('Redis to be ready', async () => (await (await fetch(`${operators}/readyz`)).json()).redis === 'READY');
    assert.match(await (await fetch(`${operators}/metrics`)).text(), /^tickwire_gateway_redis_state 0$/m);
    assert.equal((await get(one, '/metrics')).status, 404);
    const ready = await get(one, '/readyz');
    assert.deepEqual(ready.json, { ready: ready.status === 200 });
  }
  let older = 0;
  for (const name of names) {
    const row = rows[`tw:last:XNAS:${name}`], [quote, trade] = await Promise.all(halves.map(async (one) => (await get(one, `/v1/last/XNAS/${encodeURIComponent(name)}`)).json));
    assert.deepEqual([quote.last, trade.bid, trade.ask, quote.bid, trade.last, quote.source, trade.source], [undefined, undefined, undefined, row.bid, row.last, 'bus', 'bus'], name);
    const seqs = [quote, trade].map((one) => BigInt(one.seq));
    assert.equal(seqs[0] > seqs[1] ? seqs[0] : seqs[1], BigInt(row.seq), name);
    older += seqs[0] !== seqs[1];
  }
  assert.ok(older > 0, 'some moved apart');
});

test('a Redis that hangs delays neither the stream nor other pages; a price whose feed is silent is not shown as live', async (t) => {
  const { nats, redis, gateway, client } = await sceneOf(t, ['--redis-deadline', '6s']);
  const { ingest } = await feedOf(t, nats, { messages: 20_000_000, rate: '5k' });
  const reader = await StreamClient.connect(gateway);
  await reader.subscribe(['XNAS.*.orderbook', 'XNAS.*.quote', 'XNAS.*.trade']);
  const symbol = await until('an instrument that trades', () =>
    [...reader.books.keys()].map((subject) => subject.split('.')[1]).find((name) => ['quote', 'trade'].every((channel) => reader.latest.has(`XNAS.${name}.${channel}`))));
  const live = await until('Redis to have it', async () => {
    const answer = await get(gateway, `/v1/last/XNAS/${symbol}`);
    return (await client.exists(`tw:last:XNAS:${symbol}`)) && answer.json; // the gateway may know newer ones itself
  });
  assert.equal(live.state, 'OK');
  await redis.program.freeze();
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
  await until('Redis to be back', async () => (await get(gateway, '/readyz')).json.redis === 'READY');
  assert.deepEqual(reader.faults, []);
  ingest.kill('SIGKILL');
  await until('the feed to be silent', async () => (await get(gateway, '/readyz')).status === 503);
  const stale = await get(gateway, `/v1/last/XNAS/${symbol}`);
  assert.deepEqual([stale.status, stale.json.state, stale.json.cause, stale.json.source], [200, 'STALE', 'FEED_SILENT', 'memory'], stale.text);
  await reader.close();
});

test('the documents are valid, name every path there is, and say what is answered and what comes', async (t) => {
  const nats = await NatsServer.start();
  const gateway = await startGateway(nats, ['--heartbeat', '100ms', '--handshake-timeout', '60s', '--origins', 'https://friend.example', '--anonymous', 'XNAS.>,feed.>,agg.>', '--reconnect-latest', '200ms', '--reconnect-earliest', '100ms']);
  const aggregator = new Program(aggregatorProgram, ['--nats', nats.url, '--redis', 'redis://127.0.0.1:1/0', '--log-format', 'json']); // of candles; no Redis there
  t.after(async () => {
    await Promise.all([aggregator.stop('SIGKILL'), gateway.stop()]);
    await nats.stop();
  });
  await aggregator.says(/"aggregator starts"/);
  // Compiling the schemas takes node seconds; a connection that is idle for --handshake-timeout is closed.
  const openapi = (await get(gateway, '/v1/openapi.json')).json, asyncapi = (await get(gateway, '/v1/asyncapi.json')).json;
  assert.equal(await openapiFaults(openapi), undefined);
  assert.equal(asyncapiFaults(asyncapi), undefined);
  assert.deepEqual([danglingReferences(openapi), danglingReferences(asyncapi)], [[], []]);
  assert.ok(await openapiFaults({ ...openapi, paths: { nothing: 1 } }) && asyncapiFaults({ ...asyncapi, channels: 1 }), 'the validators find faults');
  const paths = Object.keys(openapi.paths), routed = routes();
  assert.ok(routed.length >= 7);
  for (const [where, below] of routed) assert.ok(paths.some((one) => (below ? one.startsWith(where) : one === where)), `${where} is not in the document`);
  const elsewhere = ['/', '/v1/stream', '/v1/openapi.json', '/v1/asyncapi.json'];
  for (const one of paths)
    assert.ok(elsewhere.includes(one) || routed.some(([where, below]) => (below ? one.startsWith(where) : one === where)), `${one} is not routed`);

  const answers = new Answers(openapi), faults = [];
  const look = async (template, where, status, options = {}) => {
    const answer = await get(gateway, where, options);
    if (answer.status !== status) faults.push(`${where}: ${answer.status}, expected ${status}: ${answer.text.slice(0, 200)}`);
    else if (options.method !== 'HEAD') faults.push(answers.faultsOf(template, `${status}`, answer.headers, answer.text) ?? '');
    return answer;
  };
  const BOOK = '/v1/book/{mic}/{symbol}', LAST = '/v1/last/{mic}/{symbol}', LASTS = '/v1/last/{mic}', CANDLES = '/v1/candles/{mic}/{symbol}', SSE = '/v1/stream/sse';
  await look('/readyz', '/readyz', 503);
  await look(BOOK, '/v1/book/XNAS/NONE', 503); // nobody publishes yet
  await feedOf(t, nats, { messages: 8000, rate: '8k' });
  const seen = new Map(), told = schemasOf(asyncapi), wrong = [];
  const typeOf = Object.fromEntries(Object.entries(asyncapi.components.schemas).filter(([, schema]) => schema.properties?.type?.const).map(([name, schema]) => [schema.properties.type.const, name]));
  const reader = await StreamClient.connect(gateway, { onMessage: (message) => {
    seen.set(message.type, (seen.get(message.type) ?? 0) + 1);
    const fault = typeOf[message.type] ? told(typeOf[message.type], message) : 'no such message in the document';
    if (fault && wrong.length < 5) wrong.push(`${fault}: ${JSON.stringify(message).slice(0, 400)}`);
  } });
  const asked = [{ op: 'subscribe', subjects: ['XNAS.>', 'feed.>', 'agg.>'], depth: 5, interval_ms: 50, snapshot: true, id: 'a' }, { op: 'ping', id: 7 }, { op: 'unsubscribe', subjects: ['feed.>'] },
    { op: 'subscribe', subjects: ['feed.>'], resume: { 'XNAS.A.quote': { epoch: 'x', seq: '1', depth: 5 } } }, { op: 'auth', token: 'none' }];
  const requestOf = { subscribe: 'Subscribe', unsubscribe: 'Unsubscribe', ping: 'Ping', auth: 'Auth' };
  for (const request of asked) assert.equal(told(requestOf[request.op], request), undefined, JSON.stringify(request));
  assert.ok(told('Subscribe', { op: 'subscribe' }) && told('Book', { type: 'book' }), 'the schemas find faults');
  for (const request of [...asked, { op: 'subscribe', subjects: ['nonsense'], id: 9 }, { op: 'dance' }]) reader.send(request);
  const wanted = ['hello', 'ack', 'error', 'pong', 'book', 'quote', 'trades', 'status', 'feed', 'candle', 'nbbo'];
  await until(() => `all kinds of messages: ${[...seen.keys()]}`, () => wanted.every((type) => seen.has(type)));
  await until('the end of the day', () => reader.latest.get('feed.XNAS.1.status')?.state === 'CLOSED');
  await until('a heartbeat', () => seen.has('heartbeat'));

  const symbol = (await look('/v1/instruments', '/v1/instruments?exchange=XNAS', 200)).json.instruments[0].symbol;
  for (const [template, where, status, options] of [
    ['/healthz', '/healthz', 200], ['/readyz', '/readyz', 200], ['/metrics', '/metrics', 200], ['/v1/openapi.json', '/v1/openapi.json', 200], ['/v1/asyncapi.json', '/v1/asyncapi.json', 200],
    ['/', '/', 404], ['/v1/stream', '/v1/stream', 426],
    ['/v1/instruments', '/v1/instruments', 400], ['/v1/instruments', '/v1/instruments?exchange=XETR', 403],
    [BOOK, `/v1/book/XNAS/${symbol}?depth=3`, 200], [BOOK, `/v1/book/XNAS/${symbol}`, 200], [BOOK, '/v1/book/XNAS', 400], [BOOK, '/v1/book/XNAS/A?depth=0', 400], [BOOK, '/v1/book/XETR/SAP', 403], [BOOK, '/v1/book/XNAS/NOSUCH', 404],
    [LAST, `/v1/last/XNAS/${symbol}`, 200], [LAST, '/v1/last/XNAS/NOSUCH', 404], [LAST, '/v1/last/XETR/SAP', 403], [LAST, '/v1/last/xnas/A', 400], [LASTS, `/v1/last/XNAS?symbols=${symbol},NOSUCH`, 200], [LASTS, '/v1/last/XNAS', 400],
    [CANDLES, `/v1/candles/XNAS/${symbol}?interval=1s&limit=3`, 200], [CANDLES, `/v1/candles/agg/${symbol}`, 200], [CANDLES, '/v1/candles/XNAS/A?interval=2m', 400], [CANDLES, '/v1/candles/XETR/SAP', 403],
    [SSE, SSE, 400], [SSE, `${SSE}?subscribe=XNAS.*.quote&depth=51`, 400], [SSE, `${SSE}?subscribe=XNAS.*.quote&interval_ms=7000`, 400],
    ...['%0d%0aX:y', '%0aX:y', '%01', '%7f'].map((torn) => [BOOK, `/v1/book/XNAS/${symbol}${torn}`, 400]), [BOOK, `/v1/book/XNAS/${symbol}?depth=3%0d%0aX:y`, 400], [SSE, `${SSE}?subscribe=XETR.*.quote`, 403],
    ...['/healthz', '/readyz', '/metrics', '/v1/openapi.json', SSE].map((one) => [one, one, 405, { method: 'POST', body: 'x' }]),
    [BOOK, '/v1/book/XNAS/A', 405, { method: 'DELETE' }], ['/v1/stream', '/v1/stream', 405, { method: 'PUT' }],
    ['/nothing', '/healthz', 200, { method: 'HEAD' }], [BOOK, `/v1/book/XNAS/${symbol}`, 200, { method: 'HEAD' }],
  ]) await look(template, where, status, options);
  assert.deepEqual(faults.filter(Boolean), []);
  assert.ok(answers.seen.size >= 30, `${answers.seen.size} of the answers were seen`);

  assert.equal((await get(gateway, '/v1/stream')).headers.get('upgrade'), 'websocket');

  // Caches, and pages of other origins.
  const { headers } = await get(gateway, '/v1/openapi.json');
  assert.equal(headers.get('cache-control'), 'no-cache');
  const same = await get(gateway, '/v1/openapi.json', { headers: { 'if-none-match': headers.get('etag') } });
  assert.deepEqual([same.status, same.text, same.headers.get('etag')], [304, '', headers.get('etag')]);
  assert.equal(answers.faultsOf('/v1/openapi.json', '304', same.headers, same.text), undefined);
  assert.equal((await get(gateway, '/v1/openapi.json', { headers: { 'if-none-match': '"other"' } })).status, 200);
  assert.equal((await get(gateway, `/v1/book/XNAS/${symbol}`)).headers.get('cache-control'), 'no-store');
  assert.equal((await get(gateway, '/v1/instruments?exchange=XNAS')).headers.get('cache-control'), 'private, max-age=5');
  const preflight = (origin) => get(gateway, `/v1/book/XNAS/${symbol}`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' } });
  const friend = await preflight('https://friend.example'), foe = await preflight('https://foe.example');
  assert.deepEqual([friend.status, friend.headers.get('access-control-allow-origin'), friend.headers.get('access-control-max-age')], [204, 'https://friend.example', '600']);
  assert.match(friend.headers.get('access-control-allow-headers'), /Authorization/);
  assert.match(friend.headers.get('access-control-allow-methods'), /GET/);
  assert.deepEqual([foe.status, foe.headers.get('access-control-allow-origin'), foe.headers.get('access-control-allow-headers')], [204, null, null]);
  assert.ok([friend, foe].every((one) => /Origin/.test(one.headers.get('vary')) && one.headers.get('allow') === 'GET, HEAD, OPTIONS'));
  assert.equal((await get(gateway, '/nothing', { method: 'OPTIONS' })).status, 404);

  await gateway.stop();
  await reader.gone();
  assert.ok(seen.has('closing'));
  assert.deepEqual(wrong, []);
});

// tickwire-aggregator: what Redis holds is what the bus last said, for as long as it is good; and what happens while
// Redis, the bus, the feed or the aggregator itself is away.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { connect } from 'nats';
import * as itch from './lib/itch.mjs';
import { LastValues, decimal } from './lib/last_value.mjs';
import { MoldSender } from './lib/mold_sender.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, PATIENCE_MS, Program, aaplRecording, build, metricsUrl, root, run, simulatedFile, sleep, startIngest, startTickwire, until, without } from './lib/programs.mjs';
import { scrape } from './lib/prometheus.mjs';
import { RedisServer, lastValues, valuesAre } from './lib/redis_server.mjs';

const aggregatorProgram = path.join(build, 'publisher/aggregator/tickwire-aggregator');
const metricsOf = async (program) => scrape(await metricsUrl(program), 'tickwire_aggregator_');
const ready = async (program) => fetch(`${await metricsUrl(program)}/readyz`);

/** A bus and a Redis of a test's own; both end with it. */
async function scene(t, options) {
  const nats = await NatsServer.start(), redis = await RedisServer.start(options);
  t.after(() => Promise.all([nats.stop(), redis.stop()]));
  return { nats, redis, client: redis.program && !options?.settings ? await clientOf(t, redis) : null };
}
async function clientOf(t, redis) {
  const client = await redis.client();
  t.after(() => client.disconnect().catch(() => {}));
  return client;
}

function launch(nats, redis, settings = [], { env } = {}) {
  return new Program(aggregatorProgram, ['--nats', nats.url, '--log-format', 'json', '--metrics', '0',
    ...(redis ? ['--redis', redis.url] : []), ...settings], { env });
}
async function startAggregator(nats, redis, settings) {
  const program = launch(nats, redis, settings);
  await program.says(/"aggregator starts"/);
  return program;
}

/** A feed by hand over UDP, with heartbeats that go on. */
async function handFeed(t, nats) {
  const port = await freePort();
  const ingest = await startIngest(nats, ['--source', `udp://127.0.0.1:${port}`, '--session-date', '2020-01-30']);
  await ingest.says(/"listening"/);
  const sender = await MoldSender.open(port);
  const beat = setInterval(() => sender.raw(itch.heartbeat(sender.session, sender.next)), 200);
  t.after(async () => {
    clearInterval(beat);
    sender.socket.close();
    await ingest.stop();
  });
  return { ingest, sender };
}
async function oracleOf(t, nats) {
  const oracle = await LastValues.connect(nats);
  t.after(() => oracle.close());
  return oracle;
}
const opening = () => [itch.system('O'), itch.directory(1, 'AAPL'), itch.action(1, 'AAPL')];

/** A simulated exchange that goes on sending until it is stopped. */
async function liveFeed(t, nats, { symbols = 50, rate = 20_000 } = {}) {
  const port = await freePort();
  const to = `udp://127.0.0.1:${port}`;
  const ingest = await startIngest(nats, ['--source', to, '--session-date', '2020-01-30', '--silence', '1h']);
  await ingest.says(/"listening"/);
  const exchange = startTickwire('simulate', '--to', to, '--symbols', `${symbols}`, '--rate', `${rate}`, '--messages', '20000000',
    '--heartbeat', '100ms', '--seed', '81');
  t.after(() => Promise.all([ingest.stop(), exchange.stop('SIGKILL')]));
  return { ingest, exchange };
}

test('at the end of a day under load Redis holds the last quote and trade of every symbol, and keeps them', async (t) => {
  const { nats, redis, client } = await scene(t), listener = await clientOf(t, redis);
  const news = new Map(), bad = [];
  await listener.pSubscribe('tw:last:*', (text, channel) => {
    const row = JSON.parse(text), before = news.get(channel);
    if (before && BigInt(row.seq) < BigInt(before.seq)) bad.push(`${channel} went back from ${before.seq} to ${row.seq}`);
    news.set(channel, row);
  });
  const aggregator = await startAggregator(nats, redis, ['--expiry', '3s', '--interval', '5ms']); // a busy machine stands still for less
  const oracle = await oracleOf(t, nats);
  const port = await freePort();
  const ingest = await startIngest(nats, ['--source', `udp://127.0.0.1:${port}`, '--session-date', '2020-01-30']);
  await ingest.says(/"listening"/);
  const exchange = startTickwire('simulate', '--to', `udp://127.0.0.1:${port}`, '--symbols', '60', '--rate', '20000', '--messages', '50000', '--seed', '82');
  assert.equal(await exchange.end(), 0);
  await oracle.subscriber.feedIs({ state: 'BOOK_CLOSED' });
  assert.ok(oracle.quotes.size === 60 && oracle.trades.size > 20, `${oracle.quotes.size} quotes, ${oracle.trades.size} trades`);
  const seen = await valuesAre(client, () => oracle.expected('CLOSED'));
  await until('the channels to tell what the hashes hold', () => {
    assert.deepEqual([...news.keys()].filter((key) => !(key in seen)), []);
    return Object.keys(seen).every((key) => JSON.stringify(news.get(key), Object.keys(seen[key]).sort()) ===
      JSON.stringify(seen[key], Object.keys(seen[key]).sort()));
  });
  assert.deepEqual(bad, []);
  for (let i = 0; i < 45; i++) { // one and a half times the expiry
    await sleep(100);
    assert.equal(await client.dbSize(), 60);
  }
  assert.deepEqual(await lastValues(client), seen);
  const metrics = await metricsOf(aggregator);
  assert.ok(metrics.merged_total > 0 && metrics.rearmed_total >= 60);
  assert.ok(metrics.writes_total >= 60 && metrics.writes_total < metrics.changes_total);
  for (const name of ['writes_refused_total', 'writes_lost_total', 'malformed_total', 'gone_total', 'old_terms_total', 'symbols_in_doubt', 'rows_waiting'])
    assert.equal(metrics[name], 0, name);
  assert.deepEqual([metrics.symbols, metrics.feeds, metrics.feeds_ok, metrics.feeds_unsynced, metrics.redis_state, metrics.bus_connected], [60, 1, 1, 0, 0, 1]);
  assert.equal(await aggregator.stop(), 0, aggregator.stderr);
});

test('a recording, paced: Redis holds its last quote and trade', { skip: without(aaplRecording) }, async (t) => {
  const { nats, redis, client } = await scene(t);
  const aggregator = await startAggregator(nats, redis);
  const oracle = await oracleOf(t, nats);
  const ingest = await startIngest(nats, ['--source', `file:${aaplRecording}`, '--pace', '30000x', '--session-date', '2020-01-30', '--start-after', '300ms']);
  t.after(() => ingest.stop());
  await until('the recording to be over', async () => oracle.subscriber.feed?.messages >= 10_000n);
  const seen = await valuesAre(client, () => oracle.expected(oracle.subscriber.feed.state.replace('BOOK_', '')));
  assert.ok(seen['tw:last:XNAS:AAPL'].last && seen['tw:last:XNAS:AAPL'].bid);
  assert.equal((await metricsOf(aggregator)).malformed_total, 0);
  assert.equal(await aggregator.stop(), 0);
});

test('a quiet symbol keeps its price; when its feed dies it is marked at once and gone within the expiry', async (t) => {
  const { nats, redis, client } = await scene(t);
  const aggregator = await startAggregator(nats, redis); // 5 s, as shipped
  const feed = await handFeed(t, nats);
  await feed.sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1891200));
  const key = 'tw:last:XNAS:AAPL';
  const quiet = { bid: '189.1200', bid_size: '100', seq: '4', state: 'OK' };
  await until('the price', async () => (await client.hGet(key, 'bid')) === '189.1200');
  for (const end = performance.now() + 7000; performance.now() < end; await sleep(50)) {
    const ttl = await client.pTTL(key);
    assert.ok(ttl > 1000 && ttl <= 5000, `${ttl} ms are left`);
    const { event_ns: eventNs, ...row } = await client.hGetAll(key);
    assert.match(eventNs, /^15803\d{14}$/);
    assert.deepEqual({ ...row }, quiet);
  }
  feed.ingest.kill('SIGKILL');
  await until('the state to be STALE', async () => (await client.hGet(key, 'state')) === 'STALE');
  const GONE = -2; // as Redis tells it
  let left = 5000;
  await until('the key to be gone', async () => {
    const before = left;
    left = await client.pTTL(key);
    assert.ok(left === GONE || (left >= 0 && left <= before), `${left} ms are left, before it were ${before}: no one may re-arm them`);
    return left === GONE;
  });
  assert.equal(await aggregator.stop(), 0);
});

test('the last price is that of the last valid print, and a side that is empty has no field', async (t) => {
  const { nats, redis, client } = await scene(t);
  const aggregator = await startAggregator(nats, redis);
  const feed = await handFeed(t, nats);
  const { sender } = feed, key = 'tw:last:XNAS:BRK.B';
  const row = async () => { const { event_ns: _, ...rest } = await client.hGetAll(key); return { ...rest }; };
  let now;
  const becomes = (wanted) => until(() => `${JSON.stringify(wanted)}; it is ${JSON.stringify(now)}`, async () => {
    now = await row();
    return Object.keys({ ...now, ...wanted }).every((field) => now[field] === wanted[field]);
  });
  await sender.send(itch.system('O'), itch.directory(1, 'BRK.B'), itch.action(1, 'BRK.B'));
  await sender.send(itch.add(1, 'BRK.B', 1, 'B', 100, 2_000_000), itch.add(1, 'BRK.B', 2, 'B', 100, 1_990_000));
  await becomes({ bid: '200.0000', bid_size: '100', seq: '4', state: 'OK' });
  await sender.send(itch.execute(1, 1, 40, 7001));
  await becomes({ bid: '200.0000', bid_size: '60', last: '200.0000', last_size: '40', seq: '6', state: 'OK' });
  await sender.send(itch.execute(1, 1, 60, 7002), itch.execute(1, 2, 10, 7003));
  await becomes({ bid: '199.0000', bid_size: '90', last: '199.0000', last_size: '10', seq: '8', state: 'OK' });
  await sender.send(itch.broken(1, 7003));
  await becomes({ bid: '199.0000', bid_size: '90', last: '200.0000', last_size: '60', seq: '9', state: 'OK' });
  await sender.send(itch.broken(1, 7001));
  await becomes({ bid: '199.0000', bid_size: '90', last: '200.0000', last_size: '60', seq: '10', state: 'OK' });
  await sender.send(itch.broken(1, 7002), itch.remove(1, 2));
  await becomes({ seq: '12', state: 'OK' });
  await sender.send(itch.add(1, 'BRK.B', 3, 'S', 5, 2_100_000));
  await becomes({ ask: '210.0000', ask_size: '5', seq: '13', state: 'OK' });
  assert.equal(await aggregator.stop(), 0);
});

test('Redis absent at the start, restarted empty and paused under load: nothing waits for it, and all comes back', async (t) => {
  const { nats, redis } = await scene(t, { up: false });
  const aggregator = await startAggregator(nats, redis);
  const oracle = await oracleOf(t, nats);
  const { ingest, exchange } = await liveFeed(t, nats);
  await aggregator.says(/"Redis is away; values merge meanwhile"/);
  await until('quotes to be taken', async () => (await metricsOf(aggregator)).symbols >= 40);
  const away = await ready(aggregator);
  assert.equal(away.status, 503);
  assert.match((await away.json()).redis, /AWAY|CONNECTING/);
  assert.equal((await fetch(`${await metricsUrl(aggregator)}/healthz`)).status, 200);
  assert.ok((await metricsOf(aggregator)).merged_total > 0);

  await redis.launch();
  const client = await clientOf(t, redis);
  await until('all symbols to be in Redis', async () => (await client.dbSize()) >= 40);
  const there = await ready(aggregator);
  assert.deepEqual([there.status, (await there.json()).redis], [200, 'READY']);

  const { symbols } = await metricsOf(aggregator);
  for (let round = 0; round < 3; round++) {
    await redis.restart();
    await until('all symbols to be back', async () => (await client.dbSize().catch(() => 0)) >= symbols);
  }
  await client.sendCommand(['CLIENT', 'PAUSE', '1500']);
  const before = await metricsOf(aggregator);
  await until('changes to merge while Redis pauses', async () => {
    const now = await metricsOf(aggregator);
    assert.ok(now.rows_under_way <= 4096);
    return now.merged_total > before.merged_total + 500;
  });

  exchange.kill('SIGKILL'); // no end of session: the feed stays as it is
  await exchange.end();
  await valuesAre(client, () => oracle.expected('OK'));
  const after_ = await metricsOf(aggregator);
  assert.equal(after_.redis_connects_total, 4);
});

test('the bus restarted under load: values run out or are right, and are right soon after', async (t) => {
  const { nats, redis, client } = await scene(t);
  const file = simulatedFile('bus_away', { symbols: 30, messages: 60_000, seed: 84 });
  const aggregator = await startAggregator(nats, redis);
  const oracle = await oracleOf(t, nats);
  const ingest = await startIngest(nats, ['--source', `file:${file}`, '--pace', '6000x', '--session-date', '2020-01-30']);
  await until('values', async () => (await client.dbSize()) > 20);
  for (let round = 0; round < 2; round++) {
    await nats.restart();
    await aggregator.says(/"connected to the bus again"/);
    await sleep(300);
  }
  await oracle.subscriber.feedIs({ state: 'BOOK_CLOSED' });
  // A subscriber that missed messages is put right by snapshots, as the aggregator is.
  const expected = {};
  const quotes = await oracle.subscriber.many('snapshots.XNAS.quote', 'SnapshotReply');
  for (const quote of quotes.flatMap((reply) => reply.quotes)) expected[`tw:last:XNAS:${quote.symbol}`] = quote;
  await until(() => 'the quotes to be those of the snapshot', async () => {
    const seen = await lastValues(client);
    return Object.entries(expected).filter(([, quote]) => quote.seq > 0n).every(([key, quote]) => seen[key]?.state === 'CLOSED' &&
      seen[key].bid === (quote.bidPrice === undefined ? undefined : decimal(quote.bidPrice, quote.priceExponent)) &&
      seen[key].ask === (quote.askPrice === undefined ? undefined : decimal(quote.askPrice, quote.priceExponent)));
  });
  assert.equal((await metricsOf(aggregator)).symbols_in_doubt, 0);
});

test('a new leader and a second aggregator change nothing that a reader could see', async (t) => {
  const { nats, redis, client } = await scene(t);
  const file = simulatedFile('leaders', { symbols: 30, messages: 30_000, seed: 85 });
  const both = await Promise.all([startAggregator(nats, redis), startAggregator(nats, redis)]);
  const oracle = await oracleOf(t, nats);
  const bus = await connect({ servers: nats.url });
  t.after(() => bus.close());
  const said = [];
  const listening = bus.subscribe('XNAS.*.trade', { callback: (_, message) => said.push({ subject: message.subject, data: message.data.slice() }) });
  await bus.flush();
  const ingest = (term) => startIngest(nats, ['--source', `file:${file}`, '--session-date', '2020-01-30', '--term', `${term}`]);
  const first = await ingest(5);
  const seen = await valuesAre(client, () => oracle.expected('CLOSED'));
  await first.stop('SIGKILL');
  listening.unsubscribe();
  await ingest(6);
  await oracle.subscriber.feedIs((status) => status.term === 6n && status.state === 'BOOK_CLOSED');
  assert.deepEqual(await valuesAre(client, () => oracle.expected('CLOSED')), seen);
  for (const { subject, data } of said) bus.publish(subject, data); // the old leader wakes up and says it all again
  await until('its messages to be dropped', async () =>
    (await Promise.all(both.map(metricsOf))).every(({ old_terms_total: dropped }) => dropped >= said.length));
  assert.deepEqual(await lastValues(client), seen);
});

test('an aggregator killed at any moment leaves no key without an expiry, and a new one goes on', async (t) => {
  const { nats, redis, client } = await scene(t);
  const oracle = await oracleOf(t, nats);
  const { ingest, exchange } = await liveFeed(t, nats);
  for (let round = 0; round < 10; round++) {
    const aggregator = await startAggregator(nats, redis, ['--interval', '0s']);
    await until('values', async () => (await client.dbSize()) >= 40);
    await sleep(20 * round);
    await aggregator.stop('SIGKILL');
    for (const key of await client.keys('*')) assert.notEqual(await client.pTTL(key), -1, `${key} would stay for ever`);
    await client.flushAll();
  }
  await startAggregator(nats, redis, ['--interval', '0s']);
  for (;;) { // a newcomer is told an instrument's last print only: where that was a break, it can't know the print before
    await exchange.freeze();
    await oracle.quiet();
    if (!oracle.endsInBreaks()) break;
    exchange.kill('SIGCONT');
    await sleep(20);
  }
  exchange.kill('SIGKILL');
  await exchange.end();
  await valuesAre(client, () => oracle.expected('OK'));
});

test('SIGTERM: what waits is written first, then the process leaves; a Redis that is away holds nobody up', async (t) => {
  const { nats, redis, client } = await scene(t);
  const feed = await handFeed(t, nats);
  const aggregator = await startAggregator(nats, redis, ['--interval', '60s', '--expiry', '10m']);
  await feed.sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000));
  await until('the first row, at once', async () => (await client.hGet('tw:last:XNAS:AAPL', 'bid')) === '100.0000');
  await feed.sender.send(itch.add(1, 'AAPL', 2, 'B', 100, 1_010_000));
  await until('a row that waits', async () => (await metricsOf(aggregator)).rows_waiting === 1);
  assert.equal(await aggregator.stop(), 0);
  assert.equal(await client.hGet('tw:last:XNAS:AAPL', 'bid'), '101.0000');
  assert.match(aggregator.stderr, /"aggregator ends".*"unwritten":0/);

  const other = await startAggregator(nats, redis);
  await until('its values', async () => (await metricsOf(other)).writes_total > 0);
  await client.disconnect();
  await redis.stop();
  const asked = performance.now();
  assert.equal(await other.stop(), 0);
  assert.ok(performance.now() - asked < PATIENCE_MS / 3);
});

test('a server that does not let us in is told by its reason, without a secret, and believed when it does', async (t) => {
  const { nats, redis } = await scene(t, { settings: ['--requirepass', 'hushhush'] });
  const url = `redis://:wrongword@127.0.0.1:${redis.port}`;
  const aggregator = launch(nats, null, [], { env: { TICKWIRE_AGGREGATOR_REDIS: url } });
  await aggregator.says(/"Redis does not let us in; values merge meanwhile".*WRONGPASS/);
  assert.equal((await (await ready(aggregator)).json()).redis === 'READY', false);
  await until('the state', async () => (await metricsOf(aggregator)).redis_failures_total >= 2);
  assert.doesNotMatch(aggregator.stderr, /wrongword|hushhush/);
  assert.doesNotMatch(await (await fetch(`${await metricsUrl(aggregator)}/metrics`)).text(), /wrongword/);
  assert.equal(await aggregator.stop(), 0);
  const good = launch(nats, null, [], { env: { TICKWIRE_AGGREGATOR_REDIS: `redis://:hushhush@127.0.0.1:${redis.port}/2` } });
  await good.says(/"connected to Redis; all values are written"/);
  assert.equal(await good.stop(), 0);
});

test('a Redis user with the rights that docs/operations.md lists is enough, and any less is told', async (t) => {
  const rights = /needs `(\+multi [^`]*)`/.exec(readFileSync(path.join(root, 'docs/operations.md'), 'utf8'))[1].split(' ');
  const { nats, redis, client } = await scene(t);
  const feed = await handFeed(t, nats);
  await feed.sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000));
  const user = (name, granted) => client.sendCommand(['ACL', 'SETUSER', name, 'on', '>word', '~tw:last:*', '&tw:last:*', ...granted]);
  const url = (name) => `redis://${name}:word@127.0.0.1:${redis.port}/0`;
  await user('wire', rights);
  const aggregator = launch(nats, { url: url('wire') }, ['--expiry', '500ms', '--interval', '0s']);
  await until('re-arming', async () => { await aggregator.says(/starts/); return (await metricsOf(aggregator)).rearmed_total > 3; });
  assert.equal(await client.hGet('tw:last:XNAS:AAPL', 'bid'), '100.0000');
  assert.deepEqual(await metricsOf(aggregator).then(({ families }) => families.get('tickwire_aggregator_redis_errors_total').samples.filter(({ value }) => value > 0)), []);
  assert.equal(await aggregator.stop(), 0);
  for (const missing of rights.filter((right) => !/setname|select|hdel|^\+del/.test(right))) {
    const name = `no${missing.slice(1)}`;
    await user(name, rights.filter((right) => right !== missing));
    const other = launch(nats, { url: url(name) }, ['--expiry', '500ms', '--interval', '0s']);
    await other.says(/NOPERM/);
    await other.stop();
  }
});

test('a full Redis is told, counted, and filled when it has room', async (t) => {
  const { nats, redis, client } = await scene(t);
  const aggregator = await startAggregator(nats, redis, ['--expiry', '1s']);
  await client.configSet('maxmemory', '1');
  const feed = await handFeed(t, nats);
  await feed.sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000));
  await aggregator.says(/"Redis refuses a write".*OOM.*maxmemory/);
  const { families } = await metricsOf(aggregator);
  const kinds = families.get('tickwire_aggregator_redis_errors_total').samples;
  assert.ok(kinds.find((sample) => sample.labels.kind === 'memory').value > 0);
  await client.configSet('maxmemory', '0');
  await until('the value', async () => (await client.hGet('tw:last:XNAS:AAPL', 'bid')) === '100.0000');
  assert.equal(await aggregator.stop(), 0);
});

test('a setting that makes no sense is named, with what to do, before anything starts', async (t) => {
  const { nats } = await scene(t);
  for (const [settings, words] of [
    [['--redis', 'http://user:hush@cache'], /--redis: it does not start with redis:\/\//],
    [['--redis', 'redis://cache:99999'], /--redis: port '99999'/],
    [['--redis', 'rediss://cache'], /--redis: .*TLS/],
    [['--exchange', 'nasdaq'], /--exchange: 'nasdaq' is no exchange code/],
    [['--exchange', 'XNAS,,XBOS'], /--exchange: '' is no exchange code/],
    [['--expiry', '1ms'], /expiry/],
    [['--expirey', '5s'], /expiry/],
    [['--expiry', '1s', '--interval', '501ms'], /--interval is longer than half of --expiry/],
    [['--max-outstanding', '1'], /max-outstanding/],
    [['--metrics-address', 'somewhere', '--metrics', '0'], /somewhere/],
    [['XNAS'], /'XNAS' is not a setting/],
  ]) {
    const { status, stderr } = run(aggregatorProgram, ['--nats', nats.url, ...settings]);
    assert.equal(status, 2, `${settings}: ${status} ${stderr}`);
    assert.match(stderr, words);
    assert.doesNotMatch(stderr, /hush/);
  }
  const away = run(aggregatorProgram, ['--help']);
  assert.equal(away.status, 0);
  assert.match(away.stdout, /--expiry TIME/);
});

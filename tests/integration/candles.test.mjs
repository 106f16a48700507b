// Candles and best quotes: those that tickwire-aggregator publishes, that answer a request, and that the gateway shows are
// those that an oracle of its own makes of the prints that were on the bus.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import * as itch from './lib/itch.mjs';
import { CandleListener, INTERVALS, plainCandle } from './lib/candles.mjs';
import { StreamClient, startGateway } from './lib/gateway.mjs';
import { MoldSender } from './lib/mold_sender.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, Program, build, folder, metricsUrl, startIngest, startTickwire, tickwire, until } from './lib/programs.mjs';
import { scrape } from './lib/prometheus.mjs';
import { Subscriber } from './lib/subscriber.mjs';
import { decodeAs, encodeAs } from './lib/wire.mjs';

const aggregatorProgram = path.join(build, 'publisher/aggregator/tickwire-aggregator');
const metricsOf = async (program) => scrape(await metricsUrl(program), 'tickwire_aggregator_');

/** An aggregator without Redis: that is not what these tests are about. */
async function startAggregator(nats, settings = []) {
  const program = new Program(aggregatorProgram,
    ['--nats', nats.url, '--log-format', 'json', '--metrics', '0', '--redis', 'redis://127.0.0.1:1/0', '--partial', '20ms', ...settings]);
  await program.says(/"aggregator starts"/);
  return program;
}

/** A bus, and what listens on it. */
async function scene(t) {
  const nats = await NatsServer.start(), listener = await CandleListener.connect(nats);
  t.after(async () => {
    await listener.close();
    await nats.stop();
  });
  return { nats, listener };
}

/** A feed by hand over UDP, with heartbeats that go on. */
async function handFeed(t, nats, settings = []) {
  const port = await freePort();
  const ingest = await startIngest(nats, ['--source', `udp://127.0.0.1:${port}`, '--session-date', '2020-01-30', ...settings]);
  await ingest.says(/"listening"/);
  const sender = await MoldSender.open(port);
  const beat = setInterval(() => sender.raw(itch.heartbeat(sender.session, sender.next)), 100);
  t.after(async () => {
    clearInterval(beat);
    sender.socket.close();
    await ingest.stop();
  });
  return { ingest, sender };
}

const noon = 12n * 3600n * 1_000_000_000n, second = 1_000_000_000n; // since midnight, as the feed tells it
const noonUtc = BigInt(Date.parse('2020-01-30T17:00:00Z')) * 1_000_000n;
const decimal = (value) => `${value / 10000n}.${`${value % 10000n}`.padStart(4, '0')}`;
const shown = ({ start, open, high, low, close, volume, vwap, count }) => ({
  start_ns: `${start}`, open: decimal(open), high: decimal(high), low: decimal(low), close: decimal(close),
  volume: `${volume}`, vwap: decimal(vwap), count: Number(count), final: true });
const without = ({ revision, ...rest }) => (assert.ok(revision > 0), rest);

/** The first answer of an aggregator that is not busy. */
async function history(listener, name, intervalMs) {
  return until(`an answer about ${name}`, async () => {
    const reply = await listener.connection.request(`candles.${name}`, encodeAs('CandleRequest', { intervalMs }), { timeout: 5000 });
    const list = decodeAs('CandleList', reply.data);
    return list.code !== 'REPLY_BUSY' && list;
  });
}

async function get(gateway, target) {
  const answer = await fetch(gateway.url + target);
  return { status: answer.status, caching: answer.headers.get('cache-control'), body: await answer.json() };
}

test('a simulated day: candles on the bus, on the stream and over HTTP are those of its prints', async (t) => {
  const { nats, listener } = await scene(t);
  const witness = await Subscriber.connect(nats, ['XNAS.*.trade', 'feed.>']);
  const aggregator = await startAggregator(nats, ['--history', '100000']);
  const gateway = await startGateway(nats, ['--anonymous', 'XNAS.>,XBOS.>,agg.>,feed.>']);
  const client = await StreamClient.connect(gateway);
  const stream = new Map(); // subject -> Map start -> message
  await client.subscribe(['XNAS.*.candle.*', 'agg.>'], { interval_ms: 100 });
  const port = await freePort();
  const ingest = await startIngest(nats, ['--source', `udp://127.0.0.1:${port}`, '--session-date', '2020-01-30']);
  await ingest.says(/"listening"/);
  await until('the aggregator to know the feed', async () => (await metricsOf(aggregator)).feeds === 1);
  const exchange = startTickwire('simulate', '--to', `udp://127.0.0.1:${port}`, '--symbols', '8', '--rate', '6000', '--messages', '24000', '--seed', '7');
  t.after(() => Promise.all([exchange.stop('SIGKILL'), ingest.stop('SIGKILL'), gateway.stop(), aggregator.stop(), witness.close()]));
  assert.equal(await exchange.end(), 0);
  await witness.feedIs({ state: 'BOOK_CLOSED' });
  const prefixes = [...listener.tape.prints.keys()].flatMap((prefix) => [prefix, prefix.replace('XNAS', 'agg')]);
  assert.ok(prefixes.length >= 8, `${prefixes}`);
  const all = prefixes.flatMap((prefix) => Object.keys(INTERVALS).map((interval) => [`${prefix}.candle.${interval}`, listener.tape.candles(prefix, interval)]));
  const published = (subject) => listener.of(subject).filter(({ count }) => count > 0n);
  const settled = ([subject, oracle]) => published(subject).length === oracle.size && published(subject).every(({ final, startNs, count }) => final && oracle.get(startNs)?.count === count);
  await until(() => `all candles to be final: ${all.filter((one) => !settled(one)).map(([subject]) => subject)}`, () => all.every(settled));
  assert.deepEqual([witness.faults, witness.errors, listener.errors], [[], [], []]);
  let compared = 0;
  for (const [subject, oracle] of all) {
    assert.deepEqual(published(subject).map(plainCandle), [...oracle.values()], subject);
    assert.ok(published(subject).every(({ incomplete, priceExponent }) => !incomplete && priceExponent === -4), subject);
    compared += oracle.size;
  }
  const metrics = await metricsOf(aggregator);
  assert.ok(compared > 500 && metrics.candle_breaks_total > 0, `${compared} candles, ${metrics.candle_breaks_total} breaks`);
  assert.deepEqual([metrics.candle_prints_missed_total, metrics.candle_prints_refused_total, metrics.candles_incomplete_total, metrics.candle_breaks_unknown_total], [0, 0, 0, 0]);

  // The stream's client was given every last word, however it was conflated; but for those that a snapshot took the place of. How many those are
  // depends on how busy the machine is.
  const given = (subject, start) => stream.get(subject)?.get(`${start}`);
  const last = () => {
    stream.clear();
    const skippedTo = new Map();
    for (const message of client.messages.filter(({ type }) => type === 'candle')) {
      const { subject, start_ns: start } = message;
      if (!stream.has(subject)) stream.set(subject, new Map());
      if (message.snapshot) skippedTo.set(subject, BigInt(start));
      const mine = stream.get(subject).get(start);
      if (!mine || message.revision > mine.revision || (message.revision === mine.revision && message.final)) stream.get(subject).set(start, message);
    }
    const lacking = all.flatMap(([subject, oracle]) => [...oracle.values()].filter(({ start, count }) => !given(subject, start)?.final || given(subject, start).count !== Number(count)).map(({ start }) => ({ subject, start })));
    const skipped = lacking.filter(({ subject, start }) => start < (skippedTo.get(subject) ?? 0n));
    return { lacking, skipped, done: lacking.length === skipped.length };
  };
  await until(() => `the stream to have all candles; it lacks ${last().lacking.length}`, () => last().done);
  const { skipped } = last();
  assert.ok(skipped.length < compared / 2, `${skipped.length} of ${compared} candles were skipped`);
  for (const [subject, oracle] of all)
    for (const candle of oracle.values()) {
      if (skipped.some((one) => one.subject === subject && one.start === candle.start)) continue;
      const { start_ns, open, high, low, close, volume, vwap, count, final, interval, incomplete } = given(subject, candle.start);
      assert.deepEqual({ start_ns, open, high, low, close, volume, vwap, count, final }, shown(candle), subject);
      assert.deepEqual([interval, incomplete], [subject.split('.')[3], undefined]);
    }

  // Over HTTP, whole and in pages.
  for (const [subject, oracle] of all.filter(([name]) => /\.(1m|1d)$/.test(name))) {
    const [mic, token, , interval] = subject.split('.'), candles = [...oracle.values()].map(shown);
    const { status, caching, body } = await get(gateway, `/v1/candles/${mic}/${token}?interval=${interval}&limit=1000`);
    const worth = mic === 'agg' ? {} : { state: 'CLOSED', cause: 'END_OF_SESSION' }; // over all exchanges there is none
    assert.deepEqual([status, caching], [200, mic === 'agg' ? 'private, max-age=1' : 'no-store'], JSON.stringify(body));
    assert.deepEqual({ ...body, candles: body.candles.map(without) }, { subject, ...worth, interval_ms: Number(INTERVALS[interval] / 1_000_000n), candles: candles.slice(-1000) });
  }
  const seconds = all.filter(([subject]) => subject.endsWith('.1s')).sort(([, a], [, b]) => b.size - a.size)[0];
  const [mic, token] = seconds[0].split('.'), whole = [...seconds[1].values()].map(shown);
  const pages = [];
  for (let before = ''; ;) {
    const { body } = await get(gateway, `/v1/candles/${mic}/${token}?interval=1s&limit=100${before}`);
    pages.unshift(...body.candles);
    if (!body.more) break;
    before = `&before=${body.candles[0].start_ns}`;
  }
  assert.deepEqual(pages.map(without), whole);
  for (const [target, wanted] of [['/v1/candles/XNAS/NOSUCH', 404], ['/v1/candles/XBOS/AAPL', 404], ['/v1/candles/XPSX/AAPL', 403], ['/v1/candles/XNAS/AAPL?interval=2m', 400],
    ['/v1/candles/XNAS/AAPL?limit=0', 400], ['/v1/candles/XNAS', 400], ['/v1/candles/xnas/AAPL', 400], ['/v1/candles/agg/NOSUCH', 404]])
    assert.equal((await get(gateway, target)).status, wanted, target);
  assert.equal(await aggregator.stop(), 0);
  assert.equal((await get(gateway, '/v1/candles/XNAS/AAPL')).status, 503);
});

test('a break restates, a restart says that it missed something, and the next candle is whole again', async (t) => {
  const { nats, listener } = await scene(t);
  const aggregator = await startAggregator(nats);
  const { sender } = await handFeed(t, nats);
  const at = (seconds) => noon + BigInt(Math.round(seconds * 1000)) * 1_000_000n;
  const minute = (number) => noonUtc + BigInt(number) * 60n * second;
  const is = (subject, start, wanted) => until(() => `${subject} to be ${JSON.stringify(wanted)}; it is ${JSON.stringify(listener.candles.get(subject)?.get(start), (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`, () => {
    const candle = listener.candles.get(subject)?.get(start);
    return candle && Object.entries(wanted).every(([key, value]) => candle[key] === value);
  });
  await sender.send(itch.system('O', at(0)), itch.directory(1, 'BRK.B', at(0)), itch.action(1, 'BRK.B', 'T', '', at(0)));
  await sender.send(itch.add(1, 'BRK.B', 1, 'B', 1000, 2_000_000, at(1)), itch.add(1, 'BRK.B', 2, 'B', 1000, 1_990_000, at(1)), itch.add(1, 'BRK.B', 3, 'B', 1000, 1_980_000, at(1)));
  await sender.send(itch.execute(1, 1, 1000, 71, at(10)), itch.execute(1, 2, 300, 72, at(20)));
  const subject = 'XNAS.BRK%2EB.candle.1m', agg = 'agg.BRK%2EB.candle.1m';
  await is(subject, minute(0), { open: 2_000_000n, low: 1_990_000n, close: 1_990_000n, volume: 1300n, count: 2n, final: false, incomplete: false });
  await sender.send(itch.execute(1, 2, 100, 73, at(70)));
  await is(subject, minute(0), { final: true });
  const before = listener.candles.get(subject).get(minute(0)).revision;
  await sender.send(itch.broken(1, 71, at(71)));
  for (const one of [subject, agg]) await is(one, minute(0), { open: 1_990_000n, high: 1_990_000n, volume: 300n, vwap: 1_990_000n, count: 1n, final: true });
  assert.ok(listener.candles.get(subject).get(minute(0)).revision > before);
  await is('XNAS.BRK%2EB.candle.1d', noonUtc - 12n * 3600n * second, { open: 1_990_000n, volume: 400n, count: 2n, final: false });

  // A quiet feed's minute ends by its publisher's clock, and an open candle is told again for those who come late.
  const text = tickwire('tap', '--url', nats.url, '--json', '--count', '1', '--for', '20s', subject);
  assert.deepEqual([text.status, JSON.parse(text.stdout).type], [0, 'Candle'], text.stderr);

  assert.equal(await aggregator.stop(), 0);
  await sender.send(itch.execute(1, 2, 50, 74, at(80))); // nobody makes candles now
  const second_ = await startAggregator(nats);
  await until('it to know the feed', async () => { const now = await metricsOf(second_); return now.feeds === 1 && now.feeds_unsynced === 0; });
  await sender.send(itch.execute(1, 2, 10, 75, at(90)));
  await is(subject, minute(1), { volume: 10n, incomplete: true });
  await sender.send(itch.execute(1, 3, 10, 76, at(130)));
  await is(subject, minute(2), { volume: 10n, incomplete: false });
  await is('XNAS.BRK%2EB.candle.1d', noonUtc - 12n * 3600n * second, { volume: 20n, incomplete: true });
  const list = await history(listener, 'XNAS.BRK%2EB', 60_000);
  assert.deepEqual([list.code, list.symbol, list.more, list.candles.map(({ startNs, incomplete }) => [startNs, incomplete])],
    ['REPLY_OK', 'BRK.B', false, [[minute(1), true], [minute(2), false]]]);
  assert.equal((await history(listener, 'XNAS.BRK%2EB', 7)).code, 'REPLY_BAD_REQUEST');
  const broken = await listener.connection.request('candles.XNAS.BRK%2EB', new Uint8Array([255]), { timeout: 5000 });
  assert.equal(decodeAs('CandleList', broken.data).code, 'REPLY_BAD_REQUEST');

  // Where an answer goes is the asker's word, and what answers may publish everything: only inboxes get answers, from the ingest and from the aggregator.
  const heard = [], elsewhere = 'XNAS.BRK%2EB.bait';
  listener.connection.subscribe(elsewhere, { callback: (error, { data }) => heard.push(data) });
  const questions = ['candles.XNAS.BRK%2EB', 'snapshot.XNAS.BRK%2EB.quote', 'snapshots.XNAS.quote', 'instruments.XNAS'];
  for (const question of questions) listener.connection.publish(question, new Uint8Array(), { reply: elsewhere });
  for (const question of questions) await listener.connection.request(question, new Uint8Array(), { timeout: 20_000 }); // answered in order
  assert.equal(heard.length, 0);
  assert.deepEqual(listener.errors, []);
  assert.equal(await second_.stop(), 0);
});

test('an aggregator that is started beside another one knows what that one knows, and goes on when it dies', async (t) => {
  const { nats, listener } = await scene(t);
  const first = await startAggregator(nats);
  const { sender } = await handFeed(t, nats);
  const at = (seconds) => noon + BigInt(seconds) * second;
  const subjects = ['XNAS', 'agg'].flatMap((mic) => ['1m', '1d'].map((interval) => `${mic}.AAPL.candle.${interval}`));
  const counts = () => subjects.map((subject) => listener.of(subject).map(({ count }) => Number(count)).join());
  await sender.send(itch.system('O', at(0)), itch.directory(1, 'AAPL', at(0)), itch.action(1, 'AAPL', 'T', '', at(0)), itch.add(1, 'AAPL', 1, 'B', 1000, 2_000_000, at(1)));
  for (const [index, seconds] of [5, 65, 70].entries()) await sender.send(itch.execute(1, 1, 10, 81 + index, at(seconds)));
  await until(() => `three prints in candles: ${counts()}`, () => counts().join(' ') === '1,2 3 1,2 3');
  const other = await startAggregator(nats);
  await until('it to take what the first one has', async () => {
    const metrics = await metricsOf(other);
    return metrics.candles_adopted_total >= 2 * (3 + 2 + 1 + 1 + 1);
  });
  await other.says(/"candles were taken from another aggregator"/);
  await sender.send(itch.execute(1, 1, 10, 84, at(80)));
  await until(() => `the fourth: ${counts()}`, () => counts().join(' ') === '1,3 4 1,3 4');
  first.kill('SIGKILL');
  await first.ended;
  await sender.send(itch.execute(1, 1, 10, 85, at(90)));
  await until(() => `the fifth, of the other one alone: ${counts()}`, () => counts().join(' ') === '1,4 5 1,4 5');
  for (const subject of subjects) assert.ok(listener.messages.filter(([name]) => name === subject).every(([, { incomplete }]) => !incomplete), subject);
  for (const mic of ['XNAS', 'agg'])
    assert.deepEqual((await history(listener, `${mic}.AAPL`, 60_000)).candles.map(({ count, volume, final, incomplete }) => [count, volume, final, incomplete]), [[1n, 10n, true, false], [4n, 40n, false, false]]);
  assert.deepEqual(listener.errors, []);
  assert.equal(await other.stop(), 0);
});

test('two exchanges: the best of both, locked and crossed, and without the one that fails', async (t) => {
  const { nats, listener } = await scene(t);
  const aggregator = await startAggregator(nats, ['--refresh', '300ms', '--apart', 'TWEX']);
  const ledger = path.join(folder, 'two.jsonl');
  const gateway = await startGateway(nats, ['--anonymous', 'agg.>,feed.>', '--usage', ledger, '--usage-period', '1h']);
  t.after(() => gateway.stop());
  const client = await StreamClient.connect(gateway);
  await client.subscribe('agg.*.nbbo');
  const [a, b, apart] = await Promise.all([handFeed(t, nats), handFeed(t, nats, ['--exchange', 'XBOS']), handFeed(t, nats, ['--exchange', 'TWEX'])]);
  for (const { sender } of [a, b, apart]) await sender.send(itch.system('O'), itch.directory(1, 'AAPL'), itch.action(1, 'AAPL'));
  const pick = (one) => ({ bid: [one.bidPrice, one.bidQuantity, one.bidExchanges], ask: [one.askPrice, one.askQuantity, one.askExchanges], locked: one.locked, crossed: one.crossed, state: one.state, stale: one.venuesStale });
  const is = (wanted) => until(() => `the best to be ${wanted}; it is ${JSON.stringify(pick(listener.nbbo.get('AAPL') ?? {}), (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`, () => {
    const one = listener.nbbo.get('AAPL');
    if (!one) return false;
    const side = (price, quantity, exchanges) => (price === undefined ? '-' : `${price}x${quantity} ${exchanges}`);
    const flags = [one.locked && 'locked', one.crossed && 'crossed', one.state !== 'BOOK_OK' && one.state, one.venuesStale.length > 0 && `without ${one.venuesStale}`].filter(Boolean);
    return [`${side(one.bidPrice, one.bidQuantity, one.bidExchanges)} / ${side(one.askPrice, one.askQuantity, one.askExchanges)}`, ...flags].join(' ') === wanted;
  });
  await apart.sender.send(itch.add(1, 'AAPL', 1, 'B', 100, 5_000_000)); // which has prices of its own, and would be the best of all
  await a.sender.send(itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000), itch.add(1, 'AAPL', 2, 'S', 100, 1_010_000));
  await is('1000000x100 XNAS / 1010000x100 XNAS');
  await b.sender.send(itch.add(1, 'AAPL', 1, 'B', 300, 1_000_000), itch.add(1, 'AAPL', 2, 'S', 50, 1_005_000));
  await is('1000000x400 XBOS,XNAS / 1005000x50 XBOS');
  await a.sender.send(itch.add(1, 'AAPL', 3, 'B', 10, 1_005_000));
  await is('1005000x10 XNAS / 1005000x50 XBOS locked');
  await a.sender.send(itch.add(1, 'AAPL', 4, 'B', 10, 1_006_000));
  await is('1006000x10 XNAS / 1005000x50 XBOS crossed');
  const subject = 'agg.AAPL.nbbo';
  await until('the stream to show it', () => client.latest.get(subject)?.crossed);
  const { type, bid, bid_exchange, ask, ask_exchange, venues, venues_stale, state } = client.latest.get(subject);
  assert.deepEqual({ type, bid, bid_exchange, ask, ask_exchange, venues, venues_stale, state },
    { type: 'nbbo', bid: ['100.6000', '10'], bid_exchange: 'XNAS', ask: ['100.5000', '50'], ask_exchange: 'XBOS', venues: 2, venues_stale: undefined, state: 'OK' });
  b.ingest.kill('SIGKILL');
  await is('1006000x10 XNAS / 1010000x100 XNAS without XBOS');
  await until('the stream to say so', () => client.latest.get(subject)?.venues_stale?.join() === 'XBOS');

  // When the aggregator dies, what it said last is not shown as live.
  aggregator.kill('SIGKILL');
  await until('the stream to call it stale', () => client.latest.get(subject)?.state === 'STALE' && client.latest.get(subject).cause === 'FEED_SILENT');
  assert.deepEqual(client.latest.get(subject).bid, ['100.6000', '10']);
  const again = await startAggregator(nats, ['--refresh', '300ms', '--apart', 'TWEX']);
  await until('it to be live again', () => client.latest.get(subject)?.state === 'OK' && client.latest.get(subject).bid[0] === '100.6000');
  assert.deepEqual(listener.errors, []);
  assert.equal(await again.stop(), 0);
  // Who adds up the use of one exchange finds it, whichever that is.
  assert.equal(await gateway.stop(), 0, gateway.stderr);
  const lines = readFileSync(ledger, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map((line) => [line.exchange, line.subject]).sort(), [['XBOS', subject], ['XNAS', subject]]);
  assert.deepEqual([lines[0].updates, lines[0].bytes], [lines[1].updates, lines[1].bytes]);
});

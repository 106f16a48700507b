// One long day. Its leader is killed again and again; who was killed comes back as a standby, gets its books by GLIMPSE and
// the day's trade totals from the leader, and leads later. Receivers must not notice.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { NatsServer, sleep, until } from './lib/programs.mjs';
import { metricsOf, onStage, roleIs, roleOf, totalsOf } from './lib/stage.mjs';

const nats = await NatsServer.start({ jetstream: true }), apart = await NatsServer.start();
after(() => Promise.all([nats, apart].map((server) => server.stop())));

const KILLS = Number(process.env.TICKWIRE_KILLS ?? 6), SEED = Number(process.env.TICKWIRE_SEED ?? 1);
const RATE = 3000, ROUND = 12_000; // messages: four seconds, of which a round needs one or two on an idle machine

/** A day with GLIMPSE; returns the settings of its ingests. */
async function playWithGlimpse(stage, options) {
  const feed = await stage.play({ rate: `${RATE}`, wait: '4s', ...options, settings: ['--glimpse', '127.0.0.1:0'] });
  const [, address] = await feed.says(/GLIMPSE on (\S+:\d+)/);
  return ['--glimpse', `soup://test:test@${address}`, '--glimpse-backoff', '100ms', '--gap-deadline', '50ms'];
}

const isWhole = (ingest) => until(() => `a standby to be whole; it said ${ingest.stderr.slice(-3000)}`, async () => {
  const metrics = await metricsOf(ingest);
  return metrics.feed_state === 0 && metrics.totals_whole === 1 && (await roleOf(ingest)) === 'following' && metrics;
});

function endsWithTotals(stage) {
  return until(() => `the totals to be those of the day: ${JSON.stringify(totalsOf(stage.subscriber))} ${JSON.stringify(stage.day.totals)}`,
    () => JSON.stringify(totalsOf(stage.subscriber)) === JSON.stringify(stage.day.totals));
}

test(`kill -9 of the leader ${KILLS} times within one day (seed ${SEED}): who comes back by GLIMPSE leads with whole books and totals`, () => onStage(async (stage) => {
  let random = SEED;
  const next = (bound) => (random = (random * 1103515245 + 12345) % 2 ** 31) % bound;
  const settings = await playWithGlimpse(stage, { seed: 40 + SEED, messages: KILLS * ROUND });
  await stage.ingest(settings);
  await stage.ingest(['--standby', ...settings]);
  await stage.seqIs(1000n);
  const times = [];
  let rebuilt = 0;
  for (let round = 0; round < KILLS; round++) {
    const [leader, standby] = await stage.pair(), { term } = stage.subscriber.feed;
    rebuilt += (await isWhole(standby)).glimpse_rebuilds_total > 0;
    await sleep(next(400));
    if (stage.subscriber.feed.state === 'BOOK_CLOSED') break; // a slow machine
    const since = Date.now();
    leader.kill('SIGKILL');
    times.push(await stage.takeover(since, term));
    await stage.ingest(['--standby', ...settings]);
  }
  console.log(`# ${times.length} takeovers of ${KILLS}, ${rebuilt} by an ingest that came back; the longest took ${Math.max(...times)} ms`);
  assert.ok(rebuilt >= 2, `${rebuilt}`);
  await stage.subscriber.feedIs({ state: 'BOOK_CLOSED' }, 60_000 + (KILLS * ROUND * 2000) / RATE);
  await stage.endsRight();
  await endsWithTotals(stage);
}, { server: nats, apart }), { timeout: 600_000 });

test('who leads without having followed says from where its totals count; nobody takes them; the one before still has the whole', () => onStage(async (stage) => {
  const settings = await playWithGlimpse(stage, { seed: 90, messages: 40_000, rate: '2500' });
  const first = await stage.ingest(settings);
  await stage.seqIs(5000n);
  const second = await stage.ingest(settings); // no --standby
  await roleIs(first, 'following');
  await until(`the second to be OK; it said ${second.stderr}`, async () => (await metricsOf(second)).feed_state === 0);
  assert.deepEqual([(await metricsOf(second)).totals_whole, (await metricsOf(first)).totals_whole], [0, 1]);
  const { term } = stage.subscriber.feed;
  const told = await until('a print to be told', () => [...stage.subscriber.latest].find(([subject, one]) =>
    subject.endsWith('.trade') && one.term === term && one.prints.length > 0 && one.countedFromSeq > 0n)?.[1]);
  assert.ok(told.countedFromSeq > 5000n, `${told.countedFromSeq} ${told.seq}`);
  const third = await stage.ingest(['--standby', ...settings]);
  await third.says(/totals were not taken.*not whole/);
  assert.equal((await metricsOf(third)).totals_whole, 0);
  await third.stop('SIGKILL');
  second.kill('SIGKILL');
  await roleIs(first, 'leading');
  await stage.endsRight();
  await endsWithTotals(stage); // of the whole day
}, { server: nats, apart, lossless: false }));

// Two matchers of one shard under load: the leader is killed, frozen, asked to hand over; restarts begin with a snapshot of a folder, of
// the stream, of what is left when some are damaged. execlog has every report once, with the ids that were said live, and a subscriber who
// checks every message sees the venue's books as the reports make them.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { MIC, SMALL } from './lib/venue.mjs';
import { ACCOUNTS, onVenue, SYMBOLS } from './lib/venue_stage.mjs';
import { folder, sleep, tickwire, until } from './lib/programs.mjs';

const HANDOVERS = Number(process.env.TICKWIRE_HANDOVERS ?? 4);

test('kill -9, a frozen leader, handovers: nobody serves twice, nothing is lost or doubled, the ids are the same', () => onVenue(async (stage) => {
  const often = ['--hash-interval', '200ms'], hashes = await stage.desk.listen(`hash.${MIC}.1`, 'StateHash');
  await stage.matcher(often);
  await stage.matcher(often);
  await stage.desk.openVenue({ symbols: SYMBOLS, accounts: ACCOUNTS });
  const load = stage.load();
  await stage.more(100);

  let leader = await stage.leading(), term = stage.term(), since = Date.now();
  leader.kill();
  let { took } = await stage.takeover(term, since);
  console.log(`# serves ${took.toFixed(0)} ms after kill -9`);
  assert.ok(took < 5000);
  await stage.more(50);
  await stage.roleIs(await stage.matcher(often), 'following');

  leader = await stage.leading();
  term = stage.term();
  since = Date.now();
  leader.stopped = true;
  await leader.program.freeze();
  ({ took } = await stage.takeover(term, since));
  console.log(`# serves ${took.toFixed(0)} ms after SIGSTOP`);
  await stage.more(50);
  const before = stage.heartbeats.length;
  leader.program.kill('SIGCONT');
  leader.stopped = false;
  await leader.program.says(/follows: publishes and writes nothing/);
  await stage.more(50);
  assert.ok(!stage.heartbeats.slice(before).some((beat) => beat.term === term), 'it looked before it spoke');

  for (let round = 0; round < HANDOVERS; round++) {
    leader = await stage.leading();
    const other = stage.matchers.find((one) => one !== leader && one.program.status === undefined);
    await until('the standby to be level', async () => (await other.metrics()).seq >= stage.acknowledged.at(-1) - 50);
    term = stage.term();
    leader.program.kill('SIGUSR2');
    const { silence } = await stage.takeover(term, Date.now());
    console.log(`# handover: ${silence.toFixed(1)} ms between the last live report of one and the first of the other`);
    assert.ok(silence < 2000);
    await stage.roleIs(leader, 'following');
    await stage.more(30);
  }
  await load.stop();
  const reports = await stage.agrees();
  await until(() => `every report to have been said live, too; ${stage.unsaid(reports).length} were not`, () => stage.unsaid(reports).length === 0);
  assert.ok(reports.length > 1000);
  const states = await Promise.all(stage.matchers.filter(({ program }) => program.status === undefined).map((one) => one.metrics()));
  assert.ok(states.every((one) => one.hashes_different_total === 0 && one.hashes_alike_total > 0));
  // by the stream's time, too: at the same inputs, whoever leads and whoever began later, and the journal makes the same of them
  const timed = hashes.filter(({ seq }) => seq % 200n !== 0n), both = timed.filter((one) => timed.some((other) => other.seq === one.seq && other.instance !== one.instance));
  assert.ok(new Set(both.map(({ seq }) => seq)).size >= 3, `hashed between: ${timed.map(({ seq, instance }) => `${seq} ${instance}`)}`);
  assert.deepEqual(new Set(both.map(({ leader }) => leader)), new Set([true, false]));
  for (const { seq, hash } of both) assert.deepEqual(both.filter((other) => other.seq === seq && other.hash !== hash), []);
  const { seq, hash } = both.at(-1), verified = tickwire('journal', 'verify', '--url', stage.server.url, '--hash', `${seq}:${hash.toString(16)}`, ...SMALL);
  assert.match(verified.stdout, /^OK/m, verified.stdout + verified.stderr);
  assert.match(verified.stdout, / and [1-9]\d* states in /);
}, { seed: 1 }));

const snapshotsOf = (matcher) => readdirSync(matcher.folder).filter((name) => name.endsWith('.snapshot')).sort();
const volumeOf = (stage, symbol) => stage.subscriber.snapshot(`${MIC}.${symbol}.trade`).then(({ trades: [one] }) => [one.volume, one.printCount, one.countedFromSeq]);

test('a restart begins with a snapshot: of the folder, of the stream on a new machine, of an older one where the newest is damaged', () => onVenue(async (stage) => {
  const args = ['--snapshot-every', '300ms', '--snapshot-keep', '3'];
  let matcher = await stage.matcher(args);
  await stage.desk.openVenue({ symbols: SYMBOLS, accounts: ACCOUNTS });
  let load = stage.load();
  await until('three snapshots', () => snapshotsOf(matcher).length === 3);
  await stage.more(50);
  await load.stop();
  await stage.agrees();
  const volume = await volumeOf(stage, 'AAPL');
  assert.equal(volume[2], 0n);
  await matcher.kill();

  const restart = async (own, says) => {
    const next = await stage.matcher(args, own);
    const [, from] = await next.program.says(says);
    await next.leads();
    await stage.roleIs(next, 'leading');
    await until('the totals of the day', async () => (await volumeOf(stage, 'AAPL')).join() === volume.join());
    await next.kill();
    return Number(from);
  };
  const [older, , newest] = snapshotsOf(matcher).map((name) => Number(/-(\d{20})\./.exec(name)[1]));
  assert.equal(await restart(matcher.folder, /starts with a snapshot where=\/\S* seq=(\d+)/), newest);

  const elsewhere = mkdtempSync(path.join(folder, 'snapshots-'));
  assert.ok(await restart(elsewhere, /starts with a snapshot where="the stream[^"]*" seq=(\d+)/) >= newest);

  // the newest file is cut short, and the stream is full of rubbish behind half a snapshot
  for (const name of snapshotsOf(matcher).slice(1)) truncateSync(path.join(matcher.folder, name), 5000);
  const nowhere = stage.desk.connection;
  await (await nowhere.jetstreamManager()).streams.purge(`${MIC}-snapshots-1`);
  await stage.desk.publish(`venuesnapshot.${MIC}.1`, Uint8Array.from([1, 2, 3]));
  const damaged = await stage.matcher(args, matcher.folder);
  await damaged.program.says(/passed over where="the stream/);
  await damaged.program.says(/passed over where=\S*\.snapshot/);
  const [, from] = await damaged.program.says(/starts with a snapshot.* seq=(\d+)/);
  assert.ok(Number(from) >= older && Number(from) < newest);
  await damaged.leads();
  load = stage.load();
  await stage.more(30);
  await load.stop();
  await stage.agrees();
}, { seed: 2 }));

// A venue on three nats-servers, taken apart under load: kill -9 of matchers and of nats-servers. Afterwards execlog is, byte for byte,
// what the naive engine makes of the order stream, and every acknowledgement that was seen is in the stream.
//
// TICKWIRE_VENUE_KILLS=100 for a long run (scripts/venue-faults); TICKWIRE_VENUE_SEED for another order of events.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { connect } from 'nats';
import { NatsCluster } from './lib/nats_cluster.mjs';
import { build, folder, run, sleep, until } from './lib/programs.mjs';
import { Desk, MIC, Matcher } from './lib/venue.mjs';
import { dumpStream, Load, seeded } from './lib/venue_load.mjs';

const KILLS = Number(process.env.TICKWIRE_VENUE_KILLS ?? 2), SEED = Number(process.env.TICKWIRE_VENUE_SEED ?? 1);
const ACCOUNTS = ['ann', 'bob', 'cat', 'dan', 'eve', 'fay'], SYMBOLS = ['AAPL', 'MSFT', 'TSLA'];
const truth = path.join(build, 'tests/truth/venue_truth');

/** One of two matchers: killed and started again, with the same folder of snapshots. */
class Place {
  constructor(cluster, name) {
    Object.assign(this, { cluster, name, args: ['--replicas', '3', '--hash-every', '500', '--snapshot-every', '2s',
      '--snapshots', path.join(folder, `snapshots-${name}`)] });
  }

  async start(says) {
    this.matcher = await Matcher.start(this.cluster, { args: this.args, says });
  }

  async role() {
    return (await this.matcher.ready().catch(() => ({}))).role;
  }
}

const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];

class Scene {
  async build() {
    this.random = seeded(SEED);
    this.kills = [];
    this.cluster = await NatsCluster.start();
    this.places = [new Place(this.cluster, 'left'), new Place(this.cluster, 'right')];
    await this.places[0].start(/leads: publishes/);
    await this.places[1].start(/reads its streams/);
    this.desk = await Desk.open({ url: this.cluster.urls });
    await this.desk.openVenue({ symbols: SYMBOLS, accounts: ACCOUNTS });
    this.ears = await connect({ servers: this.cluster.urls, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
    this.reportTimes = [];
    this.ears.subscribe('exec.>', { callback: () => this.reportTimes.push(performance.now()) });
    this.load = await Load.start(this.cluster.urls, { accounts: ACCOUNTS, symbols: SYMBOLS, seed: SEED,
      subject: (account, symbol, random) => (random.odds(0.7) ? `orders.${MIC}.1.${account}.${symbol}` : `orderbatch.${MIC}.1`) });
  }

  async leaderOf(word) {
    const manager = await this.desk.connection.jetstreamManager({ timeout: 5000 });
    return (await manager.streams.info(`${MIC}-${word}-1`)).cluster.leader;
  }

  /** All replicas of all streams are there and have everything: then the next server may go. */
  async level() {
    await this.cluster.whole();
    await until('all replicas to be level', async () => {
      try {
        const manager = await this.desk.connection.jetstreamManager({ timeout: 2000 });
        for (const word of ['orders', 'execlog']) {
          const { cluster } = await manager.streams.info(`${MIC}-${word}-1`);
          if (!cluster.leader || cluster.replicas.length !== 2 || !cluster.replicas.every(({ current, offline }) => current && !offline)) return false;
        }
        return true;
      } catch {
        return false;
      }
    }, 60_000);
  }

  async killMatcher(what) {
    const roles = await Promise.all(this.places.map((place) => place.role()));
    const place = this.places[Math.max(0, roles.indexOf(what === 'leader' ? 'leading' : 'following'))];
    const since = performance.now();
    await place.matcher.kill();
    await sleep(1000 * this.random.next());
    await place.start(null);
    return since;
  }

  async killServer(word) {
    const name = word === 'any' ? this.cluster.nodes[this.random.below(3)].name : await this.leaderOf(word);
    const node = this.cluster.node(name), since = performance.now();
    await node.kill();
    await sleep(500 + 1500 * this.random.next());
    node.start();
    return since;
  }

  /** Orders go in and reports come out: after whatever was killed last. */
  async serves() {
    const acknowledged = this.load.acknowledged.length, reports = this.reportTimes.length;
    await until('orders and reports to flow again', () => this.load.acknowledged.length > acknowledged + 20 && this.reportTimes.length > reports + 20, 60_000);
  }

  async kill(what) {
    const server = what.startsWith('server');
    const since = await (server ? this.killServer(what.split(' ')[1]) : this.killMatcher(what.split(' ')[1]));
    await this.serves();
    await this.level();
    this.kills.push({ what, since, until: performance.now() });
  }

  /** The longest time without a report in a window. */
  silence(from, to) {
    const times = [from, ...this.reportTimes.filter((time) => time > from && time < to), to];
    return Math.max(...times.slice(1).map((time, i) => time - times[i]));
  }

  tell() {
    for (const what of [...new Set(this.kills.map((kill) => kill.what))]) {
      const kills = this.kills.filter((kill) => kill.what === what);
      const waits = kills.map(({ since, until: end }) => this.load.longestWait(since, end)), silences = kills.map(({ since, until: end }) => this.silence(since, end));
      const text = (values) => `median ${Math.round(quantile(values, 0.5))} ms, longest ${Math.round(Math.max(...values))} ms`;
      console.log(`# ${what}, ${kills.length} times: the longest wait for an acknowledgement ${text(waits)}; the longest time without a report ${text(silences)}`);
    }
  }

  async journaled() {
    const manager = await this.desk.connection.jetstreamManager({ timeout: 10_000 });
    const { state } = await manager.streams.info(`${MIC}-orders-1`);
    await until('execlog to have all', async () => {
      const numbers = await Promise.all(this.places.map((place) => place.matcher.metrics().catch(() => ({}))));
      return numbers.every(({ journaled_seq: seq }) => seq >= state.last_seq);
    }, 60_000);
  }

  async end() {
    await this.load.close();
    await this.ears.close();
    await this.desk.close();
    await Promise.all(this.places.map((place) => place.matcher.kill()));
    await this.cluster.stop();
  }
}

/** What was acknowledged and is not where it was said to be: the server's own loss. */
function lost(acknowledged, held) {
  return acknowledged.filter(({ seq, subject, hash }) => held.get(seq)?.hash !== hash || held.get(seq)?.subject !== subject);
}

test(`${KILLS} kills -9 under load on a cluster: execlog is what the naive engine makes of the orders, and no acknowledged order is missing`, async () => {
  const scene = new Scene(), began = performance.now();
  await scene.build();
  await scene.serves();
  const plan = KILLS <= 2 ? ['server orders', 'matcher leader'] : ['matcher leader', 'server orders', 'server execlog', 'matcher standby', 'server any'];
  for (let i = 0; i < KILLS; i++) {
    await scene.kill(plan[i % plan.length]);
    if (KILLS > 2) console.log(`# ${i + 1} of ${KILLS}: ${plan[i % plan.length]}, ${scene.load.acknowledged.length} orders acknowledged`);
  }
  await scene.load.stop();
  await scene.journaled();
  for (const place of scene.places) assert.equal((await place.matcher.metrics()).hashes_different_total, 0);
  const files = ['orders', 'execlog'].map((word) => path.join(folder, `${word}.dump`));
  const orders = await dumpStream(scene.desk.connection, `${MIC}-orders-1`, files[0]);
  await dumpStream(scene.desk.connection, `${MIC}-execlog-1`, files[1]);
  const { status, stdout, stderr } = run(truth, files);
  scene.tell();
  const missing = lost(scene.load.acknowledged, orders.held);
  console.log(`# ${stdout.trim()}; ${scene.load.acknowledged.length} acknowledgements, ${scene.load.attempts - scene.load.acknowledged.length} sent again, ${missing.length} lost by the server; ${Math.round((performance.now() - began) / 1000)} s`);
  assert.equal(status, 0, stderr);
  assert.deepEqual(missing.map(({ seq }) => seq), [], 'acknowledged and lost by nats-server itself');
  await scene.end();
});

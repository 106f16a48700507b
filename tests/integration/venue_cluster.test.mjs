// A venue on three nats-servers, taken apart under load: kill -9 of matchers, of gateways and of nats-servers. Afterwards execlog is, byte
// for byte, what the naive engine makes of the order stream, every acknowledgement that was seen is in the stream, and what the clients of
// the gateways were told is what execlog has.
//
// TICKWIRE_VENUE_KILLS=100 for a long run (scripts/venue-faults); TICKWIRE_VENUE_SEED for another order of events.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { connect } from 'nats';
import { NatsCluster } from './lib/nats_cluster.mjs';
import { build, folder, run, sleep, until } from './lib/programs.mjs';
import { Desk, MIC, Matcher } from './lib/venue.mjs';
import { GatewayPlace, HttpSender, judge, StreamSender } from './lib/venue_gateways.mjs';
import { dumpStream, Load, seeded } from './lib/venue_load.mjs';

const KILLS = Number(process.env.TICKWIRE_VENUE_KILLS ?? 3), SEED = Number(process.env.TICKWIRE_VENUE_SEED ?? 1);
const ACCOUNTS = ['ann', 'bob', 'cat', 'dan', 'eve', 'fay'], SYMBOLS = ['AAPL', 'MSFT', 'TSLA'];
const STREAMING = ['gus', 'hal', 'ivy', 'joe'], POSTING = ['kim', 'leo']; // accounts of clients of the gateways
const SESSION_TIMEOUT_MS = 15_000; // longer than JetStream is without a leader
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

  /** Its metrics, as soon as it gives them. That it does not at some moment is no fault, but said. */
  numbers() {
    return until(`the metrics of ${this.name}`, () => this.matcher.metrics().catch((error) => {
      console.log(`# ${this.name} gave no metrics, asked again: ${error.cause?.message ?? error.message}`);
      return sleep(200);
    }));
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
    await this.desk.openVenue({ symbols: SYMBOLS, accounts: [...ACCOUNTS, ...STREAMING, ...POSTING] });
    this.ears = await connect({ servers: this.cluster.urls, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
    this.reportTimes = [];
    this.ears.subscribe('exec.>', { callback: () => this.reportTimes.push(performance.now()) });
    this.load = await Load.start(this.cluster.urls, { accounts: ACCOUNTS, symbols: SYMBOLS, seed: SEED,
      subject: (account, symbol, random) => (random.odds(0.7) ? `orders.${MIC}.1.${account}.${symbol}` : `orderbatch.${MIC}.1`) });
    await this.openGateways();
  }

  async openGateways() {
    const settings = ['--venue', MIC, '--order-rate', '0', '--order-timeout', '1s', '--session-timeout', `${SESSION_TIMEOUT_MS}ms`, '--anonymous-accounts', [...STREAMING, ...POSTING].join()];
    this.gateways = await Promise.all(['east', 'west'].map((name) => GatewayPlace.start(this.cluster, name, settings)));
    const sender = (kind) => (account, i) => new kind({ name: account, account, symbols: SYMBOLS, places: this.gateways, seed: 100 * SEED + i });
    this.senders = [...STREAMING.map(sender(StreamSender)), ...POSTING.map(sender(HttpSender))].map((one) => one.start());
    this.streaming = this.senders.filter(({ executions }) => executions);
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

  async killGateway() {
    const rests = (place) => this.streaming.some((sender) => sender.restsAt(place));
    await until('orders that rest as long as their gateway lives', () => this.gateways.some(rests)); // after a kill all may be at the other one
    const places = this.gateways.filter(rests), place = places[this.random.below(places.length)];
    const since = performance.now();
    await place.kill();
    await sleep(1000 * this.random.next());
    await place.start();
    return since;
  }

  /** Orders go in and reports come out, directly and by the gateways: after whatever was killed last. */
  async serves() {
    const counts = () => [this.load.acknowledged.length / 10, this.reportTimes.length / 10, ...this.senders.map(({ acknowledged }) => acknowledged.length),
      ...this.streaming.map(({ executions }) => executions.length)];
    const before = counts();
    await until(() => `orders and reports to flow again: ${before}, ${counts()}\n${this.lastWords()}`, () => counts().every((count, i) => count > before[i] + 2), 60_000);
  }

  /** What the matchers have said last, for whoever looks for the cause of a failure. */
  lastWords() {
    return this.places.map(({ name, matcher }) => `${name}: ${matcher.program.stderr.split('\n').slice(-40).join('\n')}`).join('\n');
  }

  async kill(what) {
    const [kind, which] = what.split(' ');
    const since = await (kind === 'server' ? this.killServer(which) : kind === 'gateway' ? this.killGateway() : this.killMatcher(which));
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
      const waits = kills.map(({ since, until: end }) => longestWait(this.load.waits, since, end)), silences = kills.map(({ since, until: end }) => this.silence(since, end));
      const byGateway = kills.map(({ since, until: end }) => Math.max(...this.senders.map((sender) => longestWait(sender.waits, since, end))));
      const refused = new Set(kills.flatMap(({ since, until: end }) => this.senders.flatMap(({ waits }) => during(waits, since, end).flatMap((wait) => [...wait.refused]))));
      const text = (values) => `median ${Math.round(quantile(values, 0.5))} ms, longest ${Math.round(Math.max(...values))} ms`;
      console.log(`# ${what}, ${kills.length} times: the longest wait for an acknowledgement ${text(waits)}; by a gateway ${text(byGateway)}${refused.size > 0 ? ` (${[...refused].join(', ')})` : ''}; the longest time without a report ${text(silences)}`);
    }
  }

  async journaled() {
    const manager = await this.desk.connection.jetstreamManager({ timeout: 10_000 });
    const { state } = await manager.streams.info(`${MIC}-orders-1`);
    await until('execlog to have all', async () => {
      const numbers = await Promise.all(this.places.map((place) => place.numbers()));
      return numbers.every(({ journaled_seq: seq }) => seq >= state.last_seq);
    }, 60_000);
  }

  /** Every report of the account is in execlog and with its client, and no order is left that belongs to a session. */
  async settled() {
    await Promise.all(this.streaming.map((sender) => sender.stays()));
    await Promise.all(this.streaming.map((sender) => sender.leave()));
    const rest = async (account) => {
      for (let after = 0n; ;) {
        const page = await this.desk.ask({ kind: 'QUERY_ORDERS', account, after });
        if (page.orders.some(({ session }) => session !== 0n)) return true;
        if (!page.more) return false;
        after = page.next;
      }
    };
    for (const { account } of this.streaming) await until(`the orders of the sessions of ${account} to be cancelled`, async () => !(await rest(account)), 2 * SESSION_TIMEOUT_MS + 60_000);
    await this.journaled();
    await Promise.all(this.streaming.map((sender) => sender.stays())); // what came to be while nobody was there is told now
  }

  /** After a failure, too: then something may still be under way. */
  async end() {
    for (const sender of this.senders ?? []) sender.stop();
    await Promise.all([...(this.streaming ?? []).map((sender) => sender.leave()), ...(this.gateways ?? []).map((place) => place.kill())]);
    await Promise.all([this.load, this.ears, this.desk].map((one) => one?.close()));
    await Promise.all((this.places ?? []).map((place) => place.matcher?.kill()));
    await this.cluster?.stop();
  }
}

/** Of orders that were under way at some time between the two, and the longest. */
const during = (waits, from, to) => waits.filter(({ began, ms }) => began < to && began + ms > from);
const longestWait = (waits, from, to) => Math.max(0, ...during(waits, from, to).map(({ ms }) => ms));

/** What was acknowledged and is not where it was said to be: the server's own loss. */
function lost(acknowledged, held) {
  return acknowledged.filter(({ seq, subject, hash }) => held.get(seq)?.hash !== hash || held.get(seq)?.subject !== subject);
}

test(`${KILLS} kills -9 under load on a cluster: execlog is what the naive engine makes of the orders, no acknowledged order is missing, clients were told what happened`, async (t) => {
  const scene = new Scene(), began = performance.now();
  t.after(() => scene.end());
  await scene.build();
  await scene.serves();
  const plan = KILLS <= 3 ? ['gateway', 'server orders', 'matcher leader'] : ['matcher leader', 'gateway', 'server orders', 'server execlog', 'gateway', 'matcher standby', 'server any'];
  for (let i = 0; i < KILLS; i++) {
    await scene.kill(plan[i % plan.length]);
    if (KILLS > 3) console.log(`# ${i + 1} of ${KILLS}: ${plan[i % plan.length]}, ${scene.load.acknowledged.length} orders acknowledged, ${scene.senders.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)} by gateways`);
  }
  await Promise.all([scene.load.stop(), ...scene.senders.map((sender) => sender.stop())]);
  await scene.settled();
  for (const place of scene.places) assert.equal((await place.numbers()).hashes_different_total, 0);
  const files = Object.fromEntries(['orders', 'execlog'].map((word) => [word, path.join(folder, `${word}.dump`)]));
  const orders = await dumpStream(scene.desk.connection, `${MIC}-orders-1`, files.orders);
  await dumpStream(scene.desk.connection, `${MIC}-execlog-1`, files.execlog);
  const { status, stdout, stderr } = run(truth, [files.orders, files.execlog]);
  scene.tell();
  const missing = lost(scene.load.acknowledged, orders.held);
  console.log(`# ${stdout.trim()}; ${scene.load.acknowledged.length} acknowledgements, ${scene.load.attempts - scene.load.acknowledged.length} sent again, ${missing.length} lost by the server; ${Math.round((performance.now() - began) / 1000)} s`);
  let verdict;
  await until(() => `clients of the gateways to have been told everything: ${verdict.faults.slice(0, 5).join('\n')}`, async () => {
    verdict = judge(scene.senders, files);
    return verdict.faults.length === 0 || sleep(1000);
  }).catch(() => {});
  console.log(`# clients of the gateways: ${JSON.stringify(verdict.figures)}`);
  assert.equal(status, 0, stderr);
  assert.deepEqual(missing.map(({ seq }) => seq), [], 'acknowledged and lost by nats-server itself');
  assert.deepEqual(verdict.faults.slice(0, 20), []);
  assert.ok(verdict.figures.lost > 0 && verdict.figures.delivered > 0);
});

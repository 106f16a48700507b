// Reports that were missed while both matchers and the gateway were killed and started again: read in execlog, once each, in order; held against
// execlog as npm's nats reads it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { StreamClient, startGateway } from './lib/gateway.mjs';
import { NatsServer, root, until } from './lib/programs.mjs';
import { parsePrometheus } from './lib/prometheus.mjs';
import { Desk, Matcher, checkExeclog, limit } from './lib/venue.mjs';

// Each with the rights that the example gives it.
for (const user of ['PLATFORM', 'GATEWAY', 'ANN', 'BOB']) process.env[`${user}_PASSWORD`] = `of-${user.toLowerCase()}`;
const config = readFileSync(path.join(root, 'docs/examples/venue-nats.conf'), 'utf8').replace('jetstream: enabled', '');
const server = await NatsServer.start({ jetstream: true, config });
const as = (user) => ({ url: server.url.replace('//', `//${user}:of-${user}@`) });
const desk = await Desk.open(server, { user: 'platform', pass: 'of-platform' });
const PAIRS = 1200; // several times what may wait for a client

/** Orders that meet: two reports each for ann and bob; returns the stream's sequence. */
const trade = (pairs, price = 10_000) => desk.orders(Array.from({ length: pairs }, () => [limit('ann', 'buy', 1, price), limit('bob', 'sell', 1, price)]).flat());
const startMatcher = () => Matcher.start(as('platform'), { args: ['--snapshot-every', '100ms'] });
const gatewayOf = (more = []) => startGateway(as('gateway'), ['--venue', 'TWEX', '--order-rate', '0', '--anonymous-accounts', 'ann,bob,ghost', ...more]);
const metric = async (gateway, name) => parsePrometheus(await (await fetch(`${gateway.url}/metrics`)).text()).get(`tickwire_gateway_orders_${name}`).samples[0].value;

class Trader {
  static async connect(gateway, account, resume) {
    const client = await StreamClient.connect(gateway), subject = `exec.${account}`;
    await client.subscribe(subject, { ...(resume && { resume: { [subject]: { 1: resume } } }) });
    return Object.assign(new Trader(), { client, account });
  }

  get reports() {
    return this.client.messages.filter(({ type }) => type === 'execution');
  }

  get ids() {
    return this.reports.map(({ execution_id: id }) => id);
  }

  /** The position to come back with. */
  get position() {
    const { seq, n } = this.reports.at(-1);
    return { seq, n };
  }

  async has(id) {
    await until(() => `${this.account} to have ${id}; it has ${this.reports.length}, the last ${this.ids.at(-1)}; ${JSON.stringify(this.client.closed)}`, () => this.ids.at(-1) === id);
  }
}

const execlog = async () => checkExeclog(await desk.execlog()).reports.map((one) => ({ ...one, id: `1-${one.seq}-${one.n}` }));
const of = (reports, account) => reports.filter(({ name }) => name === account);

test('what was missed while both matchers and the gateway were killed comes from execlog, each report once and in order, and live ones behind it', async (t) => {
  let matchers = [await startMatcher(), await startMatcher()];
  await desk.openVenue();
  let gateway = await gatewayOf();
  const before = await Trader.connect(gateway, 'ann'), other = await Trader.connect(gateway, 'bob');
  let seq = await trade(3);
  for (const one of [before, other]) await until(`${one.account}'s first trades`, () => one.reports.filter((report) => report.kind === 'FILL').length === 3);
  const had = new Map([before, other].map((one) => [one.account, one.ids.at(-1)]));
  await before.client.close();
  await other.client.close();
  await desk.orders(['g1', 'g2'].map((id) => limit('ghost', 'buy', 1, 10_000, { clientOrderId: id }))); // whom the venue does not know

  for (let i = 0; i < 3; i++) seq = await trade(PAIRS / 3);
  await until('a snapshot of all that', async () => (await Promise.all(matchers.map((one) => one.metrics()))).some(({ snapshot_seq: at }) => at >= seq));
  for (const one of matchers) await desk.journaled(one, seq);
  gateway.kill('SIGKILL');
  await Promise.all([gateway.ended, ...matchers.map((one) => one.kill())]);
  matchers = [await startMatcher(), await startMatcher()];
  gateway = await gatewayOf();
  t.after(() => Promise.all([gateway.stop('SIGKILL'), ...matchers.map((one) => one.kill())]));
  const asked = await desk.ask({ kind: 'QUERY_EXECUTIONS', account: 'ann', after: BigInt(before.position.seq) });
  assert.match(asked.detail, /older ones are in execlog/, 'no matcher has them');

  // Both come back at once, and others that want the same, while it goes on.
  const back = await Promise.all([Trader.connect(gateway, 'ann', before.position), Trader.connect(gateway, 'bob', other.position), Trader.connect(gateway, 'ann', before.position)]);
  for (let i = 0; i < 20; i++) seq = await trade(5);
  for (const one of matchers) await desk.journaled(one, seq);
  const log = await execlog(), ghost = await Trader.connect(gateway, 'ghost', before.position);
  await until('what a stranger missed', () => ghost.reports.length === 2);
  assert.deepEqual(ghost.reports.map((one) => [one.reason, one.account, one.client_order_id]), [['UNKNOWN_ACCOUNT', 'ghost', 'g1'], ['UNKNOWN_ACCOUNT', 'ghost', 'g2']]);
  assert.deepEqual(ghost.ids, of(log, 'ghost').map(({ id }) => id));
  await ghost.client.close();
  for (const one of back) {
    const all = of(log, one.account), missed = all.slice(all.findIndex(({ id }) => id === had.get(one.account)) + 1);
    await one.has(all.at(-1).id);
    assert.deepEqual(one.ids, missed.map(({ id }) => id), one.account);
    assert.deepEqual(one.reports.map((report) => [report.kind, report.leaves, report.account, report.symbol]), missed.map((report) => [report.kind.replace('REPORT_', ''), `${report.leaves}`, one.account, 'AAPL']));
    assert.ok(one.reports.length > 2 * PAIRS && !one.client.error_('REPORTS_LOST'));
  }
  assert.ok(await metric(gateway, 'reports_from_execlog_total') >= 3 * 2 * PAIRS, 'that is where they came from');
  assert.equal(await metric(gateway, 'reports_lost_total'), 0);
  await until('nothing to be under way', async () => (await metric(gateway, 'catch_ups')) === 0);

  // And who has nothing to catch up with has what is live.
  seq = await trade(1);
  for (const one of matchers) await desk.journaled(one, seq);
  const whole = await execlog();
  for (const one of back) await one.has(of(whole, one.account).at(-1).id);

  // Execlog has lost its beginning: what is gone is named, and the rest comes.
  const manager = await desk.connection.jetstreamManager(), [first] = back;
  const { state } = await manager.streams.info('TWEX-execlog-1');
  await manager.streams.purge('TWEX-execlog-1', { seq: state.last_seq - 5 });
  const kept = of(await desk.execlog().then((batches) => batches.flatMap(({ reports, accounts }) => reports.map((one) => ({ ...one, name: accounts.find(({ number }) => number === one.account).name })))), 'ann');
  const [{ firstSeq }] = await desk.execlog();
  const late = await Trader.connect(gateway, 'ann', { seq: '2', n: 0 });
  await late.has(first.ids.at(-1));
  assert.deepEqual(late.ids, kept.map((one) => `1-${one.seq}-${one.n}`));
  const { after, to_seq: to, shard } = late.client.error_('REPORTS_LOST');
  assert.deepEqual([after, to, shard], [{ seq: '2', n: 0 }, `${firstSeq - 1n}`, 1]);
  assert.equal(late.client.messages.filter(({ code }) => code === 'REPORTS_LOST').length, 1);
});

test('who missed two reports has them, each once, while many read execlog from far back, and slowly', async (t) => {
  let matchers = [await startMatcher()];
  t.after(() => Promise.all(matchers.map((one) => one.kill())));
  const begin = await trade(1), FAR = 11_000; // inputs: more than what is short
  let had, seq;
  for (let i = 0; i < FAR; i += 1000)
    await Promise.all(Array.from({ length: 1000 }, (_, k) => desk.orders([{ kind: 'COMMAND_CANCEL', account: 'bob', symbol: 'AAPL', clientOrderId: `none-${i + k}`.padEnd(40, '-'), correlationId: `${i + k}`.padEnd(64, '-') }])));
  had = await trade(1);
  seq = await trade(1);
  await desk.journaled(matchers[0], seq);
  const end = await desk.orders([{ kind: 'COMMAND_CANCEL', account: 'bob', symbol: 'AAPL', clientOrderId: 'none' }]);
  await until('a snapshot that has none of it', async () => (await matchers[0].metrics()).snapshot_seq >= end);
  await matchers[0].kill();
  matchers = [await startMatcher()];
  const gateway = await gatewayOf(), connected = async () => parsePrometheus(await (await fetch(`${gateway.url}/metrics`)).text()).get('tickwire_gateway_clients').samples.reduce((sum, { value }) => sum + value, 0);
  t.after(() => gateway.stop('SIGKILL'));
  for (let i = 0; i < 60; i++) {
    const one = await StreamClient.connect(gateway);
    await one.subscribe('exec.bob', { resume: { 'exec.bob': { 1: { seq: `${begin}`, n: 5 } } } });
    one.socket._socket.pause();
  }
  let read = 0; // until what they have not read fills all that is between
  await until('the reader to wait for them', async () => {
    const before = read;
    read = await metric(gateway, 'reports_from_execlog_total');
    return read > 60 * 100 && read === before;
  });
  const near = await Trader.connect(gateway, 'ann', { seq: `${had}`, n: 4294967295 });
  const missed = of((await desk.execlog()).flatMap(({ reports, accounts }) => reports.map((one) => ({ ...one, id: `1-${one.seq}-${one.n}`, name: accounts.find(({ number }) => number === one.account)?.name }))), 'ann').filter((one) => one.seq > had);
  await near.has(missed.at(-1).id);
  assert.equal(await connected(), 61, 'nobody was given up to make room');
  assert.deepEqual(near.ids, missed.map(({ id }) => id));
  assert.ok(near.ids.length >= 2 && !near.client.error_('REPORTS_LOST'));
  await desk.close();
});

test('a venue that was begun anew, and a position beyond what it has, are said, and reports go on', async (t) => {
  const fresh = await NatsServer.start({ jetstream: true }), owner = await Desk.open(fresh), folder = mkdtempSync(path.join(tmpdir(), 'tickwire-anew-'));
  const start = () => Matcher.start(fresh, { args: ['--snapshots', folder] });
  const pair = () => owner.orders([limit('ann', 'buy', 1, 10_000), limit('bob', 'sell', 1, 10_000)]);
  const lost = (one) => one.client.messages.filter(({ code }) => code === 'REPORTS_LOST');
  const trades = (one) => one.reports.filter(({ kind }) => kind === 'FILL').length;
  const all = async () => of(checkExeclog(await owner.execlog()).reports, 'ann').map(({ seq, n }) => `1-${seq}-${n}`);
  let matcher = await start(), seq;
  const gateway = await startGateway(fresh, ['--venue', 'TWEX', '--order-rate', '0', '--anonymous-accounts', 'ann,bob']);
  t.after(() => Promise.all([gateway.stop('SIGKILL'), matcher.kill()]));
  await owner.openVenue();
  const stays = await Trader.connect(gateway, 'ann'), idle = await Trader.connect(gateway, 'bob');
  for (let i = 0; i < 20; i++) seq = await pair();
  await until('the first trades', () => trades(stays) === 20 && trades(idle) === 20);
  const { position } = stays;

  // A leader that dies and comes back has the same journal: nobody is told anything.
  await matcher.kill();
  matcher = await start();
  seq = await pair();
  await until('reports of the next leader', () => trades(stays) === 21 && trades(idle) === 21);
  assert.deepEqual([lost(stays), lost(idle)], [[], []]);

  // Nothing beyond what there is: said with both places, and then it is live.
  const beyond = await Trader.connect(gateway, 'ann', { seq: '99999999', n: 0 });
  const [told] = await until('to be told', () => lost(beyond).length > 0 && lost(beyond));
  assert.deepEqual([told.subject, told.shard, told.after, told.to_seq], ['exec.ann', 1, { seq: '99999999', n: 0 }, `${seq}`]);
  seq = await pair();
  await until('live reports', () => trades(beyond) === 1 && trades(stays) === 22 && trades(idle) === 22);
  assert.deepEqual(beyond.reports.map((report) => report.seq), [`${seq}`, `${seq}`]);

  await matcher.kill();
  const manager = await owner.connection.jetstreamManager();
  for (const word of ['orders', 'execlog', 'snapshots']) await manager.streams.delete(`TWEX-${word}-1`);
  rmSync(folder, { recursive: true, force: true });
  const before = stays.ids.length, last = stays.position;
  matcher = await start();
  await owner.openVenue();
  for (let i = 0; i < 3; i++) seq = await pair();
  await owner.journaled(matcher, seq);
  const anew = await all();
  await stays.has(anew.at(-1));
  assert.deepEqual(stays.ids.slice(before), anew);
  assert.deepEqual(lost(stays).map(({ after, to_seq: to }) => [after, to]), [[last, '0']]);
  assert.deepEqual([lost(idle).length, lost(beyond).length, trades(idle)], [1, 2, 25]);

  // With a position of the venue before: said, and then live.
  const late = await Trader.connect(gateway, 'ann', position);
  await until('to be told', () => lost(late).length === 1);
  assert.deepEqual([lost(late)[0].after, lost(late)[0].to_seq], [position, `${seq}`]);
  seq = await pair();
  await until('the live reports', () => trades(late) === 1);
  assert.deepEqual(late.reports.map((report) => report.seq), [`${seq}`, `${seq}`]);
  await owner.close();
});

// A nats-server whose permissions leave something out: each program says once, on its log, what it is refused and what to do; the gateway counts it,
// names it in /readyz, and forgets it with the connection.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { StreamClient, startGateway } from './lib/gateway.mjs';
import { NatsServer, Program, build, logLines, logged, simulatedFile, startIngest, startTickwire, until } from './lib/programs.mjs';
import { parsePrometheus } from './lib/prometheus.mjs';
import { Matcher } from './lib/venue.mjs';

const MESSAGE = 'the bus refuses a subject';
const user = (name, denied) => `{ user: ${name}, password: secret, permissions: { publish: { deny: [${denied.publish ?? []}] }, subscribe: { deny: [${denied.subscribe ?? []}] } } }`;
const permissions = (...users) => `authorization { users: [ ${users.join(', ')} ] }`;
const as = (nats, name) => ({ url: nats.url.replace('nats://', `nats://${name}:secret@`) });
const refusals = (program) => logLines(program).filter(({ message }) => message === MESSAGE).map(({ permission, subject }) => `${permission} ${subject}`).sort();

async function refused(program, ...wanted) {
  await until(() => `${wanted}, not ${refusals(program)}`, () => wanted.every((one) => refusals(program).includes(one)));
  const line = logLines(program).find(({ message }) => message === MESSAGE);
  assert.equal(line.level, 'error');
  assert.match(line.advice, /grant it .*NATS/);
  assert.ok(!program.stderr.includes('secret@'));
}

test('a gateway whose user may not have it all says what is missing, in its log, in /metrics and in /readyz, until it may', async (t) => {
  const denied = { subscribe: ['"XNAS.*.quote"', '"instruments.TWEX.changes"'], publish: ['"usage.>"', '"instruments.XNAS"'] };
  const before = permissions(user('gateway', denied), user('other', {})), after = permissions(user('gateway', {}), user('other', {}));
  const nats = await NatsServer.start({ config: before });
  const gateway = await startGateway(as(nats, 'gateway'), ['--venue', 'TWEX', '--order-rate', '0', '--usage-period', '1s']);
  const ingest = await startIngest(as(nats, 'other'), ['--source', `file:${simulatedFile('refusals.itch')}`, '--session-date', '2020-01-30']);
  t.after(() => Promise.all([gateway.stop('SIGKILL'), ingest.stop('SIGKILL'), nats.stop()]));
  const ready = async () => (await fetch(`${gateway.url}/readyz`)).json();
  const metric = async (name) => parsePrometheus(await (await fetch(`${gateway.url}/metrics`)).text()).get(`tickwire_gateway_${name}`).samples[0].value;
  await refused(gateway, 'subscribe instruments.TWEX.changes'); // before anybody asks for anything
  const client = await StreamClient.connect(gateway);
  for (let i = 0; i < 3; i++) {
    await client.ask({ op: 'subscribe', subjects: ['XNAS.*.quote', 'XNAS.*.orderbook'] });
    await client.ask({ op: 'unsubscribe', subjects: ['XNAS.*.quote'] });
    await fetch(`${gateway.url}/v1/instruments?exchange=XNAS`);
  }
  await refused(gateway, 'subscribe XNAS.*.quote', 'publish instruments.XNAS', 'publish usage.XNAS');
  const told = refusals(gateway);
  assert.deepEqual(told, [...new Set(told)], 'each once');
  const state = await ready();
  assert.deepEqual([state.bus_refused, [...state.bus_refused_subjects].sort()], [told.length, told]);
  assert.deepEqual([await metric('bus_refused'), await metric('bus_refusals_total')], [told.length, told.length]);
  writeFileSync(nats.config, readFileSync(nats.config, 'utf8').replace(before, after));
  await nats.restart();
  await until('nothing to be refused any more', async () => (await ready()).bus_refused === undefined);
  assert.deepEqual([await metric('bus_refused'), await metric('bus_refusals_total')], [0, told.length]);
  await client.close();
});

test('ingest and aggregator say what they may not publish, and what not hear', async (t) => {
  const nats = await NatsServer.start({ config: permissions(user('ingest', { publish: ['"feed.>"'], subscribe: ['"instruments.>"'] }),
    user('aggregator', { publish: ['"agg.>"'], subscribe: ['"feed.>"', '"candles.>"'] })) });
  const ingest = await startIngest(as(nats, 'ingest'), ['--source', `file:${simulatedFile('refusals.itch')}`, '--session-date', '2020-01-30']);
  const aggregator = new Program(path.join(build, 'publisher/aggregator/tickwire-aggregator'), ['--nats', as(nats, 'aggregator').url, '--log-format', 'json']);
  t.after(() => Promise.all([ingest.stop('SIGKILL'), aggregator.stop('SIGKILL'), nats.stop()]));
  await refused(ingest, 'publish feed.XNAS.1.status', 'subscribe instruments.XNAS');
  await until(() => `the aggregator to hear of its subscriptions: ${aggregator.stderr}`, () => refusals(aggregator).some((one) => one.startsWith('subscribe feed.')));
  assert.deepEqual(refusals(aggregator), [...new Set(refusals(aggregator))]);
});

test('a matcher says so, too', async (t) => {
  const nats = await NatsServer.start({ jetstream: true, config: permissions(user('matcher', { publish: ['"hash.>"'], subscribe: ['"matchers.>"'] })) });
  const matcher = await Matcher.start(as(nats, 'matcher'), { args: ['--log-format', 'json'], says: null });
  t.after(() => Promise.all([matcher.program.stop('SIGKILL'), nats.stop()]));
  await refused(matcher.program, 'subscribe matchers.TWEX');
});

test('tap says why nothing comes', async (t) => {
  const nats = await NatsServer.start({ config: permissions(user('ann', { subscribe: ['"XNAS.>"'] })) });
  const tap = startTickwire('tap', '--url', as(nats, 'ann').url, 'XNAS.*.quote');
  t.after(() => Promise.all([tap.stop('SIGKILL'), nats.stop()]));
  await tap.says(/tickwire tap: XNAS\.\*\.quote: Permissions Violation for Subscription to "XNAS\.\*\.quote"/);
});

// Where the venue's journal is kept: what an operator sets of its streams stays; what is left of it is watched; what is old can go.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startGateway } from './lib/gateway.mjs';
import { forge } from './lib/forge.mjs';
import { folder, tickwire, until } from './lib/programs.mjs';
import { limit, Matcher, orderId, orderText, startVenue } from './lib/venue.mjs';

const HOUR_NS = 3_600_000_000_000;

test('what an operator has set of a stream stays; what would lose a message is put right, and said', async () => {
  const { server, desk } = await startVenue();
  const { streams } = await desk.connection.jetstreamManager();
  const config = async (word) => (await streams.info(`TWEX-${word}-1`)).config;
  // made by hand before the first start: not as a journal must be
  await streams.add({ name: 'TWEX-execlog-1', subjects: ['execlog.TWEX.1'], max_age: HOUR_NS, max_bytes: 1 << 26, max_msgs_per_subject: 9,
    description: 'ours', duplicate_window: 30_000_000_000 });
  let matcher = await Matcher.start(server);
  await matcher.leads();
  assert.match(matcher.program.stderr, /was changed name="?TWEX-execlog-1.*max_age: 3600000000000 -> 0/);
  assert.match(matcher.program.stderr, /was changed name="?TWEX-execlog-1.*discard: old -> new.*max_msgs_per_subject: 9 -> -1.*deny_delete: false -> true/);
  const execlog = await config('execlog');
  assert.deepEqual([execlog.max_age, execlog.discard, execlog.max_msgs_per_subject, execlog.deny_delete], [0, 'new', -1, true]);
  assert.deepEqual([execlog.max_bytes, execlog.description, execlog.duplicate_window], [1 << 26, 'ours', 30_000_000_000]);
  await matcher.program.stop();

  await streams.update('TWEX-orders-1', { max_bytes: 1 << 25, max_msgs: 1_000_000, description: 'mine', max_age: HOUR_NS, subjects: ['orders.TWEX.1.>'] });
  await streams.update('TWEX-snapshots-1', { max_bytes: 1 << 24 });
  matcher = await Matcher.start(server);
  await matcher.leads();
  assert.match(matcher.program.stderr, /was changed name="?TWEX-orders-1.*subjects: orders.TWEX.1.> -> orders.TWEX.1.> orderbatch.TWEX.1 control.TWEX.1, max_age: 3600000000000 -> 0/);
  const orders = await config('orders');
  assert.deepEqual([orders.max_bytes, orders.max_msgs, orders.description, orders.max_age, orders.subjects.length], [1 << 25, 1_000_000, 'mine', 0, 3]);
  assert.equal((await config('snapshots')).max_bytes, 1 << 24);
  await desk.journaled(matcher, await desk.openVenue());
  await matcher.program.stop();

  // replicas only where they are asked for
  for (const [args, changed] of [[['--replicas', '3'], /num_replicas: 1 -> 3/], [[], null]]) {
    matcher = await Matcher.start(server, { args });
    await matcher.leads();
    if (changed) assert.match(matcher.program.stderr, changed);
    else assert.doesNotMatch(matcher.program.stderr, /was changed/);
    await matcher.program.stop();
    assert.equal((await config('orders')).num_replicas, 3);
  }
  await desk.close();
});

test('before storage is full, new orders are refused so that cancels find room; with more of it they are taken again', async (t) => {
  const { server, desk } = await startVenue();
  const { streams } = await desk.connection.jetstreamManager();
  const bytes = async (word) => (await streams.info(`TWEX-${word}-1`)).state.bytes;
  const bound = (word, max_bytes) => streams.update(`TWEX-${word}-1`, { max_bytes });
  const matcher = await Matcher.start(server, { args: ['--storage-reserve', '20'] });
  await matcher.leads();
  const gateway = await startGateway(server, ['--venue', 'TWEX', '--order-rate', '0', '--anonymous-accounts', 'ann']);
  t.after(() => Promise.all([gateway.stop('SIGKILL'), matcher.kill()]));
  await desk.openVenue();
  const ann = await desk.listenToAccount('ann'), bob = await desk.listenToAccount('bob');
  const order = (method, where, body) => fetch(`${gateway.url}/v1/orders${where}`, { method, ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) });
  const buy = () => order('POST', '', { account: 'ann', symbol: 'AAPL', side: 'buy', quantity: 1, price: '99.00' });
  await until('the gateway to know the venue', async () => (await buy()).status === 202);
  assert.equal((await matcher.metrics()).orders_left_bytes, -1, 'nobody has said how much it may be');

  // orders until less than a fifth of what it may hold is left
  await bound('orders', 40_000);
  const first = await desk.orders([limit('ann', 'buy', 30, 9_000)]);
  while (await bytes('orders') < 34_000) await desk.orders(Array.from({ length: 20 }, () => limit('bob', 'buy', 1, 9_000)));
  await matcher.program.says(/storage of the journal runs short.*what="max_bytes of the order stream" left=\d+ of=40000/);
  await until('the engine to know', async () => (await matcher.ready()).storage === 'LOW');
  const said = await matcher.ready(), metrics = await matcher.metrics();
  assert.ok(said.ready && /new orders are refused, cancels are taken/.test(said.why));
  assert.ok(metrics.storage_low === 1 && metrics.orders_left_bytes > 0 && metrics.orders_left_bytes < 8_000);

  // new orders and replaces are refused, with the reason; what reduces risk goes through
  const refused = await desk.orders([limit('ann', 'buy', 1, 9_000), { kind: 'COMMAND_REPLACE', account: 'ann', symbol: 'AAPL', orderId: orderId(first), quantity: 10n }]);
  await desk.orders([{ kind: 'COMMAND_CANCEL', account: 'ann', symbol: 'AAPL', orderId: orderId(first) }]);
  await desk.control([{ kind: 'CONTROL_SET_KILL', account: 'bob', on: true }]);
  await until('the reports', () => ann.some(({ kind }) => kind === 'REPORT_CANCELLED') && bob.at(-1)?.kind === 'REPORT_DONE');
  assert.deepEqual(ann.filter(({ seq }) => seq === BigInt(refused)).map(({ kind, reason }) => [kind, reason]), [['REPORT_REJECTED', 39], ['REPORT_REPLACE_REJECTED', 39]]);
  assert.equal(bob.filter(({ kind }) => kind === 'REPORT_CANCELLED').length, bob.filter(({ kind }) => kind === 'REPORT_ACCEPTED').length, 'all that was open');
  // a gateway says so at once, and puts nothing into the journal for it
  const answer = await until('the gateway to refuse', async () => { const one = await buy(); return one.status === 503 && one.json(); });
  assert.equal(answer.error.code, 'STORAGE_LOW');
  const before = await bytes('orders');
  assert.equal((await buy()).status, 503);
  assert.equal(await bytes('orders'), before);
  const cancelled = await order('DELETE', `/${orderText(ann.find(({ kind }) => kind === 'REPORT_ACCEPTED').orderId)}?account=ann`);
  assert.equal(cancelled.status, 202, await cancelled.text());

  // a restart knows it still; more room is noticed
  await matcher.program.stop();
  const again = await Matcher.start(server, { args: ['--storage-reserve', '20'] });
  t.after(() => again.kill());
  await again.leads();
  assert.equal((await again.ready()).storage, 'LOW');
  await bound('orders', 1 << 20);
  await again.program.says(/there is storage enough again/);
  await until('the gateway to take orders', async () => (await buy()).status === 202);
  // execlog is watched alike
  await bound('execlog', Math.ceil((await bytes('execlog')) / 0.9));
  await again.program.says(/runs short.*what="max_bytes of execlog"/);
  await until('the gateway to refuse', async () => (await buy()).status === 503);
  await again.kill();
  // who reserves nothing takes back what another one has said
  const careless = await Matcher.start(server, { args: ['--storage-reserve', '0'] });
  t.after(() => careless.kill());
  await careless.program.says(/no storage is reserved any more/);
  await until('the gateway to take orders', async () => (await buy()).status === 202);
  await desk.close();
});

test('what was exported and lies before the oldest snapshot can go; leader, standby, verify and a new machine go on without it', async (t) => {
  const { server, desk } = await startVenue();
  const { streams } = await desk.connection.jetstreamManager();
  const first = async (word) => (await streams.info(`TWEX-${word}-1`)).state.first_seq;
  const journal = (word, ...args) => tickwire('journal', word, '--url', server.url, ...args);
  const bounds = ['--max-orders', '200k', '--max-client-ids', '1M', '--max-pages', '64k', '--max-positions', '64k'];
  const trim = (kept, ...args) => journal('trim', '--export', kept, ...args, ...bounds);
  const kept = path.join(folder, 'trim-kept'), short = path.join(folder, 'trim-short'), forged = path.join(folder, 'trim-forged');
  let matcher = await Matcher.start(server);
  await matcher.leads();
  await desk.openVenue();
  const bid = await desk.orders([limit('ann', 'buy', 30, 9_000, { clientOrderId: 'early' })]);
  for (let i = 0; i < 8; i++) await desk.orders([limit('bob', 'sell', 1, 10_000 + i)]);
  await matcher.program.stop();
  const [, at] = await matcher.program.says(/a snapshot was kept seq=(\d+)/), snapshot = Number(at);
  matcher = await Matcher.start(server);
  await matcher.leads();
  const standby = await Matcher.start(server);
  let seq = await desk.orders([limit('bob', 'sell', 1, 10_000), limit('bob', 'sell', 1, 10_000)]);
  await desk.journaled(matcher, seq);

  // what may not go is said, and stays
  assert.equal(journal('export', '--out', kept).status, 0);
  assert.equal(journal('export', '--out', short, '--to', '3').status, 0);
  assert.match(trim(kept, '--yes', '--to', `${snapshot + 1}`).stderr, new RegExp(`too far: the oldest snapshot is that after input ${snapshot}$`, 'm'));
  assert.match(trim(short, '--yes', '--to', '4').stderr, /too far: the export ends with input 3/);
  cpSync(kept, forged, { recursive: true });
  forge(path.join(forged, 'orders.twj'), (payload) => {
    const is = payload.indexOf('early');
    if (is >= 0) payload[is] = 69;
    return is >= 0;
  });
  assert.match(trim(forged, '--yes').stderr, new RegExp(`message ${bid} of TWEX-orders-1 is not what the export has`));
  const would = trim(kept);
  assert.match(would.stdout, new RegExp(`TWEX-orders-1: messages 1 to ${snapshot} would go[^]*nothing was removed`), would.stderr);
  assert.deepEqual([await first('orders'), await first('execlog')], [1, 1]);

  // it goes; a venue that is at work does not mind
  assert.match(trim(short, '--yes').stdout, /TWEX-orders-1: messages 1 to 3 were removed, it begins at 4/);
  assert.match(trim(kept, '--yes').stdout, new RegExp(`TWEX-orders-1: messages 4 to ${snapshot} were removed`));
  assert.equal(await first('orders'), snapshot + 1);
  assert.ok(await first('execlog') > 1);
  seq = await desk.orders([limit('bob', 'sell', 1, 10_000)]);
  await desk.journaled(matcher, seq);
  assert.match(journal('list').stdout, new RegExp(`TRIMMED: begins at ${snapshot + 1}`));
  assert.match(journal('verify', ...bounds).stderr, new RegExp(`begins at ${snapshot + 1}: what came before is not there`));
  for (const from of ['snapshot', 'oldest']) assert.match(journal('verify', '--from', from, ...bounds).stdout, /\nOK\n$/);
  assert.match(tickwire('journal', 'verify', '--file', kept, ...bounds).stdout, /\nOK\n$/, 'what went is kept');
  matcher.kill();
  await standby.leads();
  seq = await desk.orders(Array.from({ length: 3000 }, () => limit('bob', 'sell', 1, 10_000)));
  await desk.journaled(standby, seq);
  await standby.program.stop(); // and keeps a snapshot of several messages

  // a new machine has what was open before; a second time begins where the first ended
  matcher = await Matcher.start(server);
  await matcher.program.says(/starts with a snapshot/);
  await matcher.leads();
  assert.deepEqual((await desk.ask({ kind: 'QUERY_ORDERS', account: 'ann' })).orders.map((one) => one.orderId), [orderId(bid)]);
  const snapshots = () => journal('list', '--json').stdout.trim().split('\n').map((line) => JSON.parse(line)).filter((one) => one.type === 'snapshot');
  const begins = snapshots().find((one) => Number(one.seq) >= seq && one.whole);
  assert.ok(begins.messages > 1, 'purging to a number of messages would cut it');
  assert.match(journal('list').stdout, new RegExp(`snapshot after ${begins.seq} .* in ${begins.messages} messages from ${begins.first_message} `));
  await streams.purge('TWEX-snapshots-1', { seq: Number(begins.first_message) });
  assert.deepEqual(snapshots()[0], begins, 'the oldest now, and whole');
  await desk.journaled(matcher, await desk.orders([limit('bob', 'sell', 1, 10_000)]));
  assert.equal(journal('export', '--out', `${kept}2`).status, 0);
  const again = trim(`${kept}2`, '--yes', '--json');
  assert.equal(again.status, 0, again.stderr);
  const done = JSON.parse(again.stdout);
  assert.deepEqual([done.removed, done.orders.first_seq, Number(done.orders.first_kept)], [true, `${snapshot + 1}`, await first('orders')]);
  assert.ok(Number(done.oldest_snapshot) >= seq && await first('orders') > seq);
  await matcher.kill();

  // one that needs more memory than there is names the setting and what it takes; nothing is wrong with the streams
  matcher = await Matcher.start(server, { args: ['--max-accounts', '1'], says: /HALTED.*the journal was trimmed .* its snapshot needs more than this process has: .*--max-accounts \d+ \(this process has 1\)/ });
  await matcher.kill();

  // nor is one of another program damaged
  const { subject, data } = await streams.getMessage('TWEX-snapshots-1', { last_by_subj: '>' });
  data[8] = 9;
  await streams.purge('TWEX-snapshots-1');
  await desk.js.publish(subject, data);
  matcher = await Matcher.start(server, { says: /HALTED.*the journal was trimmed .* its snapshot is of another version: .* is of version 9, this program reads 1/ });
  const told = matcher.program.stderr.split('\n').filter((line) => /snapshots? .*passed over/.test(line));
  assert.equal(told.length, 1, told.join('\n'));
  assert.match(told[0], /snapshots of another version were passed over.*count=1\b.*is of version 9, this program reads 1/);
  await matcher.kill();

  // without a snapshot nobody can say what was open
  await streams.purge('TWEX-snapshots-1');
  matcher = await Matcher.start(server, { says: /HALTED.*the journal was trimmed \(the order stream begins at \d+, execlog at \d+\), and there is no snapshot to begin with/ });
  await matcher.kill();
  await desk.close();
});

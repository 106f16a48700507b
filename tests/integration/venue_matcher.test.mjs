// The matcher beside npm's nats client: orders go in as stream messages, reports come out live and once in execlog; bad input stops
// nothing; a restart makes the same of the same stream.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkExeclog, Desk, limit, Matcher, MIC, orderId, startVenue } from './lib/venue.mjs';
import { run, tickwireProgram, until, untilAll } from './lib/programs.mjs';
import { parsePrometheus } from './lib/prometheus.mjs';
import { decodeAs, encodeAs } from './lib/wire.mjs';

const kinds = (reports) => reports.map((report) => report.kind.replace('REPORT_', ''));

test('orders become reports: live, once in execlog, and as answers; a restart says the same', async () => {
  const { server, desk } = await startVenue();
  let matcher = await Matcher.start(server, { args: ['--hash-every', '5', '--hash-interval', '0s', '--no-snapshot-stream'] });
  await matcher.leads();
  await desk.journaled(matcher, await desk.openVenue());
  const ann = await desk.listenToAccount('ann'), bob = await desk.listenToAccount('bob');
  const fills = await desk.listen(`fills.${MIC}.AAPL`, 'Fills');
  const hashes = await desk.listen(`hash.${MIC}.1`, 'StateHash');

  // the acknowledgement's sequence is the order's id
  const bid = await desk.orders([limit('ann', 'buy', 30, 10_000, { clientOrderId: 'a1', correlationId: 'ann-1' })]);
  await until('the acceptance', () => ann.length === 1);
  assert.equal(ann[0].orderId, orderId(bid));
  assert.equal(ann[0].symbol, 'AAPL');
  assert.equal(ann[0].correlationId, 'ann-1');
  // on an account's own subject: account and symbol are the subject's
  const ask = await desk.ownOrders('bob', 'AAPL', [{ side: 'SIDE_ASK', quantity: 10n, price: 10_000n, clientOrderId: 'b1' },
    { side: 'SIDE_ASK', quantity: 5n, price: 10_000n, clientOrderId: 'b2' }]);
  await until('the fills', () => ann.length === 3 && bob.length === 4);
  assert.deepEqual(kinds(ann), ['ACCEPTED', 'FILL', 'FILL']);
  assert.deepEqual(kinds(bob), ['ACCEPTED', 'FILL', 'ACCEPTED', 'FILL']);
  assert.deepEqual(ann.slice(1).map(({ seq, n, lastQuantity, correlationId }) => [Number(seq), n, Number(lastQuantity), correlationId]),
    [[ask, 2, 10, 'ann-1'], [ask, 5, 5, 'ann-1']]);
  assert.ok([...ann, ...bob].every(({ counterId }) => counterId === 0n), 'whom one traded with is not told');
  await until('the public fills', () => fills.flatMap((one) => one.fills).length === 2);

  // a resend is answered with what became of the first
  await desk.ownOrders('bob', 'AAPL', [{ side: 'SIDE_ASK', quantity: 10n, price: 10_000n, clientOrderId: 'b1' }]);
  await until('the duplicate', () => bob.length === 5);
  assert.ok(bob[4].duplicate && bob[4].orderId === orderId(ask, 0));

  // bad input is refused with a report, and stops nothing
  const rubbish = await desk.publish(`orders.${MIC}.1.ann.AAPL`, Uint8Array.from([255, 255, 1]));
  await desk.publish(`control.${MIC}.1`, Uint8Array.from([10, 200]));
  await desk.orders([limit('ann', 'buy', 1, 10_000, { symbol: 'NONE' }), limit('ann', 'buy', 0, 10_000), limit('ann', 'buy', 1, -5),
    limit('nobody', 'buy', 1, 10_000), limit('ann', 'sell', 1, 20_000, { symbol: '' })]);
  await desk.ownOrders('ann', 'AAPL', [limit('bob', 'sell', 1, 10_000)]); // for another account than the subject's
  const last = await desk.ownOrders('ann', 'AAPL', [{ kind: 'COMMAND_CANCEL', orderId: orderId(bid), correlationId: 'enough' }]);
  await until('the cancel', () => ann.at(-1)?.seq === BigInt(last));
  assert.deepEqual(kinds(ann.slice(3)), ['REFUSED', 'REJECTED', 'REJECTED', 'REJECTED', 'REJECTED', 'REJECTED', 'CANCELLED']);
  assert.equal(ann[3].seq, BigInt(rubbish));
  assert.equal(ann.at(-1).correlationId, 'enough');
  await matcher.program.says(/INFO +an order request is refused correlation_id=\S+ kind=REFUSED reason=UNREADABLE account=ann /);
  assert.doesNotMatch(matcher.program.stderr, /an order's report/, 'each report is for debug');
  assert.equal(ann.at(-1).executed, 15n);

  // execlog: each report once, with both sides of a trade; the same reports as live
  await desk.journaled(matcher, last);
  const before = await desk.execlog();
  const { reports, last: reached } = checkExeclog(before);
  assert.equal(reached, BigInt(last));
  const live = [...ann, ...bob].map(({ seq, n }) => `${seq}-${n}`);
  const logged = reports.filter(({ name }) => name === 'ann' || name === 'bob').filter(({ seq }) => seq > 1n).map(({ seq, n }) => `${seq}-${n}`);
  assert.deepEqual(live.sort(), logged.sort());
  assert.equal(reports.find(({ kind, name }) => kind === 'REPORT_FILL' && name === 'ann').counterId, orderId(ask, 0));

  // questions
  const positions = await desk.ask({ kind: 'QUERY_POSITIONS', account: 'ann', correlationId: 'q-1' });
  assert.deepEqual([positions.code, positions.seq, positions.correlationId, positions.positions[0].quantity], ['REPLY_OK', BigInt(last), 'q-1', 15n]);
  const ended = await desk.ask({ kind: 'QUERY_ORDER', account: 'ann', symbol: 'AAPL', clientOrderId: 'a1' });
  assert.deepEqual([ended.orders[0].status, ended.orders[0].executed], ['STATUS_CANCELLED', 15n]);
  assert.equal((await desk.ask({ kind: 'QUERY_ORDERS', account: 'ghost' })).code, 'REPLY_NOT_FOUND');
  const asked = await desk.ask({ kind: 'QUERY_EXECUTIONS', account: 'ann', after: BigInt(bid) });
  assert.equal(asked.executions.length, ann.length - 1);

  // what an operator sees
  const metrics = await matcher.metrics();
  parsePrometheus(await (await matcher.get('/metrics')).text());
  assert.equal(metrics.seq, last);
  assert.equal((await matcher.ready()).role, 'leading');
  assert.ok(hashes.length >= 1 && hashes[0].leader && hashes[0].seq === 5n);
  assert.equal(await matcher.program.stop(), 0);

  // again from the stream's beginning: nothing twice in execlog, the same ids, the same state
  matcher = await Matcher.start(server, { args: ['--hash-every', '5', '--hash-interval', '0s'] });
  await matcher.program.says(/without a snapshot/);
  await matcher.leads();
  await until('the hash again', () => hashes.length >= 2);
  assert.deepEqual([hashes.at(-1).seq, hashes.at(-1).hash], [hashes[0].seq, hashes[0].hash]);
  assert.equal((await desk.execlog()).length, before.length);
  assert.equal((await desk.ask({ kind: 'QUERY_POSITIONS', account: 'ann' })).positions[0].quantity, 15n);
  const next = await desk.orders([limit('ann', 'buy', 1, 9_000)]);
  await desk.journaled(matcher, next);
  assert.equal(checkExeclog(await desk.execlog()).last, BigInt(next));
  assert.equal(await matcher.program.stop(), 0);

  // and with the snapshot that it has left in the stream: the same state, and execlog goes on where it was
  matcher = await Matcher.start(server);
  await matcher.program.says(new RegExp(`starts with a snapshot .*seq=${next}`));
  await matcher.leads();
  assert.deepEqual((await desk.ask({ kind: 'QUERY_ORDERS', account: 'ann' })).orders.map((one) => one.orderId), [orderId(next)]);
  await desk.journaled(matcher, await desk.ownOrders('bob', 'AAPL', [{ side: 'SIDE_ASK', quantity: 1n, price: 9_000n }]));
  assert.equal(checkExeclog(await desk.execlog()).reports.at(-1).orderId, orderId(next));
  assert.equal(await matcher.program.stop(), 0);
  await desk.close();
});

test('a journal that is not what the inputs make of it halts the matcher, loudly', async () => {
  const { server, desk } = await startVenue();
  const matcher = await Matcher.start(server, { args: ['--hash-every', '1'] });
  await matcher.leads();
  await desk.openVenue();
  const seq = await desk.orders([limit('ann', 'buy', 30, 10_000)]);
  await desk.journaled(matcher, seq);
  // another replica is in another state: it halts, and says what usually makes that, and what to do
  desk.connection.publish(`hash.${MIC}.1`, encodeAs('StateHash', { exchange: MIC, shard: 1, seq: BigInt(seq), hash: 1n, instance: 'another' }));
  const { why, ready, role, leader } = await until('it to halt', async () => { const one = await matcher.ready(); return one.state === 'HALTED' && one; });
  assert.deepEqual([ready, role, leader, (await matcher.metrics()).role, (await matcher.metrics()).leads], [false, 'halted', '', 7, 0], 'it leads nothing');
  assert.match(why, /MISMATCH: after input 2 .* at another; usual causes: another version .* other bounds \(--max-\.\.\.\), an order stream .*'tickwire journal verify'.*docs\/venue\.md/);
  assert.equal(await matcher.program.stop(), 1);
  // somebody writes what is no ExecutionBatch of these inputs
  await desk.publish(`execlog.${MIC}.1`, (await desk.stream('execlog'))[0].data);
  await desk.publish(`execlog.${MIC}.1`, Uint8Array.from([1, 2, 3]));
  const halted = await Matcher.start(server, { says: /HALTED/ });
  await until('it says that it is not ready', async () => (await halted.get('/readyz')).status === 503);
  assert.match((await halted.ready()).why, /MISMATCH.*execlog/);
  await assert.rejects(desk.askOnce({ kind: 'QUERY_ORDERS', account: 'ann' }, 500));
  // an operator hears from the halted one itself, whatever is asked of its shard
  const { instance } = (await halted.program.says(/matcher starts .*instance=(?<instance>\S+)/)).groups;
  const told = new RegExp(`shard 1 of TWEX does not serve.*\\n  ${instance.replaceAll('"', '')}: HALTED since 20\\S+Z, after input \\d+\\n    why: MISMATCH.*execlog.*\\n    what to do: docs/venue\\.md`);
  const tool = (...words) => run(tickwireProgram, ['venue', ...words, '--url', server.url, '--timeout', '300ms']);
  const shown = tool('show'), asJson = tool('show', '--json');
  assert.deepEqual([shown.status, asJson.status], [3, 3], shown.stdout);
  assert.match(shown.stdout, told);
  assert.match(shown.stdout, /NOT SERVING[\s\S]*no instruments are known: a shard that does not serve tells none/);
  const line = asJson.stdout.split('\n').find((one) => one.includes('"matcher"'));
  assert.deepEqual([JSON.parse(line).standing, JSON.parse(line).shard, /MISMATCH/.test(JSON.parse(line).reason)], ['HALTED', 1, true], line);
  for (const words of [['bounds', 'orders=300k'], ['show', 'ann']]) assert.match(tool(...words).stderr, told, words.join(' '));
  assert.equal(await halted.program.stop(), 1);
  await desk.close();
});

test('it goes on after the server was away, and halts when the order stream is another one', async () => {
  const { server, desk } = await startVenue();
  const matcher = await Matcher.start(server);
  await matcher.leads();
  await desk.openVenue();
  const feed = await desk.listen(`feed.${MIC}.1.status`, 'FeedStatus');
  await server.restart();
  await until('the desk is connected again', () => desk.connection.rtt().catch(() => null));
  const seq = await until('an order', () => desk.orders([limit('ann', 'buy', 30, 10_000)]).catch(() => null));
  await desk.journaled(matcher, seq);
  assert.equal(checkExeclog(await desk.execlog()).last, BigInt(seq));

  const manager = await desk.connection.jetstreamManager();
  const { config } = await manager.streams.info(`${MIC}-orders-1`);
  await manager.streams.delete(config.name);
  await until('the feed says that no order can come', () => feed.at(-1)?.detail.includes('order stream'));
  await manager.streams.add(config);
  for (let i = 0; i <= seq; i++) await desk.orders([limit('ann', 'sell', 1, 10_000)]); // grown beyond what was read
  await matcher.program.says(/HALTED.*(made anew|wiped)/);
  assert.equal((await matcher.ready()).state, 'HALTED');
  assert.equal((await matcher.metrics()).seq, seq);
  assert.equal(await matcher.program.stop(), 1);

  // gone when it starts: none is made in its place, and an empty one is not taken for it
  await manager.streams.delete(config.name);
  const again = await Matcher.start(server, { says: /a stream is not there/ });
  await assert.rejects(manager.streams.info(config.name));
  await manager.streams.add(config);
  await again.program.says(/HALTED.*new and empty, but execlog has the reports/);
  assert.equal(await again.program.stop(), 1);
  await desk.close();
});

test('a flood of queries waits for orders and heartbeats: each is answered, or told to come back', async () => {
  // Each burst of queries has a PING of the server in it, whose answer waits until what is buffered has left.
  const { server, desk } = await startVenue({ config: 'ping_interval: "1ms"\nping_max: 1000000' });
  const args = ['--lease-timeout', '2s']; // on a busy machine processes stand still for less
  const matcher = await Matcher.start(server, { args });
  await matcher.leads();
  const standby = await Matcher.start(server, { args });
  await desk.journaled(matcher, await desk.openVenue());
  await desk.orders(Array.from({ length: 100 }, (_, i) => limit('bob', 'buy', 1, 5_000 + i)));
  const ann = await desk.listenToAccount('ann');
  const feed = await desk.listen(`feed.${MIC}.1.status`, 'FeedStatus');
  const crowd = await Desk.open(server), asked = 20_000, codes = { REPLY_OK: 0, REPLY_BUSY: 0 };
  const inbox = '_INBOX.flood';
  crowd.connection.subscribe(inbox, { callback: (error, message) => {
    const { code, correlationId } = decodeAs('QueryReply', message.data);
    assert.equal(correlationId, 'flood');
    codes[code]++;
  } });
  await crowd.connection.flush();

  const query = encodeAs('Query', { kind: 'QUERY_ORDERS', account: 'bob', correlationId: 'flood' });
  for (let i = 0; i < asked; i++) crowd.connection.publish(`query.${MIC}.1`, query, { reply: inbox });
  for (let sent = 1; sent <= 20; sent++) { // one after the other, in the middle of it
    await desk.orders([limit('ann', 'buy', 1, 4_000)]);
    await until('the report', () => ann.length === sent);
  }
  await untilAll('answers', asked, () => codes.REPLY_OK + codes.REPLY_BUSY);
  assert.ok(codes.REPLY_OK >= 1024 && codes.REPLY_BUSY > 0, JSON.stringify(codes));
  const { queries_total: answered, queries_busy_total: busy, queries_passed_over_total: none, steps_back_total: lost } = await matcher.metrics();
  assert.deepEqual([answered, busy, none, lost], [codes.REPLY_OK, codes.REPLY_BUSY, 0, 0]);
  assert.equal(new Set(feed.map(({ term }) => term)).size, 1);
  assert.equal((await standby.metrics()).takeovers_total, 0);
  assert.equal((await desk.ask({ kind: 'QUERY_ORDERS', account: 'bob' })).orders.length, 100);
  await Promise.all([standby.program.stop(), crowd.close()]);
  assert.equal(await matcher.program.stop(), 0);
  await desk.close();
});

// `tickwire journal` beside a real matcher: what it lists, shows, replays and exports is what the venue did; what is forged, damaged or
// missing is named.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { anotherVersion, forge } from './lib/forge.mjs';
import { folder, tickwire, until } from './lib/programs.mjs';
import { limit, Matcher, MIC, orderText, startVenue } from './lib/venue.mjs';

const lines = (text) => text.trim().split('\n').map((line) => JSON.parse(line));
// those of lib/venue's matchers
const BOUNDS = ['--max-orders', '200k', '--max-client-ids', '1M', '--max-pages', '64k', '--max-positions', '64k'];

test('the journal of a venue is listed, shown, replayed, verified, exported; what is wrong with it is named', async () => {
  const { server, desk } = await startVenue();
  const journal = (word, ...args) => tickwire('journal', word, '--url', server.url, ...args);
  assert.match(journal('list').stderr, /TWEX has no journal at this server: there is no stream TWEX-orders-1/);

  const matcher = await Matcher.start(server, { args: ['--hash-every', '4', '--snapshot-every', '300ms'] });
  await matcher.leads();
  const hashes = await desk.listen(`hash.${MIC}.1`, 'StateHash');
  await desk.openVenue();
  const bid = await desk.orders([limit('ann', 'buy', 30, 10_000, { clientOrderId: 'a1', correlationId: 'req-1' })]);
  const ask = await desk.ownOrders('bob', 'AAPL', [{ side: 'SIDE_ASK', quantity: 10n, price: 10_000n, clientOrderId: 'b1' }]);
  const rubbish = await desk.publish(`orders.${MIC}.1.ann.AAPL`, Uint8Array.from([255, 255, 1]));
  await desk.orders([limit('ann', 'buy', 1, 10_000, { symbol: 'NONE' }), limit('nobody', 'buy', 1, 10_000)]);
  // 6,000 orders and their end: reports that need more than one message of execlog
  for (let i = 0; i < 3; i++) await desk.orders(Array.from({ length: 2000 }, (_, n) => limit('bob', 'buy', 5, 9_000 + (n % 50))));
  const mass = await desk.orders([{ kind: 'COMMAND_MASS_CANCEL', account: 'bob', allSymbols: true }]);
  const last = await desk.orders([limit('ann', 'sell', 5, 10_100, { clientOrderId: 'a2' })]);
  await desk.journaled(matcher, last);

  // list: what is there, also the snapshots
  const listed = await until('a snapshot behind the last order', () => {
    const all = lines(journal('list', '--json').stdout);
    return all.some((one) => one.type === 'snapshot' && one.whole && Number(one.seq) >= last) && all;
  });
  const end = listed.find((one) => one.type === 'snapshot' && Number(one.seq) >= last).seq; // behind `last` if time had to go on
  assert.equal(listed[0].orders.first_seq, '1');
  assert.equal(listed[0].orders.deleted, 0);
  assert.ok(Number(listed[0].orders.last_seq) >= last);
  assert.match(journal('list').stdout, new RegExp(`execlog has all reports up to input \\d+: \\d+ inputs behind[^]*snapshot after ${end}`));

  // show: a command and what became of it, also by account, order and correlation id
  const shown = journal('show', '--account', 'ann', '--to', `${ask + 2}`).stdout;
  assert.match(shown, new RegExp(`^1-${bid}-0  \\S+Z  ann AAPL  new buy 30 @ 100\\.00 LIMIT GTC id a1  correlation req-1  from test$`, 'm'));
  assert.match(shown, new RegExp(`^1-${ask}-0 .* bob AAPL  new sell 10 @ 100\\.00.*\\n    1-${ask}-2  FILL  ann AAPL  order 1-${bid}-0 buy  10 @ 100\\.00 with 1-${ask}-0 maker`, 'm'));
  assert.match(shown, new RegExp(`    1-${rubbish}-0  REFUSED  ann AAPL  UNREADABLE: the message or command could not be read`));
  assert.match(shown, /REJECTED  ann NONE  order \S+ buy  UNKNOWN_INSTRUMENT: no such instrument at this venue/);
  assert.doesNotMatch(shown, /nobody/);
  const byRequest = lines(journal('show', '--correlation', 'req-1', '--json').stdout).filter(({ type }) => type === 'report');
  assert.deepEqual(byRequest.map(({ kind, order_id }) => [kind, order_id]), [['ACCEPTED', `1-${bid}-0`], ['FILL', `1-${bid}-0`]]);
  assert.equal(lines(journal('show', '--order', orderText(BigInt(bid) << 16n), '--json').stdout).filter(({ type }) => type === 'report').length, 2);
  const cancels = lines(journal('show', '--from', `${mass}`, '--to', `${mass}`, '--json').stdout);
  assert.equal(cancels.filter(({ kind }) => kind === 'CANCELLED').length, 6000, 'reports of several messages');

  // replay: the state that the matcher had
  await until('a state hash', () => hashes.length >= 2);
  const seen = hashes[1], hash = seen.hash.toString(16).padStart(16, '0');
  const then = lines(journal('replay', '--to', `${seen.seq}`, '--json', ...BOUNDS).stdout).at(-1);
  assert.equal(then.hash, hash);
  const now = lines(journal('replay', '--json', '--to', end, ...BOUNDS).stdout);
  assert.deepEqual(now.filter(({ type }) => type === 'order').map(({ account, side, leaves, price }) => [account, side, leaves, price]),
    [['ann', 'buy', '20', '100.00'], ['ann', 'sell', '5', '101.00']]);
  assert.deepEqual(now.filter(({ type }) => type === 'position').map(({ account, quantity }) => [account, quantity]), [['bob', '-10'], ['ann', '10']].sort());
  const fromSnapshot = lines(journal('replay', '--from', 'snapshot', '--to', end, '--json', ...BOUNDS).stdout).at(-1);
  assert.equal(fromSnapshot.hash, now.at(-1).hash);
  assert.ok(fromSnapshot.inputs < now.at(-1).inputs);

  // verify: right, with a hash that was seen and the snapshots; from a snapshot; and a hash that is another
  const right = journal('verify', '--hash', `${seen.seq}:${hash}`, ...BOUNDS);
  assert.match(right.stdout, /\nOK\n$/, right.stdout + right.stderr);
  assert.equal(right.status, 0);
  assert.ok(Number(/and (\d+) states/.exec(right.stdout)[1]) >= 2);
  assert.match(journal('verify', '--from', 'snapshot', ...BOUNDS).stdout, /\nOK\n$/);
  assert.match(journal('verify', '--hash', '3:00000000000000ff', ...BOUNDS).stdout, /DIFFERENT: after input 3 the replay's state hash is \w+, --hash says 00000000000000ff/);

  // a snapshot of another version is no difference, and not passed over in silence
  let first = 0;
  for (const chunk of anotherVersion(await desk.stream('snapshots'))) first ||= await desk.publish(`venuesnapshot.${MIC}.1`, chunk(first));
  const beside = journal('verify', ...BOUNDS);
  assert.match(beside.stdout, /\n1 snapshots of another version were not compared\n[^]*\nOK\n$/, beside.stdout + beside.stderr);

  // an export says the same without a server
  const kept = path.join(folder, 'kept'), forged = path.join(folder, 'forged');
  assert.equal(journal('export', '--out', kept, '--to', end).status, 0);
  assert.match(journal('export', '--out', kept, '--to', end).stderr, /is there already/, 'what was kept is not written over');
  await server.stop();
  const away = tickwire('journal', 'verify', '--file', kept, '--complete', '--json', ...BOUNDS);
  assert.deepEqual([away.status, lines(away.stdout)[0].verdict, lines(away.stdout)[0].hash], [0, 'OK', now.at(-1).hash], away.stdout);
  assert.equal(tickwire('journal', 'show', '--file', kept, '--account', 'ann', '--to', `${ask + 2}`).stdout, shown);

  // forged, with a checksum that fits: the report is named; damaged: the place
  mkdirSync(forged);
  for (const name of ['orders.twj', 'execlog.twj']) copyFileSync(path.join(kept, name), path.join(forged, name));
  forge(path.join(forged, 'execlog.twj'), (payload) => {
    const at = payload.indexOf('req-1');
    if (at >= 0) payload[at + 4] = '2'.charCodeAt(0);
    return at >= 0;
  });
  const found = tickwire('journal', 'verify', '--file', forged, ...BOUNDS);
  assert.equal(found.status, 1);
  assert.match(found.stdout, new RegExp(`DIFFERENT: .*report ${bid}-0: correlation_id is "req-2", the replay says "req-1"`));
  const orders = readFileSync(path.join(forged, 'orders.twj'));
  orders[orders.length >> 1] ^= 1;
  writeFileSync(path.join(forged, 'orders.twj'), orders);
  assert.match(tickwire('journal', 'replay', '--file', forged, ...BOUNDS).stderr, /orders\.twj: a message is damaged \(its checksum is another\) at offset \d+/);
  assert.match(tickwire('journal', 'show', '--file', kept, '--exchange', 'XTST').stderr, /is of TWEX shard 1/);
});

test('a stream with a hole or without its beginning is not replayed', async () => {
  const { server, desk } = await startVenue();
  const manager = await desk.connection.jetstreamManager();
  await manager.streams.add({ name: `${MIC}-orders-1`, subjects: [`control.${MIC}.1`] });
  for (let i = 0; i < 4; i++) await desk.control([]);
  await manager.streams.deleteMessage(`${MIC}-orders-1`, 3);
  const replay = () => tickwire('journal', 'replay', '--url', server.url);
  assert.match(replay().stderr, /TWEX-orders-1 has holes: 1 messages between 1 and 4 were deleted/);
  await manager.streams.purge(`${MIC}-orders-1`, { seq: 4 });
  assert.match(replay().stderr, /TWEX-orders-1 begins at 4: what came before is not there/);
  assert.equal(replay().status, 1);
});

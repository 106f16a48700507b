// `tickwire venue`, `order`, `orders`, `positions`, `executions` and `simulate --orders` against a real matcher; an instrument that
// moves to a second one.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'nats';
import { gatewayProgram, startGateway } from './lib/gateway.mjs';
import { folder, NatsServer, Program, root, run, tickwireProgram, until } from './lib/programs.mjs';
import { limit, Matcher } from './lib/venue.mjs';
import { decodeAs, encodeAs } from './lib/wire.mjs';

const server = await NatsServer.start({ jetstream: true });
const matchers = [];
after(async () => {
  for (const one of matchers) await one.program.stop('SIGKILL');
});

const env = { ...process.env, TICKWIRE_URL: server.url, TICKWIRE_TIMEOUT: '5s' };
/** A command to its end: { status, stdout, stderr }. */
const say = (...words) => run(tickwireProgram, words, { env });
/** The same with --json: { status, stderr, lines }. */
const ask = (...words) => {
  const { status, stdout, stderr } = say(...words, '--json');
  return { status, stderr, lines: stdout.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line)) };
};
const order = (account, ...words) => ask('order', ...words, '--account', account);

const file = path.join(folder, 'venue.txt');
const venue = (shards) => `
exchange TWEX
shards ${shards}
instrument AAPL tick=0.01 collar=10% protection=5% reference=187.20   # lives on shard 1 of 1 and of 2
instrument MSFT tick=0.01 reference=400
instrument BRK.B ticks=0:0.01,100:0.05 lot=10
fees 0 maker=-10ppm taker=30ppm
account ann
account bob
limits ann funds=10000001 exposure=unlimited order-quantity=10k order-notional=2M position=50k open-orders=101 concentration=unlimited
limits bob funds=unlimited exposure=unlimited order-quantity=10k order-notional=2M position=50k open-orders=100 concentration=unlimited
day today end=2099-01-01T00:00:00Z
open all
`;

/** A server that says it wants TLS, and then nothing: frozen within the handshake. `asked` counts its connections. */
async function frozenServer() {
  const self = { asked: 0 }, info = { server_id: 'X', version: '2.10.0', proto: 1, host: '127.0.0.1', port: 1, headers: true, max_payload: 1048576, tls_required: true };
  const listener = net.createServer((socket) => {
    self.asked++;
    socket.on('error', () => {});
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
  });
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  listener.unref();
  return Object.assign(self, { url: `nats://127.0.0.1:${listener.address().port}`, close: () => listener.close() });
}

test('a frozen server holds a command for its time only, and not at all once it is told to end', { timeout: 60_000 }, async () => {
  const commands = [['tap', 'XNAS.>'], ['top', '--plain'], ['venue', 'show'], ['orders', '--account', 'ann']];
  const start = async (words, ...more) => {
    const frozen = await frozenServer();
    const program = new Program(tickwireProgram, [...words, '--url', frozen.url, ...more]);
    await until(`${words} to ask the server`, () => frozen.asked > 0);
    return { frozen, program };
  };
  await Promise.all([...commands, ['journal', 'list']].flatMap((words) => ['SIGTERM', 'SIGINT'].map(async (signal) => {
    const { frozen, program } = await start(words, ...(words[0] === 'journal' ? [] : ['--connect-timeout', '1h']));
    assert.equal(await program.stop(signal), 1, `${words}: ${program.stderr}`);
    assert.match(program.stderr, /connecting to nats:\S+: interrupted/);
    assert.equal(frozen.asked, 1, `${words}`);
    frozen.close();
  })));
  await Promise.all(commands.map(async (words) => { // a try takes 2.5 s; 4 of them followed each other when tries were counted
    const { frozen, program } = await start(words, '--connect-timeout', '3s');
    assert.equal(await program.end(), 1, `${words}: ${program.stderr}`);
    assert.match(program.stderr, /the server does not answer/);
    assert.ok(frozen.asked <= 2, `${words}: ${frozen.asked} tries`);
    frozen.close();
  }));
});

test('words are checked before anything is connected to', () => {
  const nowhere = ['--url', 'nats://127.0.0.1:1', '--connect-timeout', '1s'], ann = ['--account', 'ann'];
  const bad = path.join(folder, 'bad.txt');
  writeFileSync(bad, 'opne AAPL\n');
  for (const [words, said] of [
    [['venue', 'bogus'], /'bogus' is no command of the venue/],
    [['venue', 'opne', 'AAPL'], /did you mean open\?/],
    [['venue', 'show', 'ann', 'bob'], /'bob' is too much/],
    [['venue', 'move', 'AAPL'], /move what, and where/],
    [['venue', 'move', 'AAPL', 'tick=x', '--to', '2'], /'x'/],
    [['venue', 'apply', bad], /line 1: 'opne' is no command/],
    [['order', 'buy', 'AAPL', '0', ...ann], /the quantity is 0/],
    [['order', 'buy', 'AAPL', 'ten', ...ann], /the quantity 'ten' is no number/],
    [['order', 'buy', 'AAPL', '1', '@', '0', ...ann], /the price '0' is not above 0/],
    [['order', 'buy', 'AAPL', '1.5k', '@', '187.205', '--tif', 'often', ...ann], /--tif 'often' is none of/],
    [['order', 'replace', '1-2-0', '@', 'x', ...ann], /the price 'x' is no number/],
    [['tap', 'XNAS..quote'], /'XNAS\.\.quote' is no subject/],
  ]) {
    const { status, stderr } = say(...words, ...nowhere);
    assert.deepEqual([status, said.test(stderr)], [2, true], `${words.join(' ')}: ${stderr}`);
  }
  const gateway = run(gatewayProgram, ['--nats', 'nats://127.0.0.1:1', '--venue', 'TWEX']);
  assert.deepEqual([gateway.status, /--venue wants --redis/.test(gateway.stderr)], [2, true], gateway.stderr);
});

test('without a venue, and without an engine, it is said what is missing', async () => {
  const none = say('order', 'buy', 'TWEX.AAPL', '100', '@', '187.20', '--account', 'ann');
  assert.equal(none.status, 1);
  assert.match(none.stderr, /there is no venue TWEX here.*Start tickwire-matcher/);
  const first = await Matcher.start(server);
  await first.kill(); // its streams are there
  const stored = ask('venue', 'kill', 'all', '--timeout', '300ms');
  assert.equal(stored.status, 3);
  assert.equal(stored.lines[0].outcome, 'NO_ANSWER');
  assert.equal(stored.lines[0].seq, '1');
  const silent = say('orders', '--account', 'ann', '--timeout', '300ms');
  assert.equal(silent.status, 1);
  assert.match(silent.stderr, /shard 1 of TWEX does not answer/);
  const unheard = say('order', 'buy', 'AAPL', '1', '--account', 'ann', '--timeout', '300ms');
  assert.equal(unheard.status, 1);
  assert.match(unheard.stderr, /shard 1 of TWEX does not answer, nothing was sent/);
  const exported = run(tickwireProgram, ['tap', '--url', 'nats://127.0.0.1:1', '--connect-timeout', '100ms', 'x'], { env: { ...env, TICKWIRE_ACCOUNT: 'ann' } });
  assert.doesNotMatch(exported.stderr, /TICKWIRE_ACCOUNT/, 'a variable of another command is none of its business');
});

test('a file may be applied while the first matcher is still starting; where none does, that is said', async () => {
  const early = await NatsServer.start({ jetstream: true });
  const example = path.join(root, 'docs/examples/venue.txt');
  const never = say('venue', 'apply', example, '--url', early.url, '--connect-timeout', '1s');
  assert.equal(never.status, 1);
  assert.match(never.stderr, /waits up to 1 s for it.*\n.*there is no venue TWEX here: no order stream, no heartbeat\. Start tickwire-matcher/);
  const apply = new Program(tickwireProgram, ['venue', 'apply', example, '--url', early.url, '--connect-timeout', '60s'], { env: { ...env, TICKWIRE_TIMEOUT: '60s' } });
  await apply.says(/there is no venue TWEX here yet: waits up to 60 s/);
  matchers.push(await Matcher.start(early));
  assert.equal(await apply.end(), 0, apply.stderr);
  assert.match(apply.stdout, /TWEX: \d+ commands done at 1 shard, 0 refused, 0 not stored, 0 not answered/);
  await matchers.pop().program.stop('SIGKILL');
});

test('a file sets the venue up; each command is answered by the engine; applied again it changes nothing', async () => {
  matchers.push(await Matcher.start(server, { args: ['--shards', '2'] }));
  assert.equal(say('venue', 'unkill', 'all').status, 0); // what was stored meanwhile has happened
  writeFileSync(file, `${venue(1)}opne AAPL\n`);
  const bad = say('venue', 'apply', file);
  assert.equal(bad.status, 2);
  assert.match(bad.stderr, /line 14: 'opne' is no command of the venue: did you mean open\?/);
  assert.equal(ask('venue', 'show').lines.filter((one) => one.type === 'instrument').length, 0, 'nothing of a bad file was sent');
  const before = say('venue', 'open', 'all'); // of a venue without instruments and without a day
  assert.equal(before.status, 0);
  writeFileSync(file, venue(1));
  const applied = ask('venue', 'apply', file, '--verbose');
  assert.equal(applied.status, 0, applied.stderr);
  assert.deepEqual([...new Set(applied.lines.map((one) => one.outcome))], ['DONE']);
  assert.equal(applied.lines.length, 12);
  assert.match(before.stdout, /^nothing to do: no instrument lives at the shards of TWEX/);
  const again = say('venue', 'apply', file);
  assert.equal(again.status, 0);
  assert.match(again.stdout, /line 12: shard 1: day \S+: nothing to do, that day has begun already and is open until 2099-01-01T00:00:00\S*Z\nTWEX: 11 commands done at 1 shard, 0 refused/);
  writeFileSync(file, '# nothing yet\nexchange TWEX\n');
  const empty = say('venue', 'apply', file);
  assert.equal(empty.status, 2);
  assert.match(empty.stderr, /venue\.txt has no command in it, nothing was sent/);
  const shown = ask('venue', 'show').lines;
  assert.equal(shown[0].running, true);
  assert.deepEqual(shown.filter((one) => one.type === 'instrument').map((one) => [one.symbol, one.state, one.shard]),
    [['AAPL', 'OPEN', 1], ['BRK.B', 'OPEN', 1], ['MSFT', 'OPEN', 1]]);
});

test('an order is sent, traded, replaced and cancelled; what is wrong is said before or by the engine', () => {
  const resting = order('ann', 'buy', 'TWEX.AAPL', '100', '@', '187.20', '--client-id', 'a1', '--tif', 'gtc');
  assert.equal(resting.status, 0, resting.stderr);
  const [pending, accepted] = resting.lines;
  assert.equal(pending.state, 'PENDING');
  assert.equal(accepted.kind, 'ACCEPTED');
  assert.equal(accepted.order_id, pending.order_id);
  assert.equal(accepted.correlation_id, pending.correlation_id);
  const twice = order('ann', 'buy', 'TWEX.AAPL', '100', '@', '187.20', '--client-id', 'a1');
  assert.deepEqual([twice.lines[1].duplicate, twice.lines[1].order_id], [true, pending.order_id], 'a resend is the first order');

  const other = order('ann', 'buy', 'TWEX.AAPL', '50', '@', '187.20', '--client-id', 'a1');
  assert.equal(other.status, 1, 'the name stands for another order');
  assert.match(other.stderr, /client id a1 was used before/);
  const partly = say('venue', 'instrument', 'AAPL', 'tick=0.01');
  assert.equal(partly.status, 2, 'what is not named would be lost');
  assert.match(partly.stderr, /AAPL is there already.*lot=.*collar=.*protection=/);
  assert.match(say('venue', 'day', '2162-11-21', '--end', '21:00').stderr, /say far=yes/);

  const taken = order('bob', 'sell', 'AAPL', '60');
  assert.deepEqual(taken.lines.map((one) => one.kind ?? one.state), ['PENDING', 'ACCEPTED', 'FILL']);
  assert.equal(taken.lines[2].last_price, '187.2000');
  assert.equal(taken.lines[2].liquidity, 'taker');
  assert.equal(taken.lines[2].fee, '0.3370');

  const [row] = ask('orders', '--account', 'ann').lines;
  assert.deepEqual([row.order_id, row.quantity, row.leaves, row.executed, row.client_order_id],
    [pending.order_id, '100', '40', '60', 'a1']);
  assert.match(say('orders', 'TWEX.AAPL', '--account', 'ann').stdout, /^ORDER .*\n\S+ +AAPL +buy +limit +gtc +100 +40 /);
  const [held] = ask('positions', '--account', 'bob').lines;
  assert.deepEqual([held.symbol, held.quantity, held.average_price, held.cost], ['AAPL', '-60', '187.2000', '11232.0000']);
  assert.deepEqual(ask('executions', 'TWEX.AAPL', '--account', 'ann').lines.filter((one) => one.kind === 'FILL').map((one) => one.execution_id),
    [taken.lines[2].execution_id.replace(/-(\d+)$/, (_, n) => `-${Number(n) + 1}`)], 'the other side of that trade');

  assert.equal(order('ann', 'replace', pending.order_id, '80', '@', '187.10').lines[1].kind, 'REPLACED');
  assert.equal(order('ann', 'replace', 'TWEX.AAPL', '--client-id', 'a1', '@', '187.05').lines[1].price, '187.0500');
  const cancelled = say('order', 'cancel', pending.order_id, '--account', 'ann');
  assert.match(cancelled.stdout, /CANCELLED +\S+ TWEX\.AAPL buy 80 @ 187\.0500, executed 60: REQUESTED/);
  const gone = order('ann', 'cancel', pending.order_id);
  assert.equal(gone.status, 1);

  for (const [words, status, said] of [
    [['buy', 'TWEX.AAPLE', '100', '@', '1'], 1, /no instrument AAPLE: did you mean AAPL\?/],
    [['buy', 'AAPL', '100', '@', '187.205'], 2, /not on the tick of AAPL, which is 0\.0100/],
    [['buy', 'BRK.B', '15', '@', '10'], 2, /no multiple of the lot of BRK\.B, which is 10/],
    [['cancel', '1-999999-0'], 1, /has no open order 1-999999-0/],
  ]) {
    const { status: exit, stderr } = order('ann', ...words);
    assert.match(stderr, said);
    assert.equal(exit, status);
  }
  assert.match(order('zed', 'buy', 'AAPL', '1', '@', '187').stderr, /TWEX has no account zed at shard 1, where AAPL lives/);
  const far = order('ann', 'buy', 'AAPL', '100', '@', '100');
  assert.deepEqual([far.status, far.lines[1].reason], [1, 'PRICE_COLLAR']);
});

/** A wire to the server that breaks right after the first message with `words` has gone through, before anything comes back. */
async function breakingWire(words) {
  let broken = false;
  const wire = net.createServer((client) => {
    const upstream = net.connect(Number(new URL(server.url).port), '127.0.0.1');
    let muted = false;
    client.on('data', (bytes) => {
      const last = !broken && bytes.includes(words);
      muted ||= last;
      broken ||= last;
      upstream.write(bytes, () => last && setTimeout(() => client.destroy(), 50));
    });
    upstream.on('data', (bytes) => muted || client.write(bytes));
    for (const [one, other] of [[client, upstream], [upstream, client]]) {
      one.on('close', () => other.destroy());
      one.on('error', () => {});
    }
  });
  await new Promise((resolve) => wire.listen(0, '127.0.0.1', resolve));
  return { url: `nats://127.0.0.1:${wire.address().port}`, close: () => wire.close(), wasBroken: () => broken };
}

test('an order whose acknowledgement is lost is sent again under its name, and is there once', async () => {
  const wire = await breakingWire('PUB orders.TWEX.1.bob.BRK%2EB');
  const sent = new Program(tickwireProgram, ['order', 'buy', 'BRK.B', '20', '@', '50', '--account', 'bob', '--json', '--url', wire.url], { env });
  assert.equal(await sent.end(), 0, sent.stderr);
  wire.close();
  assert.ok(wire.wasBroken());
  assert.match(sent.stderr, /no acknowledgement .*sent again, 2 of 3/);
  const [pending, accepted] = sent.stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(pending.order_id, undefined, 'which of the two it became is not known yet');
  assert.deepEqual([accepted.kind, accepted.duplicate, accepted.client_order_id], ['ACCEPTED', true, pending.client_order_id]);
  assert.deepEqual(ask('orders', 'BRK.B', '--account', 'bob').lines.map((one) => one.order_id), [accepted.order_id]);
});

test('halts, blocks, the kill switch, a mass cancel and limits do what they say, and say what they did', () => {
  assert.equal(say('venue', 'halt', 'TWEX.AAPL').status, 0);
  assert.equal(order('ann', 'buy', 'AAPL', '1', '@', '187').lines[1].reason, 'HALTED');
  say('venue', 'open', 'AAPL');
  say('venue', 'block', 'ann', 'AAPL');
  assert.equal(order('ann', 'buy', 'AAPL', '1', '@', '187').lines[1].reason, 'INSTRUMENT_BLOCKED');
  say('venue', 'unblock', 'ann', 'AAPL');
  for (let i = 0; i < 2; i++) assert.equal(order('ann', 'buy', 'AAPL', `${10 + i}`, '@', '187').status, 0);
  assert.equal(ask('venue', 'cancel', 'ann', 'side=sell').lines[0].orders, undefined);
  assert.match(say('venue', 'kill', 'ann').stdout, /shard 1: kill ann: done, 2 orders cancelled/);
  assert.equal(order('ann', 'buy', 'AAPL', '1', '@', '187').lines[1].reason, 'KILL_SWITCH');
  say('venue', 'unkill', 'ann');
  const refused = ask('venue', 'kill', 'zed');
  assert.deepEqual([refused.status, refused.lines[0].outcome, refused.lines[0].reason], [1, 'REFUSED', 'UNKNOWN_ACCOUNT']);
  assert.equal(say('venue', 'limits', 'ann', 'order-quantity=5').status, 0);
  assert.equal(order('ann', 'buy', 'AAPL', '6', '@', '187').lines[1].reason, 'ORDER_SIZE');
  const [account] = ask('venue', 'show', 'ann').lines;
  assert.deepEqual([account.order_quantity, account.position, account.funds], ['5', '50000', '10000001.0000'], 'the others stay');
  const told = say('executions', '--account', 'ann').stdout;
  for (const words of [/DONE +define account\n/, /DONE +set limits\n/, /DONE +TWEX\.AAPL block or unblock\n/, /DONE +kill or unkill, 2 orders cancelled\n/,
    /ACCEPTED +\S+ TWEX\.AAPL buy 100 @ 187\.2000 gtc\n/, /FILL +\S+ TWEX\.AAPL buy 60 @ 187\.2000, left 40/, /REJECTED +\S+ TWEX\.AAPL buy 6 @ 187\.0000: ORDER_SIZE, \S/])
    assert.match(told, words);
  assert.match(say('executions', '--account', 'bob').stdout, /ACCEPTED +\S+ TWEX\.AAPL sell 60 at the market ioc\n/);
  const reports = ask('executions', '--account', 'ann').lines;
  assert.deepEqual(reports.filter((one) => one.kind === 'DONE' && one.orders > 0).map((one) => [one.command, one.orders]), [['SET_KILL', 2]]);
  assert.ok(!JSON.stringify(reports).includes('counter'), 'whom an order met is not told to its account');
  assert.match(say('venue', 'limits', 'carol', 'funds=1').stderr, /carol has no limits at shard 1 yet: say exposure=/);
});

test('the crowd trades, alone or in batches, all of it is answered, and the books hold', async () => {
  const tap = new Program(tickwireProgram, ['tap', 'TWEX.>', 'feed.>', '--verify', '--json'], { env });
  await server.isQuiet('tickwire tap');
  const crowd = (...more) => JSON.parse(run(tickwireProgram,
    ['simulate', '--orders', '--setup', '--url', server.url, '--symbols', '3', '--accounts', '8', '--json', ...more]).stdout);
  const alone = crowd('--rate', '0', '--commands', '3000', '--tag', 'one');
  assert.deepEqual([alone.commands, alone.messages, alone.acknowledged, alone.all_reported], [3000, 3000, 3000, true]);
  assert.ok(alone.reports.FILL > 100, `only ${alone.reports.FILL} executions`);
  const batched = crowd('--rate', '0', '--commands', '3000', '--batch', '100', '--tag', 'two');
  assert.deepEqual([batched.commands, batched.acknowledged], [3000, 3000]);
  assert.ok(batched.messages < 100, `${batched.messages} messages`);
  await server.isQuiet('tickwire tap');
  tap.kill('SIGINT');
  assert.equal(await tap.end(), 0, tap.stdout);
  // A stream that takes no more: what it refuses is counted, and the exit code says that not all is well. A leader that looks in between says
  // that there is no room (docs/venue.md, storage), in a message of its own, and then less of the crowd's fits.
  const desk = await connect({ servers: server.url }), { streams } = await desk.jetstreamManager();
  const { config, state } = await streams.info('TWEX-orders-1');
  const controls = async () => (await streams.info(config.name, { subjects_filter: 'control.>' })).state.subjects['control.TWEX.1'];
  const before = await controls();
  await streams.update(config.name, { ...config, max_msgs: state.messages + 20 });
  const full = run(tickwireProgram, ['simulate', '--orders', '--url', server.url, '--accounts', '8', '--commands', '60', '--rate', '0', '--tag', 'three', '--json']);
  const room = 20 - (await controls() - before);
  await streams.update(config.name, config);
  await desk.close();
  const refused = JSON.parse(full.stdout);
  assert.deepEqual([full.status, refused.acknowledged, refused.refused_by_stream], [1, room, 60 - room]);
  assert.ok(room >= 15, `${room} of 20 were the crowd's`);
  assert.match(refused.trouble, /maximum messages exceeded/);
});

test('an instrument moves to a second shard: its orders are cancelled, the directory tells the new one, limits are divided', async () => {
  matchers.push(await Matcher.start(server, { shard: 2, args: ['--shards', '2'] }));
  say('venue', 'instrument', 'NEW', 'tick=0.01', 'shard=2', 'lot=1', 'collar=none', 'protection=5%');
  assert.match(say('venue', 'open', 'NEW').stderr, /shard 2 has no trading day open \(none was ever begun\): orders are refused there until/);
  assert.match(say('venue', 'move', 'TWEX.MSFT', '--to', '2').stderr, /shard 2 has not begun the trading day that is open at shard 1: apply the venue file first/);
  writeFileSync(file, venue(2));
  const applied = ask('venue', 'apply', file, '--verbose');
  assert.equal(applied.status, 0, applied.stderr);
  const funds = ask('venue', 'show', 'ann').lines.map((one) => [one.shard, one.funds, one.open_orders_limit, one.order_quantity]);
  assert.deepEqual(funds, [[1, '5000000.5000', 51, '10000'], [2, '5000000.5000', 50, '10000']]);

  assert.match(say('venue', 'move', 'TWEX.MSFT', '--to', '3').stderr, /shard 3 does not run/);
  const { lines: [, resting] } = order('ann', 'buy', 'MSFT', '10', '@', '100', '--tif', 'gtc');
  assert.equal(resting.shard, 1);
  assert.equal(say('venue', 'block', 'ann', 'MSFT').status, 0);
  const held = say('venue', 'move', 'TWEX.MSFT', '--to', '2');
  assert.equal(held.status, 1);
  assert.match(held.stderr, /accounts with a position in MSFT \(\S+ -?\d+.*positions don't move.*--leave-positions.*Nothing was done/);
  assert.equal(ask('orders', 'MSFT', '--account', 'ann').lines.length, 1, 'nothing was done');
  const moved = say('venue', 'move', 'TWEX.MSFT', '--to', '2', '--leave-positions');
  assert.equal(moved.status, 0, moved.stderr + moved.stdout);
  assert.match(moved.stdout, /shard 1: cancel all MSFT: done, \d+ orders cancelled/);
  assert.match(moved.stdout, /shard 2: block ann MSFT: done/);
  assert.match(moved.stdout, /shard 1: moved MSFT: done/);
  assert.match(moved.stdout, /MSFT lives on shard 2 now/);
  assert.match(moved.stdout, /left on shard 1: the positions of \d+ accounts/);
  const rows = (type) => ask('venue', 'show').lines.filter((one) => one.type === type && one.symbol === 'MSFT');
  const where = () => rows('instrument').map((one) => [one.shard, one.state]);
  await until('the directory to tell the new shard alone', () => JSON.stringify(where()) === '[[2,"CLOSED"]]');
  assert.deepEqual(rows('moved').map((one) => [one.shard, one.state, one.lives_on]), [[1, 'MOVED', 2]]);
  assert.match(say('venue', 'show').stdout, /\nMSFT +2 +CLOSED .*\nMSFT +1 +MOVED +- +- +lives on shard 2\nNEW +2 /);
  assert.equal(say('venue', 'open', 'all').status, 0); // those that live at each shard: what has left does not come back
  await until('the new shard to be open', () => JSON.stringify(where()) === '[[2,"OPEN"]]');
  const blocked = order('ann', 'buy', 'MSFT', '10', '@', '390');
  assert.deepEqual([blocked.lines[1].reason, blocked.lines[1].shard], ['INSTRUMENT_BLOCKED', 2], 'its block has come along');
  say('venue', 'unblock', 'ann', 'MSFT');
  const there = order('ann', 'buy', 'MSFT', '10', '@', '390');
  assert.deepEqual([there.status, there.lines[1].kind, there.lines[1].shard], [0, 'ACCEPTED', 2]);
  assert.deepEqual(ask('orders', '--account', 'ann').lines.map((one) => [one.symbol, one.shard ?? one.order_id.split('-')[0]]), [['MSFT', '2']]);
  const killed = ask('venue', 'kill', 'ann').lines.map((one) => [one.shard, one.outcome, one.orders]);
  assert.deepEqual(killed, [[1, 'DONE', undefined], [2, 'DONE', 1]], 'the kill switch reaches every shard');

  // Back again would put an older leader in a younger one's place: refused until shard 1 has a younger one.
  assert.match(say('venue', 'move', 'MSFT', '--to', '1').stderr, /the leader of shard 1 is older/);
  await matchers[0].program.stop();
  const unknown = say('venue', 'instrument', 'ELSE', 'tick=0.01', 'lot=1', 'collar=none', 'protection=5%');
  assert.deepEqual([unknown.status, /shard 1 does not run, so nobody knows whether ELSE lives there/.test(unknown.stderr)], [1, true], unknown.stderr);
  for (const [account, shards, said] of [['ann', [2], /shard 1 of TWEX does not serve/], ['zed', [], /no shard of TWEX that answers has account zed/]]) {
    const part = ask('venue', 'show', account);
    assert.deepEqual([part.status, part.lines.map((one) => one.shard), said.test(part.stderr)], [3, shards, true], part.stderr);
  }
  const all = ask('venue', 'open', 'all', '--timeout', '300ms'); // shard 1 can't tell what it has: it gets this as it is
  assert.deepEqual(all.lines.filter((one) => one.shard === 1).map((one) => [one.command, one.outcome]), [['open all', 'NO_ANSWER']]);
  matchers[0] = await Matcher.start(server, { args: ['--shards', '2'] });
  assert.equal(JSON.stringify(where()), '[[2,"OPEN"]]', 'neither a restart brings it back, nor what opens everything');
  const there2 = ask('venue', 'open', 'MSFT', 'shard=1');
  assert.deepEqual([there2.status, there2.lines[0].reason], [1, 'MOVED']);
  assert.match(say('venue', 'close', 'MSFT', 'shard=1').stderr, /MSFT lives on shard 2, and to close it on shard 1 would bring it back there, too/);
  assert.match(say('venue', 'moved', 'MSFT', 'shard=2').stderr, /MSFT lives on no other shard that runs/);
  const back = say('venue', 'move', 'MSFT', '--to', '1');
  assert.equal(back.status, 0, back.stderr + back.stdout);
  await until('shard 1 to have it again', () => JSON.stringify(where()) === '[[1,"CLOSED"]]');
  assert.deepEqual(rows('moved').map((one) => [one.shard, one.lives_on]), [[2, 1]]);
});

test('an instrument that is closed and blocked by hand lives where it did: its orders can be cancelled, and a file finds it there', async () => {
  assert.equal(say('venue', 'open', 'MSFT').status, 0); // its name belongs to shard 2 (proto/shard.h), and it lives on shard 1
  const resting = ['500', '501'].map((price) => order('bob', 'sell', 'MSFT', '10', '@', price, '--tif', 'gtc').lines[1]);
  assert.deepEqual(resting.map((one) => [one.kind, one.shard]), [['ACCEPTED', 1], ['ACCEPTED', 1]]);
  const suspend = () => assert.deepEqual([say('venue', 'close', 'MSFT').status, say('venue', 'block', 'all', 'MSFT').status], [0, 0]);
  const where = () => JSON.stringify(ask('venue', 'show').lines.filter((one) => one.type === 'instrument' && one.symbol === 'MSFT').map((one) => [one.shard, one.state]));
  suspend();
  await until('it to be closed where it lives', () => where() === '[[1,"CLOSED"]]');
  await matchers[0].program.stop();
  matchers[0] = await Matcher.start(server, { args: ['--shards', '2'] });
  await until('it to be there after a restart', () => where() === '[[1,"CLOSED"]]');

  // Who reads what is still kept is told that there was more, and a mistyped name is none that merely has no executions.
  const of = (account) => say('executions', '--account', account);
  assert.match(of('bob').stderr, /^tickwire executions: shard 1: kept here behind input \d+: older ones are in execlog$/m);
  assert.deepEqual([of('bob').status, of('tpyo').status, of('tpyo').stdout], [0, 1, '']);
  assert.match(of('tpyo').stderr, /TWEX knows no account tpyo: no such account at this shard/);

  // A gateway that has just come finds it, and so cancels one of its orders; an operator cancels the other.
  const gateway = await startGateway(server, ['--venue', 'TWEX', '--anonymous', 'TWEX.>,feed.>', '--anonymous-accounts', 'bob', '--order-rate', '0']);
  let said;
  await until(() => `the gateway to cancel: ${said}`, async () => {
    const answer = await fetch(`${gateway.url}/v1/orders/${resting[0].order_id}?account=bob`, { method: 'DELETE' });
    said = await answer.text();
    assert.ok(answer.status === 202 || JSON.parse(said).error?.code === 'NO_DIRECTORY', said);
    return answer.status === 202;
  });
  await gateway.stop();
  const open = () => ask('orders', 'MSFT', '--account', 'bob').lines.map((one) => one.order_id);
  await until('the order to be gone', () => JSON.stringify(open()) === JSON.stringify([resting[1].order_id]));
  const cancelled = ask('venue', 'cancel', 'bob', 'MSFT');
  assert.deepEqual([cancelled.status, cancelled.lines[0].shard, cancelled.lines[0].orders], [0, 1, 1], cancelled.stderr);
  assert.equal(say('venue', 'unblock', 'all', 'MSFT').status, 0);
  suspend();

  // Neither a definition nor a whole file makes it anew on the shard of its name.
  const again = ask('venue', 'instrument', 'MSFT', 'tick=0.01', 'lot=1', 'collar=none', 'protection=5%');
  assert.deepEqual([again.status, again.lines.map((one) => [one.shard, one.outcome])], [0, [[1, 'DONE']]], again.stderr);
  const applied = ask('venue', 'apply', file, '--verbose');
  assert.equal(applied.status, 0, applied.stderr);
  assert.deepEqual(applied.lines.filter((one) => / MSFT$/.test(one.command)).map((one) => [one.command, one.shard]), [['instrument MSFT', 1], ['open MSFT', 1]]);
  await until('it to be open at one place', () => where() === '[[1,"OPEN"]]');
  assert.equal(order('bob', 'buy', 'MSFT', '1', '@', '390').lines[1].reason, 'INSTRUMENT_BLOCKED');
  assert.equal(say('venue', 'unblock', 'all', 'MSFT').status, 0);

  // Blocked as it is, it moves, and is blocked there.
  suspend();
  assert.match(say('venue', 'move', 'MSFT', '--to', '2', '--leave-positions').stderr, /the leader of shard 2 is older/);
  await matchers[1].program.stop();
  matchers[1] = await Matcher.start(server, { shard: 2, args: ['--shards', '2'] });
  const moved = say('venue', 'move', 'MSFT', '--to', '2', '--leave-positions');
  assert.equal(moved.status, 0, moved.stderr + moved.stdout);
  await until('it to live on shard 2 alone', () => where() === '[[2,"CLOSED"]]');
  assert.equal(say('venue', 'apply', file).status, 0);
  await until('it to be open there alone', () => where() === '[[2,"OPEN"]]');
  const there = order('bob', 'buy', 'MSFT', '1', '@', '390').lines[1];
  assert.deepEqual([there.reason, there.shard], ['INSTRUMENT_BLOCKED', 2]);
});

test('NATS accounts as in the example let a trader order and ask for its own account, and reach nothing else', async () => {
  for (const user of ['PLATFORM', 'GATEWAY', 'ANN', 'BOB']) process.env[`${user}_PASSWORD`] = `of-${user.toLowerCase()}`;
  const config = readFileSync(path.join(root, 'docs/examples/venue-nats.conf'), 'utf8').replace('jetstream: enabled', '');
  const guarded = await NatsServer.start({ jetstream: true, config });
  const as = (user) => guarded.url.replace('//', `//${user}:of-${user}@`);
  const client = (user) => connect({ servers: guarded.url, user, pass: `of-${user}` });
  const matcher = await Matcher.start({ url: as('platform') });
  matchers.push(matcher);
  assert.equal(say('venue', 'apply', path.join(root, 'docs/examples/venue.txt'), '--url', as('platform')).status, 0);
  const bob = await client('bob');
  const heard = [];
  bob.subscribe('>', { callback: (error, { subject, data }) => heard.push({ subject, data }) });
  await bob.flush();
  const trader = (user, account, ...words) => say(...words, '--url', as(user), '--account', account);
  assert.match(trader('ann', 'ann', 'order', 'buy', 'AAPL', '100', '@', '187.20', '--tif', 'gtc').stdout, /ACCEPTED +1-2-0/);
  assert.match(trader('bob', 'bob', 'order', 'sell', 'AAPL', '60', '--inbox-prefix', '_INBOX_bob').stdout, /FILL .* 60 @ 187\.2000/);
  const [own, others] = [trader('ann', 'ann', 'orders'), trader('bob', 'ann', 'orders')];
  assert.deepEqual([own.status, others.status], [0, 1], own.stderr + others.stdout);
  assert.match(own.stdout, /AAPL/);
  assert.match(others.stderr, /does not let this user ask: .*Publish to "query\.TWEX\.1\.ann"/i);
  const foreign = trader('bob', 'ann', 'order', 'buy', 'AAPL', '1', '@', '187');
  assert.equal(foreign.status, 1);
  assert.match(foreign.stderr, /nothing happened, .*Publish to "orders\.TWEX\.1\.ann\.AAPL"/i);
  await until('the reports, and market data', () => ['exec.bob', 'TWEX.AAPL.trade'].every((subject) => heard.some((one) => one.subject === subject)));
  const reports = heard.filter((one) => one.subject === 'exec.bob').flatMap((one) => decodeAs('ExecutionReports', one.data).reports);
  assert.deepEqual(reports.map((one) => one.kind).slice(-2), ['REPORT_ACCEPTED', 'REPORT_FILL']);
  const foreignSubjects = new Set(heard.map((one) => one.subject).filter((one) => !/^(TWEX|feed\.TWEX|fills\.TWEX)\.|^exec\.bob$|^instruments\.TWEX|\.TWEX\.1\.bob\b|^_INBOX/.test(one)));
  assert.deepEqual([...foreignSubjects], [], 'of everything that there is, it hears its own and market data');

  // what a client of its own could try: the question about anybody, another's orders, another's reports, control, the streams
  const refused = [];
  (async () => { for await (const { type, permissionContext: what } of bob.status()) if (type === 'error') refused.push(`${what.operation} ${what.subject}`); })();
  for (const subject of ['query.TWEX.1', 'query.TWEX.1.ann', 'control.TWEX.1', 'orderbatch.TWEX.1', 'orders.TWEX.1.ann.AAPL', 'execlog.TWEX.1', 'exec.ann', '$JS.API.STREAM.LIST']) bob.publish(subject);
  await until(() => `eight refusals: ${refused}`, () => refused.length === 8);
  // its own subject answers about itself whatever it says
  const question = (account) => encodeAs('Query', { kind: 'QUERY_POSITIONS', account });
  const mine = decodeAs('QueryReply', (await bob.request('query.TWEX.1.bob', question(''))).data);
  assert.deepEqual([mine.code, mine.account, mine.positions.length], ['REPLY_OK', 'bob', 1]);
  assert.equal(decodeAs('QueryReply', (await bob.request('query.TWEX.1.bob', question('ann'))).data).code, 'REPLY_BAD_REQUEST');
  assert.equal(decodeAs('SnapshotReply', (await bob.request('snapshot.TWEX.AAPL.orderbook')).data).code, 'REPLY_OK');

  // The server publishes acknowledgements, and a matcher its answers, where the asker says, with more rights than the asker has.
  const platform = await client('platform'), gateway = await client('gateway');
  const { streams } = await platform.jetstreamManager();
  const state = async (word) => (({ first_seq: first, last_seq: last, messages }) => ({ first, last, messages }))((await streams.info(`TWEX-${word}-1`)).state);
  const [orders, execlog] = [await state('orders'), await state('execlog')];
  const buy = encodeAs('OrderBatch', { commands: [limit('bob', 'buy', 1, 1_800_000)] });
  let strayed = 0;
  for (const subject of ['control.TWEX.1', 'orders.TWEX.1.ann.AAPL', 'exec.ann']) platform.subscribe(subject, { callback: () => strayed++ });
  await platform.flush();
  const elsewhere = ['execlog.TWEX.1', '$JS.API.STREAM.PURGE.TWEX-orders-1', 'control.TWEX.1', 'orders.TWEX.1.ann.AAPL', 'exec.ann'];
  for (const reply of elsewhere) {
    bob.publish('orders.TWEX.1.bob.AAPL', buy, { reply });
    bob.publish('query.TWEX.1.bob', question(''), { reply });
  }
  for (const reply of elsewhere.slice(2)) gateway.publish('query.TWEX.1', question('bob'), { reply }); // of the account that has the streams
  await gateway.flush();
  const { seq } = JSON.parse((await bob.request('orders.TWEX.1.bob.AAPL', buy)).string());
  assert.equal(seq, orders.last + elsewhere.length + 1, 'acknowledged, each order once');
  await until('the reports', async () => (await matcher.metrics()).journaled_seq >= seq);
  await bob.request('query.TWEX.1.bob', question(''));
  await platform.flush();
  assert.deepEqual(await state('orders'), { first: 1, last: seq, messages: seq });
  const after = await state('execlog');
  assert.deepEqual([after.first, after.messages], [1, after.last]);
  for (let at = execlog.last + 1; at <= after.last; at++) {
    const batch = decodeAs('ExecutionBatch', (await streams.getMessage('TWEX-execlog-1', { seq: at })).data);
    assert.ok(batch.reports.every((one) => one.kind === 'REPORT_ACCEPTED'));
  }
  const ready = await matcher.get('/readyz');
  assert.equal(ready.status, 200, await ready.text());
  assert.equal(strayed, 0);
  await Promise.all([bob.close(), platform.close(), gateway.close()]);
});

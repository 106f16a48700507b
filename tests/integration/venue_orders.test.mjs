// Orders through the gateway, on a real JetStream and a real Redis; the venue behind them does what the test says.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { connect } from 'nats';
import WebSocket from 'ws';
import { Answers, schemasOf } from './lib/documents.mjs';
import { StreamClient, startGateway } from './lib/gateway.mjs';
import { newKey, signed } from './lib/issuer.mjs';
import { NatsServer, folder, logLines, logged, sleep, tickwire, until } from './lib/programs.mjs';
import { parsePrometheus } from './lib/prometheus.mjs';
import { RedisServer } from './lib/redis_server.mjs';
import { STREAM, ScriptedVenue } from './lib/scripted_venue.mjs';
import { Desk, Matcher, startVenue } from './lib/venue.mjs';
import { decodeAs, encodeAs, type } from './lib/wire.mjs';

const [nats, redis] = await Promise.all([NatsServer.start({ jetstream: true }), RedisServer.start()]);
let answers, told;
const venue = await ScriptedVenue.start(nats, { instruments: { AAPL: [-2, 0], 'BRK.B': [-4, -1] }, accounts: ['ann', 'bob'] });
const secret = path.join(folder, 'secret'), key = await newKey('HS256', 'k');
writeFileSync(secret, key.secret);
const orders = (more = []) => startGateway(nats, ['--venue', 'TWEX', '--redis', redis.url, '--order-rate', '0', '--log-level', 'debug', ...more]);
after(() => Promise.all([venue.stop(), open.stop('SIGKILL'), redis.stop()]));
const withTokens = ['--auth-secret', secret];
const open = await orders(['--anonymous-accounts', 'ann,bob', '--order-timeout', '700ms', '--session-timeout', '2s']);
await until('the directory', async () => (await http(open, 'POST', '/v1/orders', { account: 'ann', symbol: 'NONE', side: 'buy', quantity: 1, price: 1 })).code === 'UNKNOWN_SYMBOL');
answers = new Answers(await (await fetch(`${open.url}/v1/openapi.json`)).json());
told = schemasOf(await (await fetch(`${open.url}/v1/asyncapi.json`)).json());

/** Held against the OpenAPI document, where it knows the path. */
async function http(gateway, method, where, body, { headers = {}, contentType = 'application/json' } = {}) {
  const answer = await fetch(`${gateway.url}${where}`, { method, headers: { ...(body !== undefined && { 'content-type': contentType }), ...headers }, body: typeof body === 'object' ? JSON.stringify(body) : body });
  const text = await answer.text(), json = JSON.parse(text), at = where.split('?')[0];
  const template = /^\/v1\/orders\/./.test(at) ? '/v1/orders/{order_id}' : at;
  if (answers) assert.equal(answers.faultsOf(template, `${answer.status}`, answer.headers, text, method === 'PUT' ? 'get' : method.toLowerCase()), undefined);
  return { status: answer.status, headers: answer.headers, json, code: json.error?.code, field: json.error?.field };
}

/** A client whose answers and reports are held against the AsyncAPI document. */
async function trader(gateway = open, options = {}) {
  const faults = [], kinds = { order: 'Order', execution: 'Execution', error: 'Error', ack: 'Ack' };
  const client = await StreamClient.connect(gateway, { ...options, onMessage: (message) => {
    const fault = kinds[message.type] && told(kinds[message.type], message);
    if (fault) faults.push(`${fault}: ${JSON.stringify(message)}`);
  } });
  return Object.assign(client, {
    schemaFaults: faults,
    reports: () => client.messages.filter(({ type }) => type === 'execution'),
    order: async (request) => {
      const id = `o${client.nextId++}`;
      client.send({ id, account: 'ann', ...request });
      return until(() => `an answer to ${JSON.stringify(request)}`, () => client.messages.find((one) => one.id === id));
    },
  });
}

/** Waits until the venue has read what was answered: the stream acknowledges to the gateway, and the venue reads it when it does. */
async function isRead(answer) {
  const seq = answer.seq ?? answer.shards[0].seq;
  await until(`the venue to have read ${seq}`, () => venue.batches.some((batch) => `${batch.seq}` === seq));
  return answer;
}

const limit = (more = {}) => ({ op: 'order.new', symbol: 'AAPL', side: 'buy', quantity: '100', price: '187.20', ...more });
const metric = async (gateway, name) => parsePrometheus(await (await fetch(`${gateway.url}/metrics`)).text()).get(`tickwire_gateway_${name}`).samples[0].value;

test('each kind of request reaches the stream as it was meant, and is answered with its place there', async () => {
  const client = await trader();
  const since = venue.commands.length;
  const full = { op: 'order.new', exchange: 'TWEX', symbol: 'BRK.B', side: 'sell', type: 'stop_limit', time_in_force: 'gtd', price: '401.0005', stop_price: 402, quantity: '12.5', display: '2.5', minimum: '0',
    expire_ns: '1800000000000000000', self_trade: 'decrement', client_order_id: 'f1', correlation_id: 'corr-1' };
  const requests = [full, { op: 'order.cancel', order_id: '1-1-0', symbol: 'AAPL' }, { op: 'order.cancel', symbol: 'AAPL', client_order_id: 'c1' },
    { op: 'order.replace', order_id: '1-7-3', symbol: 'AAPL', quantity: '80', open_only: true }, { op: 'order.mass_cancel', symbol: 'AAPL', side: 'sell' }, { op: 'order.mass_cancel' }];
  const names = { 'order.new': 'OrderNew', 'order.cancel': 'OrderCancel', 'order.replace': 'OrderReplace', 'order.mass_cancel': 'OrderMassCancel' };
  const got = [];
  for (const request of requests) {
    assert.equal(told(names[request.op], request), undefined);
    got.push(await client.order(request));
  }
  assert.ok(told('OrderNew', { op: 'order.new', symbol: 'A' }) && told('OrderNew', { ...full, prise: 1 }), 'the schema finds faults');
  await until('the commands', () => venue.commands.length === since + requests.length);
  const [first, byId, byName, replaced, some, all] = venue.commands.slice(since);
  const { kind, symbol, side, type, timeInForce, price, stopPrice, quantity, display, selfTrade, expireNs, clientOrderId, correlationId, account } = first;
  assert.deepEqual({ kind, symbol, side, type, timeInForce, price, stopPrice, quantity, display, selfTrade, expireNs, clientOrderId, correlationId, account }, {
    kind: 'COMMAND_NEW_ORDER', symbol: 'BRK.B', side: 'SIDE_ASK', type: 'TYPE_STOP_LIMIT', timeInForce: 'TIF_GTD', price: 4010005n, stopPrice: 4020000n, quantity: 125n, display: 25n,
    selfTrade: 'SELF_TRADE_DECREMENT', expireNs: 1800000000000000000n, clientOrderId: 'f1', correlationId: 'corr-1', account: 'ann' });
  assert.deepEqual([byId.kind, byId.orderId, byId.clientOrderId, byName.orderId, byName.clientOrderId], ['COMMAND_CANCEL', 1n << 16n, '', 0n, 'c1']);
  assert.deepEqual([replaced.kind, replaced.orderId, replaced.quantity, replaced.price, replaced.openOnly], ['COMMAND_REPLACE', (7n << 16n) + 3n, 80n, undefined, true]);
  assert.deepEqual([some.kind, some.symbol, some.allSymbols, some.sides, all.allSymbols, all.sides], ['COMMAND_MASS_CANCEL', 'AAPL', false, 2, true, 0]);
  for (const [i, answer] of got.slice(0, 4).entries()) {
    const command = venue.commands[since + i];
    assert.deepEqual([answer.type, answer.state, answer.seq, answer.index, answer.correlation_id], ['order', 'PENDING', `${command.seq}`, command.index, command.correlationId]);
  }
  assert.deepEqual([got[0].order_id, got[0].client_order_id, got[1].order_id, got[5].shards[0].seq], [`1-${first.seq}-0`, 'f1', '1-1-0', `${all.seq}`]);
  // What is named by an id that went through here needs no look-up; another one is asked of the venue.
  const mine = await client.order(limit({ client_order_id: 'm1' })), asked = venue.queries.length;
  assert.equal((await client.order({ op: 'order.cancel', order_id: mine.order_id })).symbol, 'AAPL');
  assert.equal(venue.queries.length, asked);
  venue.state = (query) => (query.orderId === 9n << 16n ? { orders: [{ orderId: 9n << 16n, instrument: 2, status: 'STATUS_OPEN' }] } : { code: 'REPLY_NOT_FOUND' });
  assert.equal((await client.order({ op: 'order.cancel', order_id: '1-9-0' })).symbol, 'BRK.B');
  assert.equal((await client.order({ op: 'order.cancel', order_id: '1-10-0' })).code, 'UNKNOWN_ORDER');
  await logged(open, 'the correlation id', (line) => line.correlation_id === 'corr-1' && line.place === got[0].order_id);
  assert.deepEqual(client.schemaFaults, []);
  await client.close();
});

test('what is wrong with a request is said with its field, and nothing of it reaches the stream', async () => {
  const client = await trader();
  await isRead(await client.order({ op: 'order.cancel', order_id: '1-1-0', symbol: 'AAPL' }));
  const since = venue.commands.length;
  const bad = [
    [{ price: '187.201' }, 'BAD_FIELD', 'price'], [{ price: 1.5 }, 'BAD_FIELD', 'price'], [{ price: '-1' }, 'BAD_FIELD', 'price'], [{ price: '0' }, 'BAD_FIELD', 'price'], [{ price: '1e3' }, 'BAD_FIELD', 'price'],
    [{ price: undefined }, 'BAD_FIELD', 'price'], [{ type: 'market' }, 'BAD_FIELD', 'price'], [{ type: 'pegged' }, 'BAD_FIELD', 'type'], [{ stop_price: '1' }, 'BAD_FIELD', 'stop_price'],
    [{ quantity: '0' }, 'BAD_FIELD', 'quantity'], [{ quantity: '10.5' }, 'BAD_FIELD', 'quantity'], [{ quantity: '99999999999999999999' }, 'BAD_FIELD', 'quantity'], [{ quantity: true }, 'BAD_FIELD', 'quantity'],
    [{ side: 'long' }, 'BAD_FIELD', 'side'], [{ side: undefined }, 'BAD_FIELD', 'side'], [{ time_in_force: 'gtd' }, 'BAD_FIELD', 'expire_ns'], [{ expire_ns: '5' }, 'BAD_FIELD', 'expire_ns'],
    [{ post_only: 'yes' }, 'BAD_FIELD', 'post_only'], [{ prize: '1' }, 'BAD_FIELD', 'prize'], [{ order_id: '1-1-0' }, 'BAD_FIELD', 'order_id'],
    [{ client_order_id: 'x'.repeat(41) }, 'BAD_FIELD', 'client_order_id'], [{ correlation_id: 'ü' }, 'BAD_FIELD', 'correlation_id'], [{ account: 'eve' }, 'FORBIDDEN', 'account'], [{ account: undefined }, 'BAD_FIELD', 'account'],
    [{ symbol: 'ZZZ' }, 'UNKNOWN_SYMBOL', 'symbol'], [{ symbol: undefined }, 'BAD_FIELD', 'symbol'], [{ exchange: 'XNAS' }, 'UNKNOWN_EXCHANGE', 'exchange'],
    [{ op: 'order.dance' }, 'UNKNOWN_OP', 'op'], [{ op: 'order.cancel', price: undefined, quantity: undefined, side: undefined }, 'BAD_FIELD', 'order_id'],
  ];
  const seen = [];
  for (const [change] of bad) {
    const answer = await client.order({ ...limit(), ...change });
    seen.push([change, answer.code, answer.field]);
  }
  assert.deepEqual(seen, bad);
  for (const [change, code, field] of bad.filter(([{ op }]) => !op)) {
    const answer = await http(open, 'POST', '/v1/orders', { account: 'ann', ...limit(), op: undefined, ...change });
    assert.deepEqual([answer.code, answer.field, answer.status], [code, field, { BAD_FIELD: 400, FORBIDDEN: 403 }[code] ?? 404], JSON.stringify(change));
  }
  const statuses = async (...requests) => Promise.all(requests.map(async ([method, where, body, options]) => { const { status, code } = await http(open, method, where, body, options); return [status, code]; }));
  assert.deepEqual(await statuses(
    ['POST', '/v1/orders', '{"symbol"'], ['POST', '/v1/orders', '[]'], ['POST', '/v1/orders', limit(), { contentType: 'text/plain' }], ['POST', '/v1/orders', `{"symbol":"${'x'.repeat(70_000)}"}`],
    ['POST', '/v1/orders', { account: 'ann', ...limit({ op: undefined }), cancel_on_disconnect: true }], ['POST', '/v1/orders', limit(), { headers: { 'x-correlation-id': 'x'.repeat(65) } }],
    ['DELETE', '/v1/orders/1-0'], ['DELETE', '/v1/orders/7-1-0?account=ann'], ['DELETE', '/v1/orders/1-1-0?account=ann&price=5'], ['PUT', '/v1/orders'], ['GET', '/v1/orders'], ['GET', '/v1/orders/x?account=ann'],
    ['POST', '/v1/orders', limit(), { headers: { origin: 'https://evil.example' } }], ['GET', '/v1/positions?account=eve'], ['POST', '/v1/orders', '{"account":"ann","symbol":"AAPL","side":"buy","quantity":"1","price":"186","price":"1.00"}'],
  ), [[400, 'BAD_JSON'], [400, 'BAD_JSON'], [415, 'BAD_TYPE'], [413, 'TOO_LARGE'], [400, 'BAD_FIELD'], [400, 'BAD_FIELD'],
    [400, 'BAD_FIELD'], [404, 'UNKNOWN_ORDER'], [400, 'BAD_FIELD'], [405, 'METHOD_NOT_ALLOWED'], [400, 'BAD_FIELD'], [400, 'BAD_FIELD'], [403, 'FORBIDDEN'], [403, 'FORBIDDEN'], [400, 'BAD_REQUEST']]);
  await isRead(await client.order({ op: 'order.cancel', order_id: '1-1-0', symbol: 'AAPL' }));
  assert.deepEqual([venue.commands.length, client.schemaFaults], [since + 1, []]);
  await client.close();
});

test('a gateway that has just started is not ready before it knows the venue, and lets requests wait in their order', async (t) => {
  const feed = setInterval(() => venue.connection.publish('feed.TWEX.1.status', encodeAs('FeedStatus', { exchange: 'TWEX', partition: 1, term: 1n, leader: 'a', state: 'BOOK_OK' })), 30);
  venue.tellsDirectory = false;
  t.after(() => { clearInterval(feed); venue.tellsDirectory = true; });
  const since = venue.commands.length, started = await orders(['--anonymous-accounts', 'ann']);
  const client = await trader(started);
  const sent = Promise.all([client.order(limit({ client_order_id: 'early' })), client.order({ op: 'order.cancel', order_id: '1-7-0', symbol: 'AAPL' })]);
  const asked = Promise.all([http(started, 'POST', '/v1/orders', limit({ op: undefined })), http(started, 'GET', '/v1/positions')]);
  const before = (await (await fetch(`${started.url}/readyz`)).json());
  assert.equal(before.ready, false);
  assert.equal(before.orders, 'NO_DIRECTORY');
  await until('the feed to be heard', async () => (await (await fetch(`${started.url}/readyz`)).json()).feeds > 0);
  const waits = await fetch(`${started.url}/readyz`);
  assert.equal(waits.status, 503);
  assert.equal((await waits.json()).why, 'the venue has not told its instruments yet');
  assert.equal(venue.commands.length, since);
  venue.tellsDirectory = true;
  assert.deepEqual((await asked).map(({ status }) => status), [202, 200]);
  assert.deepEqual((await sent).map(({ state }) => state), ['PENDING', 'PENDING']);
  const [first, second] = venue.commands.slice(since).filter(({ clientOrderId, orderId }) => clientOrderId === 'early' || orderId > 0n);
  assert.deepEqual([first.kind, second.kind], ['COMMAND_NEW_ORDER', 'COMMAND_CANCEL']);
  const ready = await fetch(`${started.url}/readyz`), told = await ready.json();
  assert.deepEqual([ready.status, told.ready, told.orders, told.why], [200, true, 'READY', undefined]);
  await client.close();
  await started.stop('SIGKILL');
});

test('HTTP: an order is pending with its id, state is read with what it is true at, tokens say which accounts', async (t) => {
  const sent = await http(open, 'POST', '/v1/orders', { account: 'bob', ...limit({ op: undefined, client_order_id: 'h1' }) }, { headers: { 'x-correlation-id': 'corr-h' } });
  assert.deepEqual([sent.status, sent.json.state, sent.json.client_order_id, sent.json.correlation_id, sent.headers.get('x-correlation-id')], [202, 'PENDING', 'h1', 'corr-h', 'corr-h']);
  const again = await http(open, 'POST', '/v1/orders', { account: 'bob', ...limit({ op: undefined, client_order_id: 'h1' }) });
  assert.equal(again.status, 202, 'the venue knows it, and says so in its report');
  assert.equal((await http(open, 'DELETE', `/v1/orders/${sent.json.order_id}?account=bob`)).status, 202);
  assert.equal((await isRead((await http(open, 'DELETE', '/v1/orders?account=bob&side=buy')).json)).shards.length, 1);
  const view = (n) => ({ orderId: BigInt(n) << 16n, instrument: 1, side: 'SIDE_BID', type: 'TYPE_LIMIT', status: 'STATUS_OPEN', price: 18700n, quantity: 10n, leaves: 4n, executed: 6n, executedNotionalLow: 112_203n, clientOrderId: `v${n}`, session: 7n });
  venue.state = (query) => ({
    QUERY_ORDERS: query.after === 0n ? { orders: [view(1), view(2)], more: true, next: 2n << 16n } : { orders: [view(3)] },
    QUERY_ORDER: query.orderId === 1n << 16n ? { orders: [view(1)] } : { code: 'REPLY_NOT_FOUND' },
    QUERY_POSITIONS: { positions: [{ instrument: 1, quantity: -5n, averagePrice: 18701n, costHigh: -1n, costLow: 18446744073709458111n, realisedLow: 250n, openBuys: 3n }] },
    QUERY_ACCOUNT: { accounts: [{ limitsKnown: true, openOrders: 3 }] },
  }[query.kind]);
  const listed = (await http(open, 'GET', '/v1/orders?account=ann')).json;
  assert.deepEqual([listed.orders.map(({ order_id }) => order_id), listed.shards[0].seq === `${venue.batches.at(-1).seq}`, listed.shards[0].event_ns], [['1-1-0', '1-2-0', '1-3-0'], true, '5']);
  assert.deepEqual([listed.orders[0].price, listed.orders[0].average_price, listed.orders[0].cancel_on_disconnect], ['187.00', '187.01', true]);
  assert.equal((await http(open, 'GET', '/v1/orders?account=ann&symbol=ZZZ')).code, 'UNKNOWN_SYMBOL');
  const one = await http(open, 'GET', '/v1/orders/1-1-0?account=ann');
  assert.deepEqual([one.json.client_order_id, one.json.event_ns, (await http(open, 'GET', '/v1/orders/1-8-0?account=ann')).code], ['v1', '5', 'UNKNOWN_ORDER']);
  const { quantity, leaves, executed, shown, price, average_price: average, ...bare } = one.json, refused = { ...bare, status: 'REJECTED', reason: 'UNKNOWN_INSTRUMENT' };
  assert.match(answers.fits('Order', bare), /quantity/);
  assert.match(answers.fits('Order', { ...refused, reason: 'BAD_TICK' }), /quantity/);
  assert.match(answers.fits('Order', { ...refused, quantity }), /leaves/);
  assert.equal(answers.fits('Order', refused), undefined, 'of a symbol that nobody knows there are no amounts');
  const { positions: [position], limits } = (await http(open, 'GET', '/v1/positions?account=ann')).json;
  assert.deepEqual([position.symbol, position.quantity, position.average_price, position.cost, position.realised, limits[0].open_orders], ['AAPL', '-5', '187.01', '-935.05', '2.50', 3]);
  assert.deepEqual((await http(open, 'GET', '/v1/accounts')).json, { exchange: 'TWEX', accounts: ['ann', 'bob'], anonymous: true });

  const strict = await orders(withTokens);
  t.after(() => strict.stop('SIGKILL'));
  const as = async (claims) => ({ headers: { authorization: `Bearer ${await signed(key, { sub: 'ann@x', ...claims })}` } });
  const nobody = await http(strict, 'POST', '/v1/orders', limit({ op: undefined }));
  assert.deepEqual([nobody.status, nobody.headers.has('www-authenticate')], [401, true]);
  assert.equal((await http(strict, 'POST', '/v1/orders', limit({ op: undefined }), await as({ tickwire_subjects: ['>'] }))).status, 403, 'a subject grants no account');
  await until('the directory', async () => (await http(strict, 'POST', '/v1/orders', limit({ op: undefined }), await as({ accounts: ['ann'] }))).status === 202);
  assert.equal((await http(strict, 'POST', '/v1/orders', limit({ op: undefined, account: 'bob' }), await as({ accounts: ['ann'] }))).status, 403);
  const far = await as({ accounts: ['ünï'] }), mine = encodeURIComponent('ünï'), since = venue.commands.length;
  for (const named of [{ account: 'ünï' }, {}]) assert.equal((await http(strict, 'POST', '/v1/orders', limit({ op: undefined, ...named }), far)).json.account, 'ünï');
  await until('both', () => venue.commands.slice(since).filter(({ account }) => account === 'ünï').length === 2);
  assert.equal((await http(strict, 'GET', `/v1/orders?account=${mine}`, undefined, far)).status, 200);
  assert.equal((await http(strict, 'DELETE', `/v1/orders?account=${mine}`, undefined, far)).status, 202);
  const fan = await trader(strict, far);
  await fan.subscribe(`exec.${mine}`);
  assert.equal((await fan.order(limit({ account: 'ünï' }))).state, 'PENDING');
  assert.deepEqual(fan.schemaFaults, []);
  await fan.close();
  const headers = (await as({ accounts: ['ann'], tickwire_subjects: ['>'] })).headers;
  const client = await trader(strict, { headers });
  assert.equal((await client.ask({ op: 'subscribe', subjects: ['exec.bob'] })).code, 'FORBIDDEN');
  assert.equal((await client.ask({ op: 'subscribe', subjects: ['exec.*'] })).code, 'BAD_SUBJECT');
  await client.subscribe(['exec.ann', 'XNAS.*.quote']);
  await client.ask({ op: 'auth', token: await signed(key, { sub: 'ann@x', accounts: ['bob'] }) });
  await until('the end of the account', () => client.error_('FORBIDDEN')?.account === 'ann' || client.messages.find(({ account, code }) => account === 'ann' && code === 'FORBIDDEN'));
  assert.deepEqual(client.schemaFaults, []);
  await client.close();
  assert.deepEqual([(await http(open, 'GET', '/healthz').catch(() => 0), 0), (await fetch(`${(await startPlain(t)).url}/v1/orders`)).status], [0, 404]);
});

async function startPlain(t) {
  const plain = await startGateway(nats);
  t.after(() => plain.stop('SIGKILL'));
  const client = await StreamClient.connect(plain);
  assert.deepEqual([(await client.ask({ op: 'subscribe', subjects: ['exec.ann'] })).code, (await client.ask({ op: 'order.new' })).code], ['NO_VENUE', 'NO_VENUE']);
  await client.close();
  return plain;
}

test('reports come once, in order, exactly; what was missed comes after a reconnect, and what the venue has no longer is said', async () => {
  const client = await trader();
  await client.subscribe('exec.bob');
  const { seq } = await client.order(limit({ account: 'bob', client_order_id: 'r1' }));
  const command = await until('the command', () => venue.commands.find((one) => `${one.seq}` === seq));
  venue.report(command);
  venue.report(command, { kind: 'REPORT_FILL', status: 'STATUS_OPEN', lastPrice: 18718n, lastQuantity: 40n, executed: 40n, leaves: 60n, averagePrice: 18718n, liquidity: 'LIQUIDITY_TAKER', feeLow: 12n });
  venue.report(command, { kind: 'REPORT_CANCEL_REJECTED', status: 'STATUS_NONE', reason: 16, price: undefined, orderId: 0n });
  await until('the reports', () => client.reports().length === 3);
  const [accepted, fill, refused] = client.reports();
  assert.deepEqual([accepted.kind, accepted.price, accepted.status, accepted.client_order_id], ['ACCEPTED', '187.20', 'OPEN', 'r1']);
  assert.deepEqual([fill.execution_id, fill.last_price, fill.last_quantity, fill.leaves, fill.fee, fill.liquidity], [`1-${seq}-1`, '187.18', '40', '60', '0.12', 'taker']);
  assert.deepEqual([refused.reason, 'price' in refused, 'order_id' in refused], ['UNKNOWN_ORDER', false, false]);
  // After a failover the new leader says some again, and what the old one had not said any more only when asked.
  const stored = venue.reports.filter(({ of }) => of === 'bob').map(({ of, ...one }) => one);
  venue.report(command, { kind: 'REPORT_FILL', lastQuantity: 1n }, { live: false });
  venue.term++;
  venue.publish('bob', stored);
  await until('what the old leader kept to itself', () => client.reports().length === 4);
  assert.equal(await metric(open, 'orders_report_duplicates_total') >= 3, true);
  await client.close();

  // Away: five more come, in pages of two, while others come live.
  for (let i = 0; i < 5; i++) venue.report(command, { kind: 'REPORT_FILL', lastQuantity: BigInt(i) });
  venue.page = 2;
  const back = await trader();
  let late = 0;
  venue.onQuery = (query) => { if (query.kind === 'QUERY_EXECUTIONS' && late++ < 2) venue.report(command, { kind: 'REPORT_FILL', lastQuantity: 77n }); };
  await back.subscribe('exec.bob', { resume: { 'exec.bob': { 1: { seq, n: 3 } } } });
  await until(() => `the missed reports: ${back.reports().map(({ n }) => n)}`, () => back.reports().length === 7);
  venue.onQuery = undefined;
  venue.report(command, { kind: 'REPORT_FILL' });
  await until('a live one', () => back.reports().length === 8);
  assert.deepEqual(back.reports().map(({ n }) => n), [4, 5, 6, 7, 8, 9, 10, 11]);
  await back.close();

  // A venue that nobody answers for is asked until it does; one that has forgotten says so.
  await venue.fallSilent();
  const patient = await trader();
  await patient.subscribe('exec.bob', { resume: { 'exec.bob': { 1: { seq: '1', n: 0 } } } });
  await sleep(100);
  assert.equal(patient.reports().length, 0);
  venue.onQuery = (query, base, message) => { base.detail = 'kept here from input 2 on'; };
  venue.answerQueries();
  await until('all there is', () => patient.reports().length >= 12);
  await until('the word that some are lost', () => patient.error_('REPORTS_LOST')?.shard === 1);
  venue.onQuery = undefined;
  await patient.ask({ op: 'unsubscribe', subjects: ['exec.bob'] });
  assert.equal((await patient.ask({ op: 'unsubscribe', subjects: ['exec.bob'] })).code, 'NOT_SUBSCRIBED');
  assert.deepEqual([client, back, patient].flatMap(({ schemaFaults }) => schemaFaults), []);
  await patient.close();

  // The other subprotocol: the same objects, in StreamFrame.control.
  const socket = new WebSocket(open.stream, ['tickwire.protobuf.v1']), frames = [];
  socket.on('message', (data) => frames.push(type('StreamFrame').decode(data).control));
  await until('the greeting', () => frames.length > 0);
  socket.send(JSON.stringify({ op: 'subscribe', subjects: ['exec.bob'] }));
  socket.send(JSON.stringify(limit({ id: 5, account: 'bob' })));
  const control = (kind) => frames.filter(Boolean).map((text) => JSON.parse(text)).find((one) => one.type === kind);
  const pending = await until('PENDING', () => control('order'));
  venue.report(await until('the command', () => venue.commands.find((one) => `${one.seq}` === pending.seq)));
  assert.equal((await until('the report', () => control('execution'))).order_id, pending.order_id);
  socket.terminate();
});

test('who does not read its reports is closed with a reason, and has them after it has come back', async (t) => {
  const small = await orders(['--anonymous-accounts', 'ann', '--client-bytes', '8192', '--max-subscriptions', '16', '--send-buffer', '4096']);
  t.after(() => small.stop('SIGKILL'));
  const client = await trader(small);
  await client.subscribe('exec.ann');
  const { seq } = await until('a place', async () => { const answer = await client.order(limit()); return answer.seq && answer; });
  const command = await until('the command', () => venue.commands.find((one) => `${one.seq}` === seq));
  client.socket._socket.pause();
  await until('the gateway to give up', async () => {
    venue.publish('ann', Array.from({ length: 200 }, () => venue.report(command, { kind: 'REPORT_FILL' }, { live: false })));
    return (await metric(small, 'closed_policy_total')) === 1;
  });
  client.socket._socket.resume();
  const { code, reason } = await client.gone();
  assert.ok(code === 1006 || (code === 1008 && /execution reports/.test(reason)), `${code} ${reason}`);
  const had = client.reports().length;
  assert.deepEqual(client.reports().map(({ n }) => n), Array.from({ length: had }, (_, n) => n), 'without a hole');
});

test('orders of many clients share messages under load, each with its own place', async (t) => {
  const busy = await orders(['--anonymous-accounts', 'ann', '--order-requests-per-second', '100000']);
  t.after(() => busy.stop('SIGKILL'));
  const clients = await Promise.all(Array.from({ length: 10 }, () => trader(busy)));
  await isRead(await until('the directory', async () => { const one = await clients[0].order(limit()); return one.state === 'PENDING' && one; }));
  const since = venue.batches.length;
  for (let i = 0; i < 200; i++) for (const [c, client] of clients.entries()) client.send({ id: i, account: 'ann', ...limit({ client_order_id: `b${c}-${i}` }) });
  const answered = (client) => client.messages.filter(({ type, client_order_id }) => type === 'order' && /^b/.test(client_order_id));
  await until('all answers', () => clients.every((client) => answered(client).length === 200));
  await until('all commands', () => venue.batches.slice(since).flatMap(({ commands }) => commands).length === 2000);
  const batches = venue.batches.slice(since), places = new Map(batches.flatMap(({ seq, commands }) => commands.map(({ clientOrderId }, index) => [clientOrderId, `1-${seq}-${index}`])));
  for (const client of clients) for (const { client_order_id: name, order_id: id } of answered(client)) assert.equal(id, places.get(name));
  assert.ok(batches.length < 1000, `${batches.length} messages for 2000 orders`);
  for (const [c, client] of clients.entries()) assert.deepEqual(answered(client).map(({ client_order_id: name }) => name), Array.from({ length: 200 }, (_, i) => `b${c}-${i}`), 'in the order in which they were sent');
  assert.equal(places.size, 2000);
});

test('rates are one for all gateways, and without Redis nothing new is taken while cancels are', async (t) => {
  const limited = ['--anonymous-accounts', 'ann', '--order-rate', '20', '--most-order-rate', '40', '--order-limits-deadline', '5s', ...withTokens];
  const pair = await Promise.all([orders(limited), orders(limited)]);
  t.after(() => Promise.all(pair.map((one) => one.stop('SIGKILL'))));
  await Promise.all(pair.map((one) => until('the directory', async () => (await http(one, 'DELETE', '/v1/orders/1-1-0?symbol=AAPL')).status === 202)));
  const burst = async (count, options) => {
    const began = performance.now(), answers = await Promise.all(Array.from({ length: count }, (_, i) => http(pair[i % 2], 'POST', '/v1/orders', limit({ op: undefined }), options)));
    return Object.assign(answers, { seconds: (performance.now() - began) / 1000 });
  };
  const token = await signed(key, { sub: 'fast', accounts: ['ann'], tickwire_limits: { orders_per_second: 1000 } });
  // A machine that is slow lets seconds pass meanwhile: then once more.
  const [slow, fast] = [await until('a refusal', async () => { const one = await burst(60); return one.some(({ status }) => status === 429) ? one : sleep(1000); }),
    await burst(60, { headers: { authorization: `Bearer ${token}` } })];
  const taken = (all) => all.filter(({ status }) => status === 202).length;
  assert.ok(taken(slow) >= 20 && taken(slow) <= 20 * (1 + slow.seconds) && taken(fast) >= 40, `${taken(slow)} in ${slow.seconds} s, and ${taken(fast)}`);
  const refused = slow.find(({ status }) => status === 429);
  assert.deepEqual([refused.code, refused.headers.get('retry-after'), refused.json.error.retry_after_ms > 0], ['RATE_LIMITED', `${Math.ceil(refused.json.error.retry_after_ms / 1000)}`, true]);
  await redis.stop();
  await until('Redis to be missed', async () => (await http(pair[0], 'POST', '/v1/orders', limit({ op: undefined }))).code === 'LIMITS_UNKNOWN');
  const [order, cancel, all] = [await http(pair[0], 'POST', '/v1/orders', limit({ op: undefined })), await http(pair[0], 'DELETE', '/v1/orders/1-1-0?symbol=AAPL'), await http(pair[0], 'DELETE', '/v1/orders')];
  assert.deepEqual([order.status, cancel.status, all.status], [503, 202, 202]);
  const client = await trader(pair[0]);
  assert.deepEqual([(await client.order(limit())).code, (await client.order({ op: 'order.replace', order_id: '1-1-0', symbol: 'AAPL', price: '1' })).code, (await client.order({ op: 'order.mass_cancel' })).state], ['LIMITS_UNKNOWN', 'LIMITS_UNKNOWN', 'PENDING']);
  await redis.launch(); // without the script, which it is told anew
  await until('orders to be taken again', async () => (await http(pair[0], 'POST', '/v1/orders', limit({ op: undefined }))).status === 202);
  assert.ok((await metric(pair[0], 'orders_limits_unknown_total')) >= 3 && (await metric(pair[1], 'orders_limited_total')) >= 1);
  await client.close();
});

test('a session is opened before its first order, beats while its client is there, is closed with it, and with a gateway that stops', async (t) => {
  const mortal = await orders(['--anonymous-accounts', 'ann', '--session-timeout', '2s']);
  const [client, other] = [await trader(mortal), await trader(mortal)];
  await isRead(await until('the directory', async () => { const one = await client.order(limit()); return one.state === 'PENDING' && one; }));
  const since = venue.commands.length;
  const kinds = () => venue.commands.slice(since).map(({ kind, session }) => [kind, session]);
  for (const one of [client, client, other]) await one.order(limit({ cancel_on_disconnect: true }));
  await until('the orders', () => venue.commands.slice(since).filter(({ kind }) => kind === 'COMMAND_NEW_ORDER').length === 3);
  const [opened, first] = venue.commands.slice(since), mine = opened.session;
  assert.deepEqual([opened.kind, opened.timeoutNs, first.kind, first.session], ['COMMAND_SESSION_OPEN', 2_000_000_000n, 'COMMAND_NEW_ORDER', mine]);
  const theirs = venue.commands.slice(since).filter(({ kind }) => kind === 'COMMAND_SESSION_OPEN').map(({ session }) => session)[1];
  assert.ok(mine !== theirs && mine > 0n && theirs > 0n);
  await until('a beat of both in one batch', () => venue.batches.some(({ commands }) => [mine, theirs].every((id) => commands.some(({ kind, session }) => kind === 'COMMAND_SESSION_BEAT' && session === id))));
  client.socket.terminate();
  await until('the close', () => kinds().some(([kind, session]) => kind === 'COMMAND_SESSION_CLOSE' && session === mine));
  await mortal.stop();
  await until('the close of a gateway that stops', () => kinds().some(([kind, session]) => kind === 'COMMAND_SESSION_CLOSE' && session === theirs));
});

test('a stream that does not answer leaves it open, one that is not there does not', async () => {
  const client = await trader();
  await nats.program.freeze();
  const [answer, refused] = await Promise.all([client.order(limit({ client_order_id: 'u1' })), http(open, 'POST', '/v1/orders', { account: 'ann', ...limit({ op: undefined }) })]);
  nats.program.kill('SIGCONT');
  assert.deepEqual([answer.code, refused.code, refused.status], ['NOT_ACKNOWLEDGED', 'NOT_ACKNOWLEDGED', 503]);
  const again = await until('the stream', async () => { const one = await client.order(limit({ client_order_id: 'u1' })); return one.state && one; });
  await until('both in the stream: the venue tells them apart', () => venue.commands.filter(({ clientOrderId }) => clientOrderId === 'u1').length >= 2);
  assert.equal(again.client_order_id, 'u1');
  const late = await orders(['--anonymous-accounts', 'ann']);
  await until('the directory', async () => (await http(late, 'DELETE', '/v1/orders/1-1-0?symbol=AAPL')).status === 202);
  await venue.manager.streams.delete(STREAM);
  assert.deepEqual([(await http(late, 'DELETE', '/v1/orders')).code, (await http(late, 'POST', '/v1/orders', { account: 'ann', ...limit({ op: undefined }) })).status], ['NOT_STORED', 503]);
  await late.stop('SIGKILL');
  await nats.stop();
  await until('the bus to be missed', async () => (await client.order(limit())).code === 'NOT_STORED');
  assert.deepEqual(client.schemaFaults, []);
  await client.close();
});

test('with the real matcher: an order, its reports, the same one again, and kill -9 of a gateway cancels what asked for it', async (t) => {
  const server = await NatsServer.start({ jetstream: true });
  const matcher = await Matcher.start(server, { args: ['--log-level', 'debug'] });
  const desk = await Desk.open(server);
  await desk.openVenue({ symbols: ['AAPL'], accounts: ['ann', 'bob'] });
  const settings = ['--venue', 'TWEX', '--order-rate', '0', '--anonymous-accounts', 'ann,bob,a ghost', '--session-timeout', '2s', '--log-level', 'debug'];
  const [stays, dies] = await Promise.all([startGateway(server, settings), startGateway(server, settings)]);
  t.after(() => Promise.all([stays.stop('SIGKILL'), dies.stop('SIGKILL'), matcher.kill()]));
  const [watcher, mortal] = [await trader(stays), await trader(dies)];
  await watcher.subscribe('exec.ann');
  await until('the directory', async () => (await mortal.order({ op: 'order.mass_cancel', symbol: 'AAPL' })).state === 'PENDING');
  const sent = await mortal.order(limit({ price: '99.00', client_order_id: 'x1', correlation_id: 'corr-x', cancel_on_disconnect: true }));
  const reportsOf = (id) => watcher.reports().filter(({ order_id }) => order_id === id);
  await until('ACCEPTED', () => reportsOf(sent.order_id).some(({ kind, correlation_id }) => kind === 'ACCEPTED' && correlation_id === 'corr-x'));
  const kept = await watcher.order(limit({ price: '98.00', client_order_id: 'x2' }));
  const again = await watcher.order(limit({ price: '98.00', client_order_id: 'x2' }));
  await until('the duplicate', () => watcher.reports().some(({ duplicate, order_id }) => duplicate && order_id === kept.order_id));
  assert.notEqual(again.order_id, kept.order_id);
  await watcher.order({ op: 'order.new', account: 'bob', symbol: 'AAPL', side: 'sell', price: '99.00', quantity: '40' });
  await until('a fill', () => reportsOf(sent.order_id).some(({ kind, last_quantity, leaves }) => kind === 'FILL' && last_quantity === '40' && leaves === '60'));
  const open_ = (await (await fetch(`${stays.url}/v1/orders?account=ann`)).json()).orders.map(({ order_id, leaves }) => [order_id, leaves]);
  assert.deepEqual(open_.sort(), [[sent.order_id, '60'], [kept.order_id, '100']].sort());
  assert.deepEqual((await (await fetch(`${stays.url}/v1/positions?account=ann`)).json()).positions.map(({ symbol, quantity, average_price }) => [symbol, quantity, average_price]), [['AAPL', '40', '99.00']]);
  dies.kill('SIGKILL');
  await until('the session to be lost', () => reportsOf(sent.order_id).some(({ kind, reason }) => kind === 'CANCELLED' && reason === 'SESSION_LOST'));
  assert.deepEqual((await (await fetch(`${stays.url}/v1/orders?account=ann`)).json()).orders.map(({ order_id }) => order_id), [kept.order_id]);
  const became = async (id) => { const { status, reason } = await (await fetch(`${stays.url}/v1/orders/${id}?account=ann`)).json(); return [status, reason]; };
  assert.deepEqual([await became(sent.order_id), await became(kept.order_id)], [['CANCELLED', 'SESSION_LOST'], ['OPEN', undefined]]);
  const posted = (await http(stays, 'POST', '/v1/orders', { account: 'ann', ...limit({ op: undefined, display: '200' }) })).json;
  await until('what became of an order sent by HTTP alone', async () => (await became(posted.order_id))[0] !== undefined);
  assert.deepEqual(await became(posted.order_id), ['REJECTED', 'BAD_DISPLAY']);
  assert.equal((await fetch(`${stays.url}/v1/orders/${kept.order_id}?account=ann`, { method: 'DELETE' })).status, 202);
  await until('the cancel', () => reportsOf(kept.order_id).some(({ kind }) => kind === 'CANCELLED'));

  // one order through the logs: whatever a line is about, it has the id by which that is followed
  const send = async (method, where, body, id) => (await http(stays, method, where, body, { headers: { 'x-correlation-id': id } })).json;
  const followed = await send('POST', '/v1/orders', { account: 'ann', ...limit({ op: undefined, price: '97.00', client_order_id: 'x3' }) }, 'corr-follow');
  const refused = await send('POST', '/v1/orders', { account: 'ann', ...limit({ op: undefined, display: '200', client_order_id: 'x4' }) }, 'corr-refused');
  await send('POST', '/v1/orders', { account: 'ann', ...limit({ op: undefined, price: 'much' }) }, 'corr-wrong');
  await until('it is open', () => reportsOf(followed.order_id).some(({ kind }) => kind === 'ACCEPTED'));
  await send('DELETE', `/v1/orders/${followed.order_id}?account=ann`, undefined, 'corr-cancel');
  await desk.orders([{ kind: 'COMMAND_NEW_ORDER', account: 'ann', symbol: 'AAPL', side: 'SIDE_BID', quantity: 1n, price: 1n, clientOrderId: 'z'.repeat(41), correlationId: 'corr-bad' }]);
  await until('the end of the last', () => reportsOf(followed.order_id).some(({ kind, correlation_id }) => kind === 'CANCELLED' && correlation_id === 'corr-cancel'));
  assert.deepEqual(reportsOf(followed.order_id).map(({ kind, order_correlation_id, correlation_id }) => [kind, order_correlation_id ?? correlation_id]), [['ACCEPTED', 'corr-follow'], ['CANCELLED', 'corr-follow']]);
  assert.equal((await http(stays, 'GET', `/v1/orders/${followed.order_id}?account=ann`)).json.correlation_id, 'corr-follow');
  const byName = await send('POST', '/v1/orders', { account: 'ann', ...limit({ op: undefined, price: '97.00', client_order_id: 'x5' }) }, 'corr-named');
  await until('it is open', () => reportsOf(byName.order_id).some(({ kind }) => kind === 'ACCEPTED'));
  await watcher.order({ op: 'order.cancel', account: 'ann', symbol: 'AAPL', client_order_id: 'x5', correlation_id: 'cancel by name' });
  await until('its cancel', () => reportsOf(byName.order_id).some(({ correlation_id, order_correlation_id }) => correlation_id === 'cancel by name' && order_correlation_id === 'corr-named'));
  await until('its line', () => logLines(stays).some((line) => line.correlation_id === 'cancel by name' && line.order_correlation_id === 'corr-named'));
  const linesOf = (text, ...words) => text.split('\n').slice(0, -1).filter((line) => words.some((word) => new RegExp(`[="]${word}\\b`).test(line)));
  const both = { gateway: () => stays.stderr, matcher: () => matcher.program.stderr };
  await until(() => `the refused command in the log; it has ${both.matcher().slice(-2000)}`, () => /WARN .*can't be read.* correlation_id=corr-bad /.test(both.matcher()));
  for (const [name, text] of Object.entries(both))
    for (const [id, words, least] of [['corr-follow', [followed.order_id, 'x3'], 2], ['corr-refused', [refused.order_id, 'x4'], 1]]) {
      const lines = linesOf(text(), ...words);
      assert.ok(lines.length >= least, `${name}: ${lines.length} lines about ${id}`);
      for (const line of lines) assert.match(line, new RegExp(`correlation_id(=|":")${id}\\b`), `${name}: ${line}`);
    }
  assert.match(both.matcher(), / correlation_id=corr-cancel order_correlation_id=corr-follow kind=CANCELLED reason=REQUESTED /);
  assert.match(both.matcher(), / correlation_id=corr-refused kind=REJECTED reason=BAD_DISPLAY account=ann symbol=AAPL order_id=\S+ client_order_id=x4 /);
  assert.ok(logLines(stays).some((line) => line.correlation_id === 'corr-cancel' && line.order_correlation_id === 'corr-follow'));
  assert.ok(logLines(stays).some((line) => line.correlation_id === 'corr-wrong' && line.code === 'BAD_FIELD'));

  const late = await trader(stays);
  await late.subscribe('exec.ann', { resume: { 'exec.ann': { 1: { seq: '0', n: 0 } } } });
  await until('all of the day', () => late.reports().length >= watcher.reports().length);
  const ids = (client) => client.reports().map(({ execution_id: id }) => id);
  assert.deepEqual(ids(late).slice(-ids(watcher).length), ids(watcher));

  // an account that is granted here, and that the venue does not know: its refusals find it by the name it asked under
  const subject = 'exec.a%20ghost', ghost = await trader(stays);
  const fields = ({ kind, reason, account, symbol, order_id, client_order_id, correlation_id }) => ({ kind, reason, account, symbol, order_id, client_order_id, correlation_id });
  await ghost.subscribe(subject);
  const strange = await send('POST', '/v1/orders', { account: 'a ghost', ...limit({ op: undefined, client_order_id: 'g1' }) }, 'corr-ghost');
  assert.equal(strange.state, 'PENDING');
  await until('its refusal', () => ghost.reports().length === 1);
  const [refusal] = ghost.reports(), told_ = { reason: 'UNKNOWN_ACCOUNT', account: 'a ghost', symbol: 'AAPL' };
  assert.deepEqual(fields(refusal), { ...told_, kind: 'REJECTED', order_id: strange.order_id, client_order_id: 'g1', correlation_id: 'corr-ghost' });
  const view = async (id) => { const { status, reason, symbol, quantity, correlation_id: correlation } = (await http(stays, 'GET', `/v1/orders/${id}?account=a%20ghost`)).json; return [status, reason, symbol, quantity, correlation]; };
  assert.deepEqual(await view(strange.order_id), ['REJECTED', 'UNKNOWN_ACCOUNT', 'AAPL', '100', 'corr-ghost']);
  assert.equal((await http(stays, 'GET', `/v1/orders/${strange.order_id}?account=bob`)).code, 'UNKNOWN_ORDER', 'and nobody else');
  assert.match(both.matcher(), / correlation_id=corr-ghost kind=REJECTED reason=UNKNOWN_ACCOUNT account="a ghost" symbol=AAPL /);
  await ghost.close();
  for (const op of ['order.cancel', 'order.replace']) await watcher.order({ op, account: 'a ghost', symbol: 'AAPL', order_id: kept.order_id, ...(op === 'order.replace' && { quantity: 1 }), correlation_id: op });
  await watcher.order({ op: 'order.mass_cancel', account: 'a ghost', symbol: 'AAPL', correlation_id: 'order.mass_cancel' });
  await desk.orders([{ kind: 'COMMAND_NEW_ORDER', account: 'a ghost', symbol: 'NONE', side: 'SIDE_BID', quantity: 1n, price: 1n, correlationId: 'none' },
    { kind: 'COMMAND_NEW_ORDER', account: 'ann', symbol: 'NONE', side: 'SIDE_BID', quantity: 1n, price: 1n, correlationId: 'none' }]);
  await until('the last', () => watcher.reports().some(({ reason, symbol, account }) => reason === 'UNKNOWN_INSTRUMENT' && symbol === 'NONE' && account === 'ann'));
  await stays.stop();
  const anew = await startGateway(server, settings);
  t.after(() => anew.stop('SIGKILL'));
  const back = await trader(anew);
  await back.subscribe(subject, { resume: { [subject]: { 1: { seq: refusal.seq, n: refusal.n } } } });
  await until('what it has missed', () => back.reports().length === 4);
  assert.deepEqual(back.reports().map(({ kind, reason, account, symbol, correlation_id: id }) => ({ kind, reason, account, symbol, id })), [
    { ...told_, kind: 'CANCEL_REJECTED', id: 'order.cancel' }, { ...told_, kind: 'REPLACE_REJECTED', id: 'order.replace' }, { ...told_, kind: 'CANCEL_REJECTED', id: 'order.mass_cancel' }, { ...told_, kind: 'REJECTED', symbol: 'NONE', id: 'none' }]);
  const none = await (await fetch(`${anew.url}/v1/orders/${back.reports()[3].order_id}?account=a%20ghost`)).json();
  assert.deepEqual([none.status, none.reason, none.symbol, none.price], ['REJECTED', 'UNKNOWN_ACCOUNT', 'NONE', undefined]);
  const shown = tickwire('journal', 'show', '--url', server.url, '--account', 'a ghost');
  assert.match(shown.stdout, / REJECTED {2}a ghost AAPL {2}order .* UNKNOWN_ACCOUNT: .* correlation corr-ghost$/m, shown.stderr);
  assert.match(shown.stdout, / REJECTED {2}a ghost NONE {2}order .* correlation none$/m);

  // strangers who take turns in one message of orders hear of them in one message each
  const turn = desk.connection.subscribe('exec.turn0')[Symbol.asyncIterator]().next();
  await desk.connection.flush();
  await desk.orders(Array.from({ length: 200 }, (_, i) => ({ kind: 'COMMAND_NEW_ORDER', account: `turn${i % 2}`, symbol: 'AAPL', side: 'SIDE_BID', quantity: 1n, price: 1n })));
  assert.equal(decodeAs('ExecutionReports', (await turn).value.data).reports.length, 100);
  assert.deepEqual([watcher, mortal, late, ghost, back].flatMap(({ schemaFaults }) => schemaFaults), []);
});

const TWO_SHARDS = `exchange TWEX
decimals price=4 quantity=0
shards 2
instrument AAPL tick=0.01 collar=10% protection=5% reference=187.20 shard=1
instrument MSFT tick=0.01 collar=10% protection=5% reference=400 shard=2
account bob
limits bob funds=100M exposure=100M order-quantity=100k order-notional=50M position=500k open-orders=1000 concentration=unlimited
day today end=24:00
open all
`;

test('what goes to all shards goes to those that are set, told by another shard, or heard of; who does not answer is named', async () => {
  const { server } = await startVenue(), file = path.join(folder, 'two-shards.venue'), args = ['--shards', '2'];
  const tool = (...what) => { const one = tickwire(...what, '--url', server.url); assert.equal(one.status, 0, one.stderr); return one.stdout; };
  const start = (shard) => Matcher.start(server, { shard, args });
  const first = await start(1);
  let second = await start(2);
  await Promise.all([first.leads(), second.leads()]);
  writeFileSync(file, TWO_SHARDS);
  tool('venue', 'apply', file);
  tool('order', 'buy', 'TWEX.MSFT', '1', '@', '400', '--tif', 'gtc', '--account', 'bob');
  await second.kill();
  const gateway = (more) => startGateway(server, ['--venue', 'TWEX', '--order-rate', '0', '--anonymous-accounts', 'bob', ...more]);
  const [told, untold] = await Promise.all([gateway(['--venue-shards', '2']), gateway([])]);
  const ask = async (one, method, where) => { const answer = await fetch(`${one.url}${where}?account=bob`, { method }); return { status: answer.status, ...await answer.json() }; };
  const buy = async (one, symbol) => {
    const answer = await fetch(`${one.url}/v1/orders`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ account: 'bob', symbol, side: 'buy', quantity: 1, price: 400 }) });
    return { status: answer.status, ...(await answer.json()).error };
  };
  const shardsOf = ({ shards }) => shards.map(({ shard }) => shard);
  for (const where of ['/v1/orders', '/v1/positions']) {
    const { status, error } = await ask(told, 'GET', where);
    assert.deepEqual([status, error.code], [503, 'NOBODY'], where);
    assert.match(error.message, /^shard 2 of TWEX does not answer/);
  }
  assert.equal((await fetch(`${told.url}/v1/orders?account=bob&symbol=AAPL`)).status, 200, 'the other shard answers');
  assert.deepEqual(shardsOf(await ask(told, 'DELETE', '/v1/orders')), [1, 2]);
  // which was not set here, nor ever heard; but shard 1 was told that there are two, and says so with its directory
  assert.deepEqual(shardsOf(await ask(untold, 'DELETE', '/v1/orders')), [1, 2]);
  for (const one of [told, untold]) {
    const { status, ...error } = await buy(one, 'MSFT');
    assert.deepEqual([status, error.code], [503, 'NO_DIRECTORY'], error.message);
    assert.match(error.message, /no shard of TWEX that is heard has announced MSFT, and of shard 2 it is not known what it has/);
  }

  second = await start(2);
  await second.leads();
  for (const one of [told, untold]) {
    const orders = await until('both shards to answer', async () => { const answer = await ask(one, 'GET', '/v1/orders'); return answer.status === 200 && answer; });
    assert.deepEqual([shardsOf(orders), orders.orders], [[1, 2], []], 'what was open is cancelled');
  }
  await until('both to have told what they have', async () => (await buy(untold, 'NONE')).code === 'UNKNOWN_SYMBOL');

  // heard of: a heartbeat is enough
  const bus = await connect({ servers: server.url });
  bus.publish('feed.TWEX.3.status', encodeAs('FeedStatus', { exchange: 'TWEX', partition: 3, term: 1 }));
  await until('it to be heard', async () => (await ask(untold, 'GET', '/v1/orders')).status === 503);
  await bus.close();
  await Promise.all([told.stop('SIGKILL'), untold.stop('SIGKILL'), first.kill(), second.kill()]);
});

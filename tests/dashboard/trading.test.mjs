// The trading desk of the page: tickets, orders, fills and positions out of the venue's reports, and what silence means.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDecimal } from '../../gateways/dashboard/format/exact.js';
import { cautionsOf } from '../../gateways/dashboard/trading/caution.js';
import { Desk } from '../../gateways/dashboard/trading/desk.js';
import { Orders } from '../../gateways/dashboard/trading/orders.js';
import { Positions, amountText, averageOf, unrealisedOf } from '../../gateways/dashboard/trading/positions.js';
import { Seen } from '../../gateways/dashboard/trading/seen.js';
import { stepped, termsOf } from '../../gateways/dashboard/trading/terms.js';
import { fieldsOf, readChange, readTicket } from '../../gateways/dashboard/trading/ticket.js';
import { errorWords, reportWords, stateWords } from '../../gateways/dashboard/trading/words.js';
import { randomOf } from './random.mjs';

const terms = termsOf({ price_exponent: -2, quantity_exponent: 0, tick: '0.05', round_lot: '10' });
const typed = (more) => ({ side: 'buy', type: 'limit', time_in_force: 'day', price: '187.20', quantity: '100', ...more });
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('what is typed is read exactly, or not at all', () => {
  for (const [text, digits, wanted] of [['187.20', 2, 18720n], [' 187.2 ', 2, 18720n], ['187', 2, 18700n], ['.5', 2, 50n], ['5.', 2, 500n], ['187.2000', 2, 18720n], ['123456789012345678.01', 2, 12345678901234567801n],
    ['187.205', 2, 'fine'], ['', 2, 'empty'], ['1e3', 2, 'malformed'], ['-1', 2, 'malformed'], ['1,000', 2, 'malformed'], ['.', 2, 'malformed'], ['NaN', 2, 'malformed'], ['٣', 2, 'malformed'], ['1'.repeat(41), 0, 'malformed'], ['0.00000001', 8, 1n]]) {
    const { value, fault } = readDecimal(text, digits);
    assert.equal(value ?? fault, wanted, text);
  }
});

test('an instrument\'s units come from the directory; what it does not tell is one', () => {
  assert.deepEqual(terms, { priceDigits: 2, quantityDigits: 0, tick: 5n, lot: 10n });
  assert.deepEqual(termsOf({ price_exponent: -4, quantity_exponent: 2 }), { priceDigits: 4, quantityDigits: 0, tick: 1n, lot: 100n });
  assert.equal(termsOf(undefined), undefined);
  assert.deepEqual([stepped(18720n, 5n, 1), stepped(18722n, 5n, 1), stepped(18722n, 5n, -1), stepped(5n, 5n, -1)], [18725n, 18725n, 18720n, 5n]);
});

test('a ticket is an order, or says at which field it is none', () => {
  const now = 1_000_000;
  for (const [what, more, wanted] of [
    ['a limit order', {}, { side: 'buy', type: 'limit', time_in_force: 'day', price: '187.20', quantity: '100' }],
    ['short forms become the instrument\'s', { price: '187.2', quantity: '100.0' }, { side: 'buy', type: 'limit', time_in_force: 'day', price: '187.20', quantity: '100' }],
    ['a market order has no price', { type: 'market', time_in_force: 'ioc' }, { side: 'buy', type: 'market', time_in_force: 'ioc', quantity: '100' }],
    ['a stop', { type: 'stop', stop_price: '190', side: 'sell' }, { side: 'sell', type: 'stop', time_in_force: 'day', stop_price: '190.00', quantity: '100' }],
    ['a stop-limit iceberg', { type: 'stop_limit', stop_price: '190', display: '10' }, { side: 'buy', type: 'stop_limit', time_in_force: 'day', price: '187.20', stop_price: '190.00', quantity: '100', display: '10' }],
    ['post only', { post_only: true }, { side: 'buy', type: 'limit', time_in_force: 'day', price: '187.20', quantity: '100', post_only: true }],
    ['what the type lacks is left out', { time_in_force: 'ioc', post_only: true, display: '10', stop_price: 'x' }, { side: 'buy', type: 'limit', time_in_force: 'ioc', price: '187.20', quantity: '100' }],
    ['cancelled with the connection', { cancel_on_disconnect: true }, { side: 'buy', type: 'limit', time_in_force: 'day', price: '187.20', quantity: '100', cancel_on_disconnect: true }],
    ['until a time', { time_in_force: 'gtd', expires: 2_000_000 }, { side: 'buy', type: 'limit', time_in_force: 'gtd', price: '187.20', quantity: '100', expire_ns: '2000000000000' }],
    ['no tick', { price: '187.22' }, ['price']], ['too fine', { price: '187.201' }, ['price']], ['no price', { price: '' }, ['price']], ['no number', { price: 'abc' }, ['price']], ['nothing', { price: '0' }, ['price']],
    ['no lot', { quantity: '105' }, ['quantity']], ['half a share', { quantity: '10.5' }, ['quantity']], ['no quantity', { quantity: '' }, ['quantity']], ['too much', { quantity: '1000000000010' }, ['quantity']],
    ['more shown than there is', { display: '110' }, ['display']], ['a stop without one', { type: 'stop' }, ['stop_price']],
    ['a market order can\'t rest', { type: 'market' }, ['time_in_force']], ['a stop can\'t be at once', { type: 'stop', stop_price: '190', time_in_force: 'ioc' }, ['time_in_force']],
    ['until when?', { time_in_force: 'gtd' }, ['expires']], ['that was before', { time_in_force: 'gtd', expires: 999_999 }, ['expires']], ['all at once', { price: '', quantity: '1' }, ['price', 'quantity']]]) {
    const { order, problems } = readTicket(typed(more), terms, now);
    assert.deepEqual(order ?? Object.keys(problems), wanted, what);
  }
  assert.match(readTicket(typed({ price: '1.01' }), terms, now).problems.price, /multiples of 0\.05/);
  assert.deepEqual(fieldsOf('market', 'ioc').times, ['ioc', 'fok']);
});

test('a change says only what shall be another', () => {
  const had = { type: 'limit', status: 'OPEN', price: '187.20', quantity: '100', executed: '40', display: '0' };
  for (const [what, more, wanted] of [['a smaller one', { quantity: '80', display: '' }, { quantity: '80' }], ['another price', { price: '187.25', quantity: '100', display: '' }, { price: '187.25' }],
    ['shown in part', { quantity: '100', display: '20' }, { display: '20' }], ['nothing', { quantity: '100', display: '' }, ['quantity']], ['less than was executed', { quantity: '40', display: '' }, ['quantity']]]) {
    const { change, problems } = readChange({ price: '187.20', ...more }, had, terms);
    assert.deepEqual(change ?? Object.keys(problems), wanted, what);
  }
  assert.deepEqual(readChange({ stop_price: '190', quantity: '100', price: 'passed over' }, { type: 'stop', status: 'WAITING', stop_price: '189.00', quantity: '100', executed: '0' }, terms).change, { stop_price: '190.00' });
});

test('an order far from the market, or without a live one, is asked about', () => {
  const market = { live: true, bid: ['100.00', '50', 1], ask: ['100.10', '50', 1], shown: 200n };
  for (const [what, order, of, wanted] of [
    ['at the touch', {}, {}, 0], ['a little through', { price: '101.00' }, {}, 0], ['far through', { price: '101.15' }, {}, /1\.04 % above the best ask/],
    ['a sale far through', { side: 'sell', price: '98.95' }, {}, /1\.05 % below the best bid/], ['deep in the book', { price: '90.00' }, {}, 0], ['very deep', { price: '89.95' }, {}, /10\.05 % below the best bid/],
    ['a sale far away', { side: 'sell', price: '110.15' }, {}, /above the best ask/], ['an empty other side', { price: '100.00' }, { ask: undefined }, 0], ['far above the only side', { price: '120.00' }, { ask: undefined }, 0],
    ['an empty book', {}, { bid: undefined, ask: undefined }, /no price in the book/], ['a book that is not live', {}, { live: false, why: 'STALE' }, /not live \(STALE\)/],
    ['a large market order', { type: 'market', time_in_force: 'ioc', quantity: '210' }, {}, /more than the other side/], ['a market order', { type: 'market', time_in_force: 'ioc' }, {}, 0],
    ['a stop ahead', { type: 'stop', stop_price: '101.00' }, {}, 0], ['a stop behind', { type: 'stop', stop_price: '99.00' }, {}, /at once/], ['a stop far ahead', { type: 'stop', stop_price: '120.00' }, {}, /from the market/],
    ['a stop limit far from its stop', { type: 'stop_limit', stop_price: '101.00', price: '105.00' }, {}, /above the stop price/]]) {
    const given = typed({ price: '100.00', ...order }), { values } = readTicket(given, terms, 0), found = cautionsOf(given, values, { ...market, ...of }, terms);
    if (wanted === 0) assert.deepEqual(found, [], what);
    else assert.match(found.join(' '), wanted, what);
  }
});

/* ---- reports ---- */

const report = (seq, n, kind, more) => ({ type: 'execution', account: 'ann', exchange: 'TWEX', symbol: 'AAPL', shard: 1, seq: `${seq}`, n, execution_id: `1-${seq}-${n}`, kind, side: 'buy', order_type: 'limit', time_in_force: 'day',
  price: '187.20', quantity: '100', event_ns: `${seq}000`, ...more });
const accepted = (seq, id, more) => report(seq, 0, 'ACCEPTED', { status: 'OPEN', order_id: id, leaves: '100', executed: '0', ...more });
const fill = (seq, n, id, last, leaves, more) => report(seq, n, 'FILL', { status: leaves === '0' ? 'FILLED' : 'OPEN', order_id: id, leaves, executed: `${100 - Number(leaves)}`, last_price: '187.20', last_quantity: last, liquidity: 'taker', fee: '0.01', ...more });
const states = (orders) => orders.list().map(({ order_id, client_order_id, state, unknown }) => `${order_id ?? client_order_id} ${unknown ? 'unknown' : state}`);

test('an execution is had once, whatever comes again, and in whatever order', () => {
  const seen = new Seen(100);
  assert.equal(seen.resumePoint(), undefined);
  seen.meet('TWEX', 1);
  assert.deepEqual(seen.resumePoint(), { 1: { seq: '0', n: 0 } });
  assert.ok(seen.take(report(10, 1, 'FILL')) && seen.take(report(9, 0, 'FILL')) && seen.take(report(10, 0, 'FILL')));
  assert.ok(!seen.take(report(10, 1, 'FILL')) && !seen.take(report(9, 0, 'FILL')));
  assert.deepEqual(seen.resumePoint(), { 1: { seq: '10', n: 1 } });
  for (let i = 0; i < 300; i++) seen.take(report(20 + i, 0, 'FILL'));
  assert.ok(!seen.take(report(10, 1, 'FILL')) && !seen.take(report(20, 0, 'FILL')) && !seen.take(report(319, 0, 'FILL')), 'what was forgotten counts as had');
});

test('an order goes from sending to its end by what the venue says, however it is ordered on the way', () => {
  const orders = new Orders(), one = orders.sent({ exchange: 'TWEX', symbol: 'AAPL', client_order_id: 'a', side: 'buy', type: 'limit', quantity: '100' }, 0);
  assert.deepEqual(states(orders), ['a SENDING']);
  orders.acknowledged(one, { order_id: '1-5-0' }, 10);
  assert.deepEqual(states(orders), ['1-5-0 PENDING']);
  orders.report(fill(6, 1, '1-5-0', '40', '60'), 20);
  orders.report(accepted(5, '1-5-0'), 30); // late
  assert.deepEqual([states(orders), one.leaves, one.executed], [['1-5-0 OPEN'], '60', '40']);
  orders.asked(one, 'cancel', 40);
  orders.report(report(7, 0, 'CANCELLED', { status: 'CANCELLED', order_id: '1-5-0', leaves: '0', executed: '40', reason: 'REQUESTED' }), 50);
  assert.deepEqual([states(orders), one.asked, orders.open], [['1-5-0 CANCELLED'], undefined, 0]);
});

test('a report that overtakes the answer is believed, and the answer changes nothing', () => {
  const orders = new Orders(), one = orders.sent({ exchange: 'TWEX', symbol: 'AAPL', client_order_id: 'a' }, 0);
  orders.report(accepted(5, '1-5-0', { client_order_id: 'a' }), 10);
  orders.acknowledged(one, { order_id: '1-5-0' }, 20);
  assert.deepEqual(states(orders), ['1-5-0 OPEN']);
});

test('without a word for some seconds an order is unknown, and stays in sight until something is known', () => {
  const orders = new Orders(), one = orders.sent({ exchange: 'TWEX', symbol: 'AAPL', client_order_id: 'a' }, 0), two = orders.sent({ exchange: 'TWEX', symbol: 'AAPL', client_order_id: 'b' }, 0);
  orders.acknowledged(one, { order_id: '1-5-0' }, 0);
  orders.tick(4900);
  assert.deepEqual(states(orders), ['b SENDING', '1-5-0 PENDING']);
  orders.tick(5100);
  assert.deepEqual(states(orders), ['b unknown', '1-5-0 unknown']);
  const seqOf = (exchange, shard) => (shard === '1' ? 4n : undefined);
  orders.snapshot([], seqOf, 6000);
  assert.deepEqual(states(orders), ['b unknown', '1-5-0 unknown'], 'the venue has not come so far');
  orders.snapshot([], () => 5n, 7000);
  assert.deepEqual(states(orders), ['b unknown', '1-5-0 ENDED'], 'it has, and it is not open');
  orders.report(report(5, 0, 'REJECTED', { order_id: undefined, client_order_id: 'a', reason: 'FUNDS' }), 8000);
  assert.equal(one.state, 'REJECTED');
  orders.report(report(9, 0, 'CANCEL_REJECTED', { client_order_id: 'b', reason: 'UNKNOWN_ORDER' }), 9000);
  assert.deepEqual([two.state, orders.open], ['ABSENT', 0]);
});

test('sent again, an order is what became of the first one', () => {
  const orders = new Orders(), one = orders.sent({ exchange: 'TWEX', symbol: 'AAPL', client_order_id: 'a' }, 0);
  orders.unanswered(one, 'no answer');
  orders.again(one, 100);
  orders.acknowledged(one, { order_id: '1-9-0' }, 200); // an id that no order has
  assert.equal(one.order_id, undefined);
  orders.report(accepted(9, '1-5-0', { client_order_id: 'a', duplicate: true, leaves: '60', executed: '40' }), 300);
  assert.deepEqual([states(orders), one.leaves], [['1-5-0 OPEN'], '60']);
});

test('the venue\'s list of open orders brings those of others pages, ends what it lacks, and does not undo later reports', () => {
  const orders = new Orders();
  orders.report(accepted(5, '1-5-0'), 0);
  orders.report(accepted(6, '1-6-0'), 0);
  orders.report(fill(12, 0, '1-6-0', '100', '0'), 0);
  orders.report(accepted(13, '1-13-0'), 0);
  const view = (id, more) => ({ order_id: id, exchange: 'TWEX', symbol: 'AAPL', side: 'sell', order_type: 'limit', time_in_force: 'gtc', status: 'OPEN', price: '190.00', quantity: '50', leaves: '50', executed: '0', ...more });
  orders.snapshot([view('1-6-0'), view('1-3-0'), view('1-4-0', { status: 'WAITING', order_type: 'stop' })], () => 10n, 0);
  assert.deepEqual(states(orders), ['1-4-0 WAITING', '1-3-0 OPEN', '1-13-0 OPEN', '1-5-0 ENDED', '1-6-0 FILLED']);
  orders.report(report(9, 0, 'CANCELLED', { status: 'CANCELLED', order_id: '1-5-0', leaves: '0', executed: '0', reason: 'DAY_ENDED' }), 0); // the missed report of its end
  assert.equal(orders.byId.get('1-5-0').state, 'CANCELLED');
});

test('those that have ended are kept for a while, and not for ever', () => {
  const orders = new Orders();
  for (let i = 0; i < 500; i++) {
    orders.report(accepted(2 * i, `1-${2 * i}-0`), 0);
    orders.report(fill(2 * i + 1, 0, `1-${2 * i}-0`, '100', '0'), 0);
  }
  assert.deepEqual([orders.list().length, orders.byId.size, orders.open], [200, 200, 0]);
});

test('positions follow the venue\'s arithmetic, exactly, over the venue\'s word and later fills', () => {
  const positions = new Positions(), trade = (seq, side, price, quantity) => ({ exchange: 'TWEX', symbol: 'AAPL', shard: 1, seq: BigInt(seq), side, price, quantity });
  positions.take(trade(1, 'buy', '9.99', '1')); // nothing is known yet
  assert.deepEqual(positions.list(), []);
  positions.snapshot([{ exchange: 'TWEX', symbol: 'AAPL', shard: 1, quantity: '100', cost: '1000.00', realised: '-5.00', average_price: '10.00' }], () => 10n, [trade(9, 'buy', '10.00', '50'), trade(11, 'sell', '11.00', '30')]);
  const [one] = positions.list(), told = () => [`${one.quantity}`, amountText(one.cost, one), amountText(one.realised, one), averageOf(one)];
  assert.deepEqual(told(), ['70', '700.00', '25.00', '10.00']);
  positions.take(trade(12, 'sell', '12.00', '100'));
  assert.deepEqual(told(), ['-30', '360.00', '165.00', '12.00']);
  assert.deepEqual(unrealisedOf(one, { bid: ['11.00', '5', 1], ask: ['11.50', '5', 1] }), { price: '11.50', amount: '15.00', sign: 1 });
  assert.equal(unrealisedOf(one, { bid: ['11.00', '5', 1] }), undefined);
  positions.take(trade(13, 'buy', '12.00', '30'));
  assert.deepEqual([told(), unrealisedOf(one, { bid: ['11.00', '5', 1] })], [['0', '0.00', '165.00', undefined], undefined]);
});

test('whatever is traded, money is conserved: realised and unrealised gain are what came in and went out', () => {
  const { random, seed } = randomOf(17);
  for (let round = 0; round < 200; round++) {
    const positions = new Positions();
    let cash = 0n, held = 0n;
    positions.snapshot([], () => 0n, []);
    for (let i = 0; i < 30; i++) {
      const buys = random(2) === 0, price = BigInt(1 + random(10_000)), quantity = BigInt(1 + random(500));
      positions.take({ exchange: 'TWEX', symbol: 'A', shard: 1, seq: BigInt(i + 1), side: buys ? 'buy' : 'sell', price: `${price / 100n}.${`${price % 100n}`.padStart(2, '0')}`, quantity: `${quantity}` });
      cash -= buys ? price * quantity : -price * quantity;
      held += buys ? quantity : -quantity;
      const [one] = positions.list();
      assert.equal(one.quantity, held, `seed ${seed}`);
      assert.equal(one.realised, cash + (held > 0n ? one.cost : -one.cost), `seed ${seed}`);
      assert.ok(one.cost >= 0n && (held !== 0n || one.cost === 0n), `seed ${seed}`);
    }
  }
});

/* ---- the desk ---- */

class Stage {
  constructor(more = {}) {
    this.time = 1000;
    this.sent = [];
    this.said = [];
    this.wanted = new Set();
    this.kept = {};
    this.open = true;
    this.state = { orders: [], positions: [], shards: ['1'], seq: 0n };
    this.asked = 0;
    this.desk = new Desk({
      send: (request) => this.open && this.sent.push(request) > 0, now: () => this.time, name: () => 'page', want: (subject) => this.wanted.add(subject), drop: (subject) => this.wanted.delete(subject),
      said: (event) => this.said.push(event), keep: (account, list) => (this.kept[account] = list),
      ask: async () => {
        this.asked++;
        const { seq, why, ...state } = this.state;
        return why ? { why } : { limits: [], ...state, orderSeqOf: () => seq, positionSeqOf: () => seq };
      }, ...more,
    });
  }

  async start() {
    this.desk.admitted({ accounts: ['ann', 'bob'], exchanges: ['TWEX'] });
    await settle();
    this.desk.subscribed('exec.ann');
    await settle();
    return this.desk;
  }

  place(more) {
    return this.desk.place({ exchange: 'TWEX', symbol: 'AAPL', side: 'buy', type: 'limit', time_in_force: 'day', price: '187.20', quantity: '100', ...more });
  }

  get last() {
    return this.sent.at(-1);
  }
}

test('an account begins with its shards, then its reports, then what is open', async () => {
  const stage = new Stage(), { desk } = stage;
  assert.ok(!desk.trades);
  desk.admitted({ accounts: ['ann', 'b.b'], exchanges: ['TWEX'] });
  await settle();
  assert.deepEqual([desk.trades, desk.takesOrders('TWEX'), desk.takesOrders('XNAS'), [...stage.wanted], desk.resumePoint('exec.ann'), desk.account.state], [true, true, false, ['exec.ann'], { 1: { seq: '0', n: 0 } }, 'unknown']);
  desk.subscribed('exec.ann');
  await settle();
  assert.deepEqual([desk.account.state, stage.asked], ['known', 2]);
  desk.choose('b.b');
  await settle();
  assert.deepEqual([...stage.wanted], ['exec.ann', 'exec.b%2Eb']);
  desk.admitted({ accounts: ['ann'], exchanges: ['TWEX'] });
  assert.deepEqual([desk.chosen, [...stage.wanted]], ['ann', ['exec.ann']]);
  desk.admitted({ accounts: [], exchanges: [] });
  assert.deepEqual([desk.trades, [...stage.wanted]], [false, []]);
});

test('an order is sent whole, with a name of its own, and followed to its fill', async () => {
  const stage = new Stage(), desk = await stage.start();
  stage.place();
  assert.deepEqual(stage.last, { op: 'order.new', id: 'order-1', exchange: 'TWEX', symbol: 'AAPL', side: 'buy', type: 'limit', time_in_force: 'day', price: '187.20', quantity: '100', account: 'ann', client_order_id: 'page-1' });
  assert.ok(desk.take({ type: 'order', id: 'order-1', op: 'order.new', state: 'PENDING', order_id: '1-5-0', correlation_id: 'c' }));
  desk.take(accepted(5, '1-5-0', { client_order_id: 'page-1' }));
  const filled = fill(6, 0, '1-5-0', '100', '0');
  desk.take(filled);
  desk.take(filled);
  const { orders, fills, positions } = desk.account;
  assert.deepEqual([states(orders), fills.list.length, `${positions.list()[0].quantity}`, stage.said.length], [['1-5-0 FILLED'], 1, '100', 2]);
  assert.deepEqual(stage.kept.ann, []);
});

test('what was refused by the gateway never came; what it does not know may have, and is sent again under the same name', async () => {
  const stage = new Stage(), desk = await stage.start(), refused = stage.place();
  desk.take({ type: 'error', id: 'order-1', code: 'RATE_LIMITED', message: 'too many', retry_after_ms: 400 });
  assert.deepEqual([refused.state, refused.reason], ['REFUSED', 'RATE_LIMITED']);
  const unknown = stage.place();
  desk.take({ type: 'error', id: 'order-2', code: 'NOT_ACKNOWLEDGED', message: 'the stream did not answer' });
  assert.ok(unknown.unknown && desk.account.orders.isLive(unknown));
  assert.deepEqual(stage.kept.ann.map(({ request }) => request.client_order_id), ['page-2']);
  const before = stage.last;
  assert.ok(desk.again(unknown));
  assert.deepEqual({ ...stage.last, id: before.id }, before);
  desk.take({ type: 'error', id: stage.last.id, code: 'RATE_LIMITED', message: 'too many' });
  assert.ok(unknown.unknown && desk.account.orders.isLive(unknown), 'that the second one never came says nothing of the first');
  stage.time += 1_000_000;
  assert.ok(!desk.again(unknown), 'too late: another day may have begun');
  assert.match(stateWords(unknown, stage.time).title, /Look at the open orders/);
  assert.match(errorWords(stage.said[0].error, refused).text, /^Not sent: buy 100 AAPL at 187\.20\. Too many\. .*Again in 0\.4 s/);
});

test('a lost connection leaves what was on its way unknown, goes on behind the last execution, and finds what was missed', async () => {
  const stage = new Stage(), desk = await stage.start(), one = stage.place(), two = stage.place();
  desk.take({ type: 'order', id: 'order-1', state: 'PENDING', order_id: '1-5-0' });
  desk.take(accepted(5, '1-5-0', { client_order_id: 'page-1' }));
  desk.cancel(one);
  stage.open = false;
  desk.disconnected();
  assert.deepEqual([one.state, one.problem, two.unknown, desk.account.state, desk.account.why], ['OPEN', 'The connection was lost before an answer came.', true, 'unknown', 'this page is not connected']);
  assert.equal(desk.waiting.size, 0);
  const three = stage.place();
  assert.deepEqual([three.state, three.reason], ['REFUSED', 'NOT_CONNECTED']);
  stage.open = true;
  assert.deepEqual(desk.resumePoint('exec.ann'), { 1: { seq: '5', n: 0 } });
  stage.state = { orders: [], positions: [{ exchange: 'TWEX', symbol: 'AAPL', shard: 1, quantity: '100', cost: '18720.00', realised: '0.00' }], shards: ['1'], seq: 8n };
  desk.subscribed('exec.ann');
  desk.take(fill(7, 1, '1-5-0', '100', '0'));
  desk.take(accepted(9, '1-9-0', { client_order_id: 'page-2' }));
  await settle();
  assert.deepEqual([desk.account.fills.list.length, `${desk.account.positions.list()[0].quantity}`], [1, '100']);
  assert.deepEqual(states(desk.account.orders).sort(), ['1-5-0 FILLED', '1-9-0 OPEN', 'page-3 REFUSED']);
});

test('answers to questions of an earlier connection do not count, and what could not be had is asked for again', async () => {
  const stage = new Stage(), desk = await stage.start();
  stage.state.why = 'nobody answers';
  desk.disconnected();
  desk.subscribed('exec.ann');
  await settle();
  assert.deepEqual([desk.account.state, desk.account.why], ['unknown', 'nobody answers']);
  const { asked } = stage;
  desk.tick(true);
  stage.time += 4000;
  desk.tick(false);
  assert.equal(stage.asked, asked);
  stage.state.why = undefined;
  desk.tick(true);
  await settle();
  assert.deepEqual([stage.asked, desk.account.state], [asked + 1, 'known']);
  stage.state.orders = [{ order_id: '1-3-0', exchange: 'TWEX', symbol: 'A', side: 'buy', order_type: 'limit', status: 'OPEN' }];
  desk.subscribed('exec.ann');
  desk.disconnected();
  await settle();
  assert.deepEqual([desk.account.orders.open, desk.account.state], [0, 'unknown']);
});

test('cancels and changes name their order; one that the venue refuses leaves the order as it is, with the reason', async () => {
  const stage = new Stage(), desk = await stage.start(), one = stage.place();
  desk.cancel(one);
  assert.deepEqual(stage.last, { op: 'order.cancel', id: 'order-2', account: 'ann', exchange: 'TWEX', symbol: 'AAPL', client_order_id: 'page-1' });
  desk.take(accepted(5, '1-5-0', { client_order_id: 'page-1' }));
  desk.replace(one, { quantity: '80' });
  assert.deepEqual(stage.last, { op: 'order.replace', id: 'order-3', account: 'ann', exchange: 'TWEX', symbol: 'AAPL', order_id: '1-5-0', quantity: '80' });
  assert.equal(one.asked, 'replace');
  desk.take(report(7, 0, 'REPLACE_REJECTED', { order_id: '1-5-0', reason: 'BAD_LOT' }));
  assert.deepEqual([one.state, one.asked, stateWords(one, 0).title], ['OPEN', undefined, 'Replace refused: bad lot. Use a multiple of the lot.']);
  desk.cancelAll('TWEX');
  assert.deepEqual(stage.last, { op: 'order.mass_cancel', id: 'order-4', exchange: 'TWEX', account: 'ann' });
  stage.time += 6000;
  desk.cancel(one);
  stage.time += 6000;
  desk.tick(true);
  assert.match(stateWords(one, stage.time).text, /unanswered/);
});

test('an account that an operator has stopped is asked about until it may trade again', async () => {
  const stage = new Stage(), desk = await stage.start(), limits = (killed) => [{ shard: 1, limits_known: true, blocked: false, killed }];
  const pass = async () => {
    stage.time += 4000;
    desk.tick(true);
    await settle();
    return [stage.asked, desk.account.stopped];
  };
  const before = stage.asked;
  assert.deepEqual(await pass(), [before, false]);
  stage.state.limits = limits(true);
  desk.take(report(5, 0, 'REJECTED', { client_order_id: 'x', reason: 'KILL_SWITCH' }));
  assert.deepEqual(await pass(), [before + 1, true]);
  stage.state.limits = limits(false);
  assert.deepEqual([await pass(), await pass()], [[before + 2, false], [before + 2, false]]);
});

test('what nobody confirmed outlives the page; lost reports are told; a refused subscription is not asked for all the time', async () => {
  const stage = new Stage(), desk = await stage.start();
  desk.recall('ann', [{ request: { exchange: 'TWEX', symbol: 'AAPL', client_order_id: 'old-1', side: 'buy', quantity: '5' }, since: 0 }, { request: { exchange: 'TWEX', symbol: 'AAPL', client_order_id: 'old-2' }, since: 0, order_id: '1-2-0' }]);
  assert.deepEqual(states(desk.account.orders), ['1-2-0 unknown', 'old-1 unknown']);
  assert.ok(desk.take({ type: 'error', code: 'REPORTS_LOST', subject: 'exec.ann', shard: 1, message: 'gone' }));
  assert.ok(desk.account.incomplete);
  await settle();
  desk.refused('exec.ann', { message: 'not yours' });
  const { asked } = stage;
  stage.time += 10_000;
  desk.tick(true);
  assert.deepEqual([stage.asked, desk.account.why], [asked, 'not yours']);
  assert.ok(!desk.take({ type: 'error', code: 'FORBIDDEN', subject: 'XNAS.A.quote', message: '' }) && !desk.take({ type: 'error', id: 'ask-1', code: 'X' }));
});

test('reports are told in words', () => {
  const order = { side: 'buy', symbol: 'AAPL', type: 'limit' };
  for (const [message, wanted] of [[accepted(1, '1-1-0'), 'Accepted: buy 100 AAPL at 187.20.'], [fill(2, 0, '1-1-0', '40', '60'), 'Bought 40 AAPL at 187.20, 60 left.'], [fill(2, 0, '1-1-0', '40', '0'), 'Bought 40 AAPL at 187.20, done.'],
    [report(3, 0, 'REJECTED', { reason: 'BAD_TICK', reason_text: 'the price is not on the instrument\'s tick' }), 'Rejected: buy 100 AAPL at 187.20. The price is not on the instrument\'s tick. Use a price on the tick: at this price it may be larger than the smallest one. (BAD_TICK)'],
    [report(3, 0, 'CANCELLED', { reason: 'REQUESTED' }), 'Cancelled: buy 100 AAPL at 187.20.'], [report(3, 0, 'CANCELLED', { reason: 'IOC_REMAINDER', reason_text: 'what did not execute at once was cancelled' }), 'Cancelled: buy 100 AAPL at 187.20. What did not execute at once was cancelled. (IOC_REMAINDER)'],
    [accepted(1, '1-1-0', { order_type: 'stop', stop_price: '99.00', price: '94.05' }), 'Accepted: buy 100 AAPL stop 99.00.'],
    [report(3, 0, 'MASS_CANCELLED', { quantity: '3' }), 'Cancelled all: 3 orders.']])
    assert.equal(reportWords(message, order).text, wanted);
  assert.equal(reportWords(report(1, 0, 'RESTATED', { reason: 'ICEBERG_REFRESH' }), order), undefined);
});

// What a ticket may say: which fields a type of order has, and whether what was typed is an order. It knows what can be known without
// the venue (docs/orders.md), so that a slip of the finger is told at the field and not by a refusal; what the account may do, only the venue knows.
import { readDecimal } from '../format/exact.js';
import { priceText, quantityText } from './terms.js';

const RESTING = ['gtc', 'day', 'gtd'];
const MOST_PRICE = 10n ** 15n; // in units of the instrument, as the venue bounds them
const MOST_QUANTITY = 10n ** 12n;

export const TYPES = { limit: 'Limit', market: 'Market', stop: 'Stop', stop_limit: 'Stop limit' };
export const TIMES = { gtc: 'Until cancelled', day: 'Day', gtd: 'Until a time', ioc: 'At once (IOC)', fok: 'All or nothing (FOK)' };

/** Which fields an order of this type and time in force has. `times`: those it may have. */
export function fieldsOf(type, time) {
  const limit = type === 'limit' || type === 'stop_limit', stop = type === 'stop' || type === 'stop_limit';
  const times = type === 'market' ? ['ioc', 'fok'] : stop ? RESTING : [...RESTING, 'ioc', 'fok'];
  const rests = RESTING.includes(time);
  return { price: limit, stop_price: stop, display: limit && rests, post_only: type === 'limit' && rests, expires: time === 'gtd', times };
}

const FAULTS = {
  price: { empty: 'A price is needed.', malformed: 'That is no price.', step: (terms) => `Prices are multiples of ${priceText(terms.tick, terms)}.` },
  stop_price: { empty: 'A stop price is needed.', malformed: 'That is no price.', step: (terms) => `Prices are multiples of ${priceText(terms.tick, terms)}.` },
  quantity: { empty: 'A quantity is needed.', malformed: 'That is no quantity.', step: (terms) => `Quantities are multiples of ${quantityText(terms.lot, terms)}.` },
  display: { malformed: 'That is no quantity.', step: (terms) => `Quantities are multiples of ${quantityText(terms.lot, terms)}.` },
};

/** One number of the ticket: { value }, or { problem } in words; { } where it is empty and may be. */
function readField(name, text, terms) {
  const isPrice = name.endsWith('price'), words = FAULTS[name];
  const { value, fault } = readDecimal(text ?? '', isPrice ? terms.priceDigits : terms.quantityDigits);
  if (fault === 'empty') return words.empty ? { problem: words.empty } : {};
  if (fault === 'fine') return { problem: words.step(terms) };
  if (fault || value === 0n) return { problem: fault ? words.malformed : `It must be above 0.` };
  if (value > (isPrice ? MOST_PRICE : MOST_QUANTITY)) return { problem: 'That is beyond what the venue takes.' };
  return value % (isPrice ? terms.tick : terms.lot) === 0n ? { value } : { problem: words.step(terms) };
}

/**
 * `typed`: { side, type, time_in_force, price, stop_price, quantity, display, post_only, cancel_on_disconnect, expires } as text from the fields (`expires` in
 * milliseconds since 1970, or undefined). Gives { order, values, problems }: `order` has the fields of the stream's `order.new` that
 * say what to do; `values` the scaled numbers; `problems` name -> words, and then there is no order.
 */
export function readTicket(typed, terms, now) {
  const has = fieldsOf(typed.type, typed.time_in_force), problems = {}, values = {};
  for (const name of ['price', 'stop_price', 'quantity', 'display']) {
    if (name !== 'quantity' && !has[name]) continue;
    const { value, problem } = readField(name, typed[name], terms);
    if (problem) problems[name] = problem;
    else if (value !== undefined) values[name] = value;
  }
  if (!has.times.includes(typed.time_in_force)) problems.time_in_force = `${TYPES[typed.type]} orders can't be “${TIMES[typed.time_in_force]}”.`;
  if (values.display > values.quantity) problems.display = 'No more can be shown than the order has.';
  if (has.expires && !(typed.expires > now)) problems.expires = typed.expires === undefined ? 'A time is needed.' : 'That time has passed.';
  if (Object.keys(problems).length > 0) return { problems, values };
  return { order: orderOf(typed, has, values, terms), problems, values };
}

function orderOf(typed, has, values, terms) {
  const order = { side: typed.side, type: typed.type, time_in_force: typed.time_in_force };
  for (const name of ['price', 'stop_price']) if (values[name] !== undefined) order[name] = priceText(values[name], terms);
  for (const name of ['quantity', 'display']) if (values[name] !== undefined) order[name] = quantityText(values[name], terms);
  if (has.expires) order.expire_ns = `${BigInt(Math.round(typed.expires)) * 1_000_000n}`;
  if (has.post_only && typed.post_only) order.post_only = true;
  if (typed.cancel_on_disconnect) order.cancel_on_disconnect = true;
  return order;
}

/** What of an open order a replace may change. */
export function changeable({ type, status }) {
  return { price: type !== 'stop' && type !== 'market', stop_price: status === 'WAITING', quantity: true, display: type === 'limit' || type === 'stop_limit' };
}

/** Likewise for a change of `had`, an order as reports tell it: { change } has only what shall be another. */
export function readChange(typed, had, terms) {
  const may = changeable(had), problems = {}, values = {}, change = {};
  for (const name of ['price', 'stop_price', 'quantity', 'display']) {
    if (!may[name] || (name === 'display' && typed.display === undefined)) continue;
    const { value, problem } = readField(name, typed[name], terms);
    if (problem) problems[name] = problem;
    else values[name] = value ?? 0n; // an empty display shows all
  }
  const executed = readDecimal(had.executed ?? '0', terms.quantityDigits).value ?? 0n;
  if (values.quantity !== undefined && values.quantity <= executed) problems.quantity = `${had.executed} of it are executed already: it must be more.`;
  if (values.display > values.quantity) problems.display = 'No more can be shown than the order has.';
  for (const [name, value] of Object.entries(values)) {
    const isPrice = name.endsWith('price'), before = readDecimal(had[name] ?? '0', isPrice ? terms.priceDigits : terms.quantityDigits).value;
    if (value !== before) change[name] = isPrice ? priceText(value, terms) : quantityText(value, terms);
  }
  if (Object.keys(problems).length > 0) return { problems, values };
  if (Object.keys(change).length === 0) return { problems: { quantity: 'Nothing is changed.' }, values };
  return { change, problems, values };
}

// What one account holds: the venue's word, true after some input of each shard, and every fill after that by the venue's own arithmetic
// (matcher/core/ledger.c): money is exact, in units of price times quantity, and the part of the cost that a fill closes is rounded down.
import { decimalOf, digitsOf } from '../format/decimal.js';
import { absolute, exactly } from '../format/exact.js';

export class Positions {
  constructor() {
    this.byKey = new Map(); // "TWEX.AAPL" -> { key, quantity, cost, realised (BigInts), priceDigits, quantityDigits }
    this.known = false; // the venue has told
    this.version = 0;
  }

  /** The venue's positions, true after the input `seqOf(exchange, shard)`; `fills` are those heard of, of which the later ones count. */
  snapshot(list, seqOf, fills) {
    this.version++;
    this.known = true;
    this.seqOf = seqOf;
    this.byKey.clear();
    for (const view of list) this.byKey.set(`${view.exchange}.${view.symbol}`, positionOf(view));
    for (const fill of fills) this.take(fill);
  }

  /** A fill (fills.js) that was not had before. It counts if the venue's word does not hold it already. */
  take(fill) {
    const seq = this.known ? this.seqOf(fill.exchange, `${fill.shard}`) : undefined;
    if (this.known && (seq === undefined || fill.seq > seq)) this.#add(fill);
  }

  #add({ exchange, symbol, side, price, quantity }) {
    this.version++;
    const key = `${exchange}.${symbol}`;
    let one = this.byKey.get(key);
    if (!one) this.byKey.set(key, (one = { key, exchange, symbol, quantity: 0n, cost: 0n, realised: 0n, priceDigits: 0, quantityDigits: 0 }));
    widen(one, digitsOf(price), digitsOf(quantity));
    trade(one, side === 'buy', exactly(price, one.priceDigits), exactly(quantity, one.quantityDigits));
  }

  /** Those that are held, and those that were: by symbol. */
  list() {
    return [...this.byKey.values()].sort((a, b) => (a.quantity === 0n) - (b.quantity === 0n) || (a.key < b.key ? -1 : 1));
  }
}

function positionOf(view) {
  const quantityDigits = digitsOf(view.quantity), money = digitsOf(view.cost ?? view.realised ?? '0');
  const priceDigits = Math.max(0, view.cost !== undefined ? money - quantityDigits : digitsOf(view.average_price ?? '0'));
  const quantity = exactly(view.quantity, quantityDigits), digits = priceDigits + quantityDigits;
  const cost = view.cost !== undefined ? exactly(view.cost, digits) : absolute(quantity) * exactly(view.average_price ?? '0', priceDigits);
  return { key: `${view.exchange}.${view.symbol}`, exchange: view.exchange, symbol: view.symbol, quantity, cost, realised: exactly(view.realised ?? '0', digits), priceDigits, quantityDigits };
}

// In units that are fine enough for so many digits.
function widen(one, priceDigits, quantityDigits) {
  const price = Math.max(0, priceDigits - one.priceDigits), quantity = Math.max(0, quantityDigits - one.quantityDigits);
  if (price + quantity === 0) return;
  one.priceDigits += price;
  one.quantityDigits += quantity;
  one.quantity *= 10n ** BigInt(quantity);
  for (const name of ['cost', 'realised']) one[name] *= 10n ** BigInt(price + quantity);
}

// Opens, closes, or closes and opens the other way.
function trade(one, buys, price, quantity) {
  const change = buys ? quantity : -quantity;
  let opens = quantity;
  if (one.quantity !== 0n && one.quantity > 0n !== buys) {
    const size = absolute(one.quantity), closed = quantity < size ? quantity : size;
    const cost = (one.cost / size) * closed + ((one.cost % size) * closed) / size, value = price * closed;
    one.realised += one.quantity > 0n ? value - cost : cost - value;
    one.cost -= cost;
    opens -= closed;
  }
  one.cost += price * opens;
  one.quantity += change;
}

const half = (value, by) => (2n * value + by) / (2n * by);

/** What was paid for one on average, as the venue rounds it; undefined where nothing is held. */
export function averageOf({ quantity, cost, priceDigits }) {
  return quantity === 0n ? undefined : decimalOf(half(cost, absolute(quantity)), priceDigits);
}

export const amountText = (value, { priceDigits, quantityDigits }) => decimalOf(value, priceDigits + quantityDigits);

/**
 * What closing it at the best price of the other side would bring beyond what it cost: { price, amount (text), sign }; undefined where
 * nothing is held or that side is empty. `quote`: { bid, ask } with levels.
 */
export function unrealisedOf(one, quote) {
  const level = one.quantity > 0n ? quote?.bid : quote?.ask;
  if (one.quantity === 0n || !level) return undefined;
  const value = exactly(level[0], one.priceDigits) * absolute(one.quantity), gain = one.quantity > 0n ? value - one.cost : one.cost - value;
  return { price: level[0], amount: amountText(gain, one), sign: gain > 0n ? 1 : gain < 0n ? -1 : 0 };
}

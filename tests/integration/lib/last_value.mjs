// What Redis should hold, worked out from what a subscriber saw on the bus, by other code than the aggregator's.
import { sleep } from './programs.mjs';
import { Subscriber } from './subscriber.mjs';

/** 1891200n with exponent -4 is "189.1200". */
export function decimal(value, exponent) {
  if (exponent >= 0) return `${value * 10n ** BigInt(exponent)}`;
  const digits = `${value < 0n ? -value : value}`.padStart(1 - exponent, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, exponent)}.${digits.slice(exponent)}`;
}

export class LastValues {
  static async connect(nats, subjects = ['*.*.quote', '*.*.trade', 'feed.>']) {
    const self = new LastValues();
    self.quotes = new Map(); // key -> last Quote
    self.trades = new Map(); // key -> { last Trades, prints that are valid }
    self.subscriber = await Subscriber.connect(nats, subjects, { onMessage: (subject, payload) => self.#take(subject, payload) });
    return self;
  }

  #take(subject, payload) {
    const key = `tw:last:${payload.exchange}:${payload.symbol}`;
    const channel = subject.split('.')[2];
    if (/^feed\./.test(subject)) return;
    for (const map of [this.quotes, this.trades]) { // a new session or leader begins anew
      const known = map.get(key)?.message;
      if (known && (known.epoch !== payload.epoch || known.term !== payload.term)) map.delete(key);
    }
    if (channel === 'quote') this.quotes.set(key, { message: payload });
    if (channel !== 'trade') return;
    const prints = this.trades.get(key)?.prints ?? [];
    for (const print of payload.prints) {
      if (print.kind === 'PRINT_BREAK') {
        const at = prints.findIndex((other) => other.matchId === print.matchId);
        if (at >= 0) prints.splice(at, 1);
      } else prints.push(print);
    }
    this.trades.set(key, { message: payload, prints });
  }

  /** { key: { field: text } }, in `feed`'s state: "OK", "CLOSED". */
  expected(feed = 'OK') {
    const keys = [...new Set([...this.quotes.keys(), ...this.trades.keys()])].sort();
    return Object.fromEntries(keys.map((key) => [key, this.#row(this.quotes.get(key)?.message, this.trades.get(key), feed)]));
  }

  #row(quote, trades, feed) {
    const row = {};
    const put = (name, of, price, quantity) => {
      if (price === undefined) return;
      row[name] = decimal(price, of.priceExponent);
      row[`${name}_size`] = decimal(quantity, of.quantityExponent);
    };
    if (quote) {
      put('bid', quote, quote.bidPrice, quote.bidQuantity);
      put('ask', quote, quote.askPrice, quote.askQuantity);
    }
    const last = trades?.prints.at(-1);
    if (last) put('last', trades.message, last.price, last.quantity);
    const quoteIsNewer = !trades || (quote && quote.seq >= trades.message.seq);
    const { seq } = quoteIsNewer ? quote : trades.message;
    const { eventNs } = quoteIsNewer ? quote : trades.message.prints.at(-1);
    return { ...row, seq: `${seq}`, event_ns: `${eventNs}`, state: feed };
  }

  /** Waits until nothing came for a while. */
  async quiet() {
    const newest = () => [...this.quotes.values(), ...this.trades.values()].map(({ message }) => message.seq).reduce((a, b) => (a > b ? a : b), 0n);
    for (let before = -1n; before !== newest(); await sleep(300)) before = newest();
  }

  /** Whether an instrument's newest print is a break. */
  endsInBreaks() {
    return [...this.trades.values()].some(({ message }) => message.prints.at(-1)?.kind === 'PRINT_BREAK');
  }

  async close() {
    await this.subscriber.close();
  }
}

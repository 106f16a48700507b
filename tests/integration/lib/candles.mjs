// Candles a second time: from the prints that a subscriber saw, in whole numbers, from scratch; and a listener that keeps
// those that are published by the rule of docs/protocol.md.
import { connect } from 'nats';
import { decode, instrumentSubject } from './wire.mjs';

const NS = 1_000_000_000n;
export const INTERVALS = { '1s': NS, '1m': 60n * NS, '5m': 300n * NS, '1h': 3600n * NS, '1d': 86_400n * NS };

/** turnover / volume, rounded half to even. */
export function average(turnover, volume) {
  let whole = turnover / volume, rest = turnover % volume;
  if (rest < 0n) [whole, rest] = [whole - 1n, rest + volume];
  if (2n * rest > volume || (2n * rest === volume && whole % 2n !== 0n)) whole++;
  return whole;
}

/** Prints by subject prefix ("XNAS.AAPL"), each once; breaks take theirs back. */
export class Tape {
  constructor() {
    this.prints = new Map(); // prefix -> Map "seq.index" -> print
    this.epochs = new Map();
  }

  take(subject, trades) {
    const prefix = subject.replace(/\.trade$/, '');
    if (!this.prints.has(prefix)) this.prints.set(prefix, new Map());
    for (const print of trades.prints)
      this.prints.get(prefix).set(`${trades.epoch} ${print.seq}.${print.index}`, { ...print, exchange: trades.exchange, midnight: midnightOf(trades.epoch) });
  }

  valid(prefix) {
    const all = [...(this.prints.get(prefix)?.values() ?? [])];
    const broken = new Set(all.filter(({ kind }) => kind === 'PRINT_BREAK').map(({ matchId }) => matchId));
    return all.filter(({ kind, matchId, quantity, price }) => kind !== 'PRINT_BREAK' && !broken.has(matchId) && quantity > 0n && price !== undefined);
  }

  /** Of one interval, of one instrument ("XNAS.AAPL") or a symbol over all ("agg.AAPL"): start -> candle. */
  candles(prefix, interval) {
    const [mic, token] = prefix.split('.');
    const prefixes = mic === 'agg' ? [...this.prints.keys()].filter((name) => name.endsWith(`.${token}`)) : [prefix];
    const order = (a, b) => (a.eventNs !== b.eventNs ? (a.eventNs < b.eventNs ? -1 : 1)
      : a.exchange !== b.exchange ? (a.exchange < b.exchange ? -1 : 1) : a.seq !== b.seq ? (a.seq < b.seq ? -1 : 1) : a.index - b.index);
    const made = new Map();
    for (const print of prefixes.flatMap((name) => this.valid(name)).sort(order)) {
      const start = interval === '1d' ? print.midnight : print.eventNs - (print.eventNs % INTERVALS[interval]);
      const candle = made.get(start) ?? { start, open: print.price, high: print.price, low: print.price, volume: 0n, turnover: 0n, count: 0n };
      made.set(start, candle);
      if (print.price > candle.high) candle.high = print.price;
      if (print.price < candle.low) candle.low = print.price;
      candle.close = print.price;
      candle.volume += print.quantity;
      candle.turnover += print.price * print.quantity;
      candle.count++;
      candle.vwap = average(candle.turnover, candle.volume);
    }
    return made;
  }
}

// A winter's day in New York.
const midnightOf = (epoch) => BigInt(Date.parse(`${epoch.slice(0, 10)}T05:00:00Z`)) * 1_000_000n;

/** A Candle as the oracle has it. */
export const plainCandle = ({ startNs, open, high, low, close, volume, turnoverHigh, turnoverLow, count, vwap }) =>
  ({ start: startNs, open, high, low, volume, turnover: (turnoverHigh << 64n) + turnoverLow, count, close, vwap });

/** Keeps candles and best quotes of a bus. */
export class CandleListener {
  static async connect(server) {
    const self = new CandleListener();
    self.connection = await connect({ servers: server.url });
    for (const subject of ['*.*.trade', '*.*.candle.*', 'agg.*.nbbo'])
      self.connection.subscribe(subject, { callback: (error, message) => self.#take(error, message) });
    await self.connection.flush();
    return self;
  }

  constructor() {
    this.tape = new Tape();
    this.candles = new Map(); // subject -> Map start -> Candle
    this.messages = []; // [subject, Candle]
    this.nbbo = new Map(); // symbol -> Nbbo
    this.errors = [];
  }

  #take(error, { subject, data }) {
    try {
      if (error) throw error;
      if (subject.startsWith('snapshots.')) return; // somebody's request: it has three tokens, too
      const payload = decode(subject, data);
      if (instrumentSubject(subject)?.channel === 'trade') this.tape.take(subject, payload);
      else if (subject.endsWith('.nbbo')) this.nbbo.set(payload.symbol, payload);
      else this.#keep(subject, payload);
    } catch (caught) {
      this.errors.push(`${subject}: ${caught.stack}`);
    }
  }

  #keep(subject, candle) {
    this.messages.push([subject, candle]);
    if (!this.candles.has(subject)) this.candles.set(subject, new Map());
    const mine = this.candles.get(subject).get(candle.startNs);
    const older = mine && mine.epoch === candle.epoch && (candle.revision < mine.revision || (candle.revision === mine.revision && mine.final && !candle.final));
    if (!older) this.candles.get(subject).set(candle.startNs, candle);
  }

  of(subject) {
    return [...(this.candles.get(subject)?.values() ?? [])].sort((a, b) => (a.startNs < b.startNs ? -1 : 1));
  }

  newest(subject) {
    return this.of(subject).at(-1);
  }

  close() {
    return this.connection.close();
  }
}

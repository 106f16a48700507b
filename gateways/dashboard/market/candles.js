// Candles: from prints, one interval from a shorter one, and those that the server makes. Prices stay decimal strings; volumes are
// scaled integers that are summed exactly.
import { decimalOf, digitsOf, scaled } from '../format/decimal.js';
import { secondsOf } from '../format/time.js';

export const INTERVALS = { '1s': 1, '1m': 60, '5m': 300, '1h': 3600, '1d': 86400 };

const sum = (a, b) => {
  const total = typeof a === typeof b ? a + b : BigInt(a) + BigInt(b);
  return typeof total === 'number' && !Number.isSafeInteger(total) ? BigInt(a) + BigInt(b) : total;
};
const higher = (a, b) => (scaled(a) < scaled(b) ? b : a);
const lower = (a, b) => (scaled(b) < scaled(a) ? b : a);

/** Candles of one interval, in order of their start (seconds since 1970). */
export class CandleSeries {
  constructor(interval, most = 2000) {
    this.interval = interval;
    this.seconds = INTERVALS[interval];
    this.most = most;
    this.list = []; // { start, open, high, low, close, volume (scaled), count }
    this.removed = new Map(); // start -> revision of those whose prints were all broken
    this.version = 0; // rises with any change but of the last candle or by one more at the end
  }

  get last() {
    return this.list.at(-1);
  }

  startOf(second) {
    return Math.floor(second / this.seconds) * this.seconds;
  }

  /** A print of the stream. Breaks and what has no price change nothing here. */
  takePrint({ kind, price, quantity, event_ns }) {
    if (kind === 'BREAK' || price === undefined || event_ns === undefined) return;
    this.#fold({ start: this.startOf(secondsOf(event_ns)), open: price, high: price, low: price, close: price, volume: scaled(quantity), count: 1 });
  }

  /** A candle of a shorter interval, the later one of two folded last. */
  fold(candle) {
    this.#fold({ ...candle, start: this.startOf(candle.start) });
  }

  /** A candle as the server tells it: replaces what is there of the same start, unless a later revision is. One without prints removes it: all that it had were broken. */
  put({ start_ns, open, high, low, close, volume, count, revision = 0, final = false, incomplete = false }) {
    const start = this.startOf(secondsOf(start_ns));
    if (open === undefined) {
      this.#remove(start, Number(revision));
      return;
    }
    const candle = { start, open, high, low, close, volume: scaled(volume ?? '0'), count: Number(count ?? 0), revision: Number(revision), final, incomplete };
    if (this.removed.get(start) > candle.revision) return;
    this.removed.delete(start);
    const at = this.#find(start);
    if (this.list[at]?.start === candle.start) {
      if (this.list[at].revision > candle.revision) return;
      this.list[at] = candle;
      if (at < this.list.length - 1) this.version++;
    } else {
      this.#insert(at, candle);
    }
  }

  #fold(candle) {
    const at = this.#find(candle.start), there = this.list[at];
    if (there?.start !== candle.start) {
      this.#insert(at, candle);
      return;
    }
    there.high = higher(there.high, candle.high);
    there.low = lower(there.low, candle.low);
    there.close = candle.close;
    there.volume = sum(there.volume, candle.volume);
    there.count += candle.count;
    if (at < this.list.length - 1) this.version++;
  }

  #remove(start, revision) {
    const at = this.#find(start), there = this.list[at];
    if (there?.start === start) {
      if (there.revision > revision) return;
      this.list.splice(at, 1);
      this.version++;
    }
    if (this.removed.size >= this.most) this.removed.clear();
    this.removed.set(start, Math.max(revision, this.removed.get(start) ?? 0));
  }

  #insert(at, candle) {
    this.list.splice(at, 0, candle);
    if (at < this.list.length - 1) this.version++;
    if (this.list.length <= this.most) return;
    this.list.splice(0, Math.ceil(this.most / 10));
    this.version++;
  }

  // The place of a start; from the end, because that is where almost all of them belong.
  #find(start) {
    let at = this.list.length;
    while (at > 0 && this.list[at - 1].start >= start) at--;
    return at;
  }
}

/** Candles of a longer interval out of those of a shorter one. */
export function folded(series, interval) {
  const longer = new CandleSeries(interval, series.most);
  for (const candle of series.list) longer.fold(candle);
  return longer;
}

/** A scaled volume as text, by a quantity of the same instrument. */
export const volumeText = (volume, sample) => decimalOf(volume, digitsOf(sample));

// Where the candles of the chart come from: the server's history and its live candles where an aggregator runs, else the
// prints that this page has seen. It always says which.
import { candleSubject, fetchCandles } from './history.js';
import { folded } from './candles.js';

const FROM_PRINTS = 'from the trades this page has seen';

export class ChartFeed {
  /** `want(subject)`, `drop(subject)`: of the stream; `changed()`: there is another series or note to show. */
  constructor({ want, drop, token, changed, fetchHistory = fetchCandles }) {
    Object.assign(this, { want, drop, token, changed, fetchHistory });
    this.turn = 0; // answers to earlier questions are not wanted
  }

  /** From now on `interval` of `instrument`. */
  show(instrument, interval) {
    this.hide();
    this.instrument = instrument;
    this.interval = interval;
    this.series = instrument.chart = folded(instrument.seconds, interval);
    this.note = FROM_PRINTS;
    this.subject = candleSubject(instrument.mic, instrument.symbol, interval);
    this.want(this.subject);
    this.changed();
  }

  hide() {
    this.turn++;
    if (this.subject) this.drop(this.subject);
    if (this.instrument) this.instrument.chart = undefined;
    this.instrument = this.series = this.subject = undefined;
  }

  /** The server knows of candles: now, or again after a lost connection. What was before is asked for. */
  async taken(subject) {
    if (subject !== this.subject) return;
    const turn = ++this.turn, { mic, symbol } = this.instrument;
    const { candles } = await this.fetchHistory(mic, symbol, this.interval, this.token());
    if (turn !== this.turn || !candles) return;
    this.instrument.chart = undefined; // prints are not folded in any more
    for (const candle of candles) this.series.put(candle);
    this.note = 'by the aggregator';
    this.changed();
  }

  take(parts, message) {
    if (!this.instrument || parts?.key !== this.instrument.key || message.interval !== this.interval) return;
    this.series.put(message);
    this.changed();
  }
}

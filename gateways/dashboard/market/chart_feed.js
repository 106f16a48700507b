// Where the candles of the chart come from: the server's history and its live candles where an aggregator runs, else the
// prints that this page has seen. It always says which, and tells when the one gives way to the other.
import { candleSubject, fetchCandles } from './history.js';
import { folded } from './candles.js';

const ASK_AGAIN_MS = 2000;
const ASK_QUIETLY_MS = 5000; // an aggregator that has no open candle to tell is found only by asking
const GONE_MS = 12_000; // the aggregator tells open candles again every five seconds
const MOST_HELD = 200;
const FROM_PRINTS = 'from the trades this page has seen';

export class ChartFeed {
  /** `want(subject)`, `drop(subject)`: of the stream; `changed()`: there is another series or note to show. */
  constructor({ want, drop, token, changed, fetchHistory = fetchCandles, now = Date.now }) {
    Object.assign(this, { want, drop, token, changed, fetchHistory, now });
    this.turn = 0; // answers to earlier questions are not wanted
  }

  /** From now on `interval` of `instrument`. */
  show(instrument, interval) {
    this.hide();
    this.instrument = instrument;
    this.interval = interval;
    this.series = instrument.chart = folded(instrument.seconds, interval);
    this.note = FROM_PRINTS;
    this.known = false; // whether the stream has taken the subject
    this.asking = false;
    this.held = []; // live candles that came before the history
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

  get #fromPrints() {
    return this.instrument.chart !== undefined;
  }

  /** The server knows of candles: now, or again after a lost connection. What was before is asked for. */
  async taken(subject) {
    if (subject !== this.subject) return;
    const turn = ++this.turn, { mic, symbol } = this.instrument;
    this.known = true;
    this.askedAt = this.now();
    this.asking = true;
    const { candles } = await this.fetchHistory(mic, symbol, this.interval, this.token());
    if (turn !== this.turn) return;
    this.asking = false;
    if (!candles) return;
    this.instrument.chart = undefined; // prints are not folded in any more
    for (const candle of [...candles, ...this.held.splice(0)]) this.series.put(candle);
    this.note = 'by the aggregator';
    this.#heard();
    this.changed();
  }

  #heard() {
    this.heardAt = this.now();
    this.printsThen = this.instrument.tape.count;
  }

  /** A live candle of the stream. */
  take(parts, message) {
    if (!this.instrument || parts?.key !== this.instrument.key || message.interval !== this.interval) return;
    if (this.#fromPrints) {
      this.held = [...this.held.slice(-MOST_HELD), message];
      if (this.#mayAsk(ASK_AGAIN_MS)) this.taken(this.subject); // an aggregator has come since
      return;
    }
    this.#heard();
    this.series.put(message);
    this.changed();
  }

  // One question at a time: a slow answer would else be thrown away for the next one, for ever.
  #mayAsk(after) {
    return !this.asking && this.now() - this.askedAt > after;
  }

  /** Call it now and then: trades without candles mean that the aggregator has gone, and the chart must not stand still as if it lived. */
  tick() {
    if (this.instrument && this.known && this.#fromPrints && this.#mayAsk(ASK_QUIETLY_MS)) this.taken(this.subject);
    if (!this.instrument || this.#fromPrints || this.now() - this.heardAt < GONE_MS || this.instrument.tape.count === this.printsThen) return;
    const { series, instrument } = this, from = (series.last?.start ?? -Infinity) + series.seconds;
    for (const second of instrument.seconds.list) if (second.start >= from) series.fold(second);
    instrument.chart = series;
    this.note = `by the aggregator until it fell silent, then ${FROM_PRINTS}`;
    this.changed();
  }
}

// One instrument: the newest quote, last trade, status, and while somebody looks at it its book and tape. Each channel has a
// chain of its own; what does not chain on is not believed.
import { Book } from '../stream/book.js';
import { Chain } from '../stream/chain.js';
import { scaled } from '../format/decimal.js';
import { CandleSeries } from './candles.js';
import { worseOf } from './state.js';
import { Tape } from './tape.js';

const SPARK_POINTS = 48;

export class Instrument {
  /** `feedState()`: { state, cause } of its exchange's feeds as this connection has heard them; undefined: none was heard. */
  constructor(key, feedState = () => undefined) {
    this.key = key;
    this.feedState = feedState;
    this.mic = key.slice(0, 4);
    this.symbol = key.slice(5);
    this.chains = { quote: new Chain(), trade: new Chain(), status: new Chain() };
    this.told = {}; // channel -> { state, cause } as last told
    this.fresh = new Set(); // channels told by this connection
    this.resumedOnly = new Set(); // those of them that were only gone on with: nothing has come since
    this.book = undefined;
    this.tape = new Tape();
    this.seconds = new CandleSeries('1s', 900); // of this session's prints
    this.chart = undefined; // a series that is shown and wants the prints, too
    this.quote = undefined; // { bid, ask }: [price, quantity, orders], undefined where there is none
    this.last = undefined; // the newest print that has a price
    this.direction = 0; // of the last change of price
    this.reference = undefined; // { price, words }: what the change is measured from
    this.volume = undefined;
    this.status = undefined;
    this.spark = new Float64Array(SPARK_POINTS); // for the eye only
    this.sparkCount = 0;
    this.trust = { state: 'RECOVERING', cause: 'PAGE_WAITING', since: undefined };
  }

  /** 'ok', or what kind of fault asks for a snapshot: 'chain', 'checksum'; 'waiting' for one that was asked for; 'early': the first has not come. */
  take(channel, message) {
    if (channel === 'orderbook') return this.#takeBook(message);
    const chain = this.chains[channel];
    if (!chain) return 'ok';
    const place = chain.take(message);
    if (place === 'fault') return 'chain';
    if (place === 'waiting' || place === 'early') return place;
    this.#heard(channel);
    if (channel === 'quote') this.#takeQuote(message);
    else if (channel === 'trade') this.#takeTrades(message);
    else this.#takeStatus(message);
    return 'ok';
  }

  #takeBook(message) {
    if (!this.book) return 'ok'; // nobody looks at it any more
    const outcome = this.book.take(message);
    if (['chain', 'checksum', 'waiting', 'early'].includes(outcome)) return outcome;
    this.#heard('orderbook');
    this.#tell('orderbook', message);
    return 'ok';
  }

  #heard(channel) {
    this.fresh.add(channel);
    this.resumedOnly.delete(channel);
  }

  #tell(channel, { state, cause }) {
    this.told[channel] = { state, cause };
  }

  #takeQuote(message) {
    this.#tell('quote', message);
    this.quote = { bid: message.bid, ask: message.ask };
  }

  #takeTrades(message) {
    if (message.snapshot === true && this.tape.epoch !== undefined && this.tape.epoch !== message.epoch) this.#newDay();
    this.volume = message.volume;
    for (const print of this.tape.take(message)) this.#takePrint(print);
  }

  #newDay() {
    this.reference = undefined;
  }

  #takePrint(print) {
    this.seconds.takePrint(print);
    this.chart?.takePrint(print);
    if (print.kind === 'BREAK') this.#takeBack(print);
    if (print.price === undefined || print.kind === 'BREAK') return;
    if (this.last) {
      const before = scaled(this.last.price), now = scaled(print.price);
      if (now !== before) this.direction = now > before ? 1 : -1;
    }
    this.last = print;
    this.reference ??= { price: print.price, words: 'since the first trade this page saw' };
  }

  // A broken print is no price: the newest one that stands is the last, if the tape still has it.
  #takeBack({ match_id }) {
    if (match_id === undefined || this.last?.match_id !== match_id) return;
    this.last = this.tape.prints.findLast((print) => print.price !== undefined && print.kind !== 'BREAK' && !print.void);
    this.direction = 0;
  }

  /** A candle of the day: the change is measured from its first price. True where that is new. */
  takeDay({ interval, open, incomplete }) {
    if (interval !== '1d' || open === undefined || this.reference?.price === open) return false;
    this.reference = { price: open, words: incomplete ? 'since the first trade of the day that the aggregator saw' : 'since the day\'s first trade' };
    return true;
  }

  #takeStatus(message) {
    this.#tell('status', message);
    this.status = message;
  }

  /** The connection is gone: nothing is known to be live. Chains stay, to go on from. */
  disconnected() {
    this.fresh.clear();
    this.resumedOnly.clear();
  }

  /** The server goes on with a channel where we were. It may know no more of it than we do: until something comes, it is worth what its feed is. */
  resumed(channel) {
    if (!this.told[channel] && !this.chains[channel]?.known) return;
    this.fresh.add(channel);
    this.resumedOnly.add(channel);
  }

  /** Its book is to be kept from now on. */
  openBook() {
    this.book = new Book();
  }

  /** Nobody looks at its book any more. */
  closeBook() {
    this.book = undefined;
    this.fresh.delete('orderbook');
    delete this.told.orderbook;
  }

  /** How far the channel may be trusted, the connection apart: { state, cause }. */
  stateOf(channel) {
    const broken = channel === 'orderbook' ? this.book && !this.book.verified : this.chains[channel].broken;
    if (!this.fresh.has(channel) || (channel === 'orderbook' && !this.book)) return { state: 'RECOVERING', cause: 'PAGE_WAITING' };
    if (broken) return { state: 'RECOVERING', cause: channel === 'orderbook' && this.book.checksumFault ? 'PAGE_CHECKSUM' : 'PAGE_CHAIN' };
    return this.resumedOnly.has(channel) ? this.#worthOf(this.told[channel]) : this.told[channel];
  }

  #worthOf(told) {
    const feed = this.feedState() ?? { state: 'RECOVERING', cause: 'PAGE_WAITING' };
    return told && worseOf(feed.state, told.state) === told.state ? told : feed;
  }

  /** The worst of what is shown of it; `away` { state, cause, since } while the connection itself is not live. */
  judge(away, now) {
    let found = away;
    if (!found) {
      found = this.stateOf('quote');
      if (this.book) {
        const book = this.stateOf('orderbook');
        if (worseOf(found.state, book.state) !== found.state) found = book;
      }
    }
    if (found.state !== this.trust.state || found.cause !== this.trust.cause)
      this.trust = { state: found.state, cause: found.cause, since: found.since ?? now };
    return this.trust;
  }

  /** One more point of the sparkline: the middle of the quote, else the last trade. */
  sample() {
    const { bid, ask } = this.quote ?? {};
    const value = bid && ask ? (Number(bid[0]) + Number(ask[0])) / 2 : this.last ? Number(this.last.price) : undefined;
    if (value === undefined) return;
    if (this.sparkCount === SPARK_POINTS) this.spark.copyWithin(0, 1);
    else this.sparkCount++;
    this.spark[this.sparkCount - 1] = value;
  }
}

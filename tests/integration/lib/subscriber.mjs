// A subscriber built on npm's nats client: decodes what comes, keeps the books, follows every chain, and writes down
// whatever does not hold.
import { connect } from 'nats';
import { Book, levelsOf } from './book.mjs';
import { PATIENCE_MS, until } from './programs.mjs';
import { bookChannels, decode, decodeAs, encodeAs, instrumentSubject } from './wire.mjs';

export class Subscriber {
  /** `onMessage(subject, payload, outcome)` sees every message after it was taken. */
  static async connect(server, subjects, { onMessage, repair = true } = {}) {
    const self = new Subscriber();
    self.connection = await connect({ servers: server.url, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
    self.onMessage = onMessage;
    self.repair = repair;
    for (const subject of subjects)
      self.connection.subscribe(subject, { callback: (error, message) => self.#on(error, message) });
    await self.connection.flush();
    return self;
  }

  constructor() {
    this.books = new Map(); // subject -> Book
    this.chains = new Map(); // subject of another channel -> { epoch, term, seq }
    this.latest = new Map(); // subject -> last payload
    this.statuses = []; // FeedStatus, in order, without mere repetitions of a state
    this.lines = new Map(); // line -> newest LineStatus
    this.feed = undefined; // the newest FeedStatus
    this.count = 0; // messages that are not about the feed
    this.counts = {}; // by channel
    this.faults = []; // sentences
    this.repairs = 0;
    this.errors = [];
  }

  #on(error, message) {
    try {
      if (error) throw error;
      this.#take(message.subject, decode(message.subject, message.data));
    } catch (caught) {
      this.errors.push(`${message?.subject}: ${caught.stack}`);
    }
  }

  #take(subject, payload) {
    this.latest.set(subject, payload);
    if (/^feed\..*\.line\./.test(subject)) {
      this.lines.set(payload.line, payload);
      return;
    }
    if (subject.startsWith('feed.')) {
      const last = this.feed;
      this.feed = payload;
      if (!last || ['state', 'cause', 'epoch', 'term', 'gapFrom', 'gapTo'].some((key) => last[key] !== payload[key]))
        this.statuses.push(payload);
      this.onMessage?.(subject, payload, 'feed');
      return;
    }
    const of = instrumentSubject(subject);
    this.count++;
    this.counts[of.channel] = (this.counts[of.channel] ?? 0) + 1;
    if (payload.exchange !== of.exchange || payload.symbol !== of.symbol)
      this.faults.push(`${subject} carries ${payload.exchange} ${payload.symbol}`);
    if (of.channel.startsWith('candle.')) { // made by aggregators: no chain of a publisher's
      this.onMessage?.(subject, payload, 'applied');
      return;
    }
    const outcome = bookChannels.includes(of.channel) ? this.#takeBook(subject, payload) : this.#follow(subject, payload);
    this.onMessage?.(subject, payload, outcome);
  }

  book(subject) {
    if (!this.books.has(subject)) this.books.set(subject, new Book());
    return this.books.get(subject);
  }

  #takeBook(subject, update) {
    const book = this.book(subject), before = book.seq;
    const outcome = book.take(update);
    if (outcome === 'held' || outcome === 'checksum') {
      this.faults.push(`${subject}: ${outcome} at seq ${update.seq}, prev_seq ${update.prevSeq}, mine ${before}`);
      if (this.repair) this.#repair(subject, book);
    }
    return outcome;
  }

  async #repair(subject, book) {
    if (book.asking) return;
    book.asking = true;
    try {
      while (!book.inSync && !this.connection.isClosed()) {
        const reply = await this.snapshot(subject).catch(() => null);
        if (reply?.code === 'REPLY_OK') {
          book.take(reply.books[0]);
          this.repairs++;
        }
      }
    } catch (error) {
      this.errors.push(`${subject}: ${error.stack}`);
    } finally {
      book.asking = false;
    }
  }

  /** Channels without books: states, whose every message is whole, and logs, of which each print and event counts. A new
   * leader says again what its predecessor may not have sent: 'seen'. */
  #follow(subject, payload) {
    const last = this.chains.get(subject);
    if (last && payload.term < last.term) return 'old term';
    if (payload.seq < payload.prevSeq) this.faults.push(`${subject}: seq ${payload.seq} is below prev_seq`);
    const outcome = this.#judge(subject, last?.epoch === payload.epoch ? last : undefined, payload);
    if (outcome === 'fault')
      this.faults.push(`${subject}: prev_seq ${payload.prevSeq} after ${last ? `${last.epoch} ${last.seq}` : 'nothing'}`);
    const { epoch, term } = payload;
    if (outcome === 'seen') this.chains.set(subject, { ...last, term });
    else this.chains.set(subject, { epoch, term, seq: payload.seq, prints: payload.printCount });
    return outcome;
  }

  #judge(subject, mine, payload) {
    const log = /\.(trade|order)$/.test(subject), succeeds = mine && payload.term > mine.term;
    if (!mine) return payload.prevSeq === 0n || payload.snapshot ? 'applied' : 'fault';
    if (payload.prevSeq === mine.seq) return 'applied';
    if (payload.snapshot && payload.seq === mine.seq) return 'applied';
    if (succeeds && !log) return 'applied';
    if (payload.seq <= mine.seq) return 'seen';
    if (payload.snapshot) return !log || payload.printCount <= mine.prints + 1n ? 'applied' : 'fault';
    if ((payload.prints ?? payload.events)?.some((one) => one.seq === mine.seq)) return 'applied';
    return payload.prevSeq === 0n && succeeds ? 'applied' : 'fault';
  }

  /** The snapshot of one instrument's channel, by the subject its updates come on. */
  async snapshot(subject) {
    const reply = await this.connection.request(`snapshot.${subject}`, new Uint8Array(), { timeout: 2000 });
    return decodeAs('SnapshotReply', reply.data);
  }

  /** All replies of a request that is answered in chunks. */
  async many(subject, name, payload = new Uint8Array()) {
    const inbox = `_INBOX.many.${Math.random().toString(36).slice(2)}`;
    const chunks = [];
    const subscription = this.connection.subscribe(inbox, {
      callback: (error, message) => chunks.push(error ? { error } : { ...decodeAs(name, message.data), bytes: message.data.length }),
    });
    this.connection.publish(subject, payload, { reply: inbox });
    try {
      await until(`the last chunk of ${subject}, ${chunks.length} came`, () => chunks.some((chunk) => chunk.last || chunk.error), PATIENCE_MS);
    } finally {
      subscription.unsubscribe();
    }
    return chunks;
  }

  instruments(symbols = []) {
    return this.many('instruments.XNAS', 'InstrumentList', encodeAs('InstrumentRequest', { symbols }));
  }

  /** Waits for a feed status; `wanted` is { state, cause, … } or a function. */
  async feedIs(wanted, patience) {
    const fits = typeof wanted === 'function' ? wanted
      : (status) => Object.entries(wanted).every(([key, value]) => status[key] === value);
    const words = typeof wanted === 'function' ? wanted : JSON.stringify(wanted, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
    return until(() => `the feed should be ${words}; it is ${this.feed?.state} ${this.feed?.cause} ${this.feed?.detail}; ${this.errors[0] ?? ''}`,
      () => this.feed && fits(this.feed) && this.feed, patience);
  }

  /** Waits until the session is over and everything that was published in it has come: only for a subscriber of all
   * subjects that was there from the start. `earlier`: updates of earlier leaders, which the feed's count leaves out. */
  async everythingCame({ tiers = ['orderbook.100ms', 'orderbook.1s'], earlier = 0n } = {}) {
    await this.feedIs({ state: 'BOOK_CLOSED' });
    return until(() => `all of ${this.feed.updates} updates; ${this.count} came, behind: ${this.tiersBehind(tiers)[0]}`,
      () => BigInt(this.count) === this.feed.updates + earlier && this.tiersBehind(tiers).length === 0);
  }

  /** Subjects of tiers whose book is not that of the orderbook channel. */
  tiersBehind(tiers) {
    const shown = (book) => (book ? `${levelsOf(book.bids)} | ${levelsOf(book.asks)}` : ' | ');
    return [...this.books.keys()].filter((subject) => subject.endsWith('.orderbook')).flatMap((subject) =>
      tiers.map((tier) => subject.replace(/orderbook$/, tier))
        .filter((other) => shown(this.books.get(other)) !== shown(this.books.get(subject))));
  }

  async close() {
    await this.connection.close();
  }
}

// A venue that does what a test says: it reads the order stream of a real JetStream, answers the directory and questions, and speaks
// execution reports. It matches nothing: what an order becomes is the test's to say (`onCommand`).
import { connect, consumerOpts } from 'nats';
import { decodeAs, encodeAs } from './wire.mjs';

export const STREAM = 'TWEX-orders-1';

export class ScriptedVenue {
  /** `instruments`: { SYMBOL: [price exponent, quantity exponent] }, numbered from 1. */
  static async start(nats, { instruments = { AAPL: [-2, 0] }, accounts = ['ann'] } = {}) {
    const self = new ScriptedVenue();
    Object.assign(self, { instruments, accounts, batches: [], commands: [], reports: [], queries: [], term: 1n, tellsDirectory: true });
    self.connection = await connect({ servers: nats.url, name: 'scripted venue', reconnect: true, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    self.manager = await self.connection.jetstreamManager();
    await self.manager.streams.add({ name: STREAM, subjects: ['orderbatch.TWEX.1', 'orders.TWEX.1.>', 'control.TWEX.1'] });
    self.#answer('instruments.TWEX', (message) => self.tellsDirectory && message.respond(self.directory()));
    self.answerQueries();
    await self.read();
    await self.connection.flush();
    return self;
  }

  #answer(subject, take) {
    const subscription = this.connection.subscribe(subject);
    (async () => { for await (const message of subscription) take(message); })();
    return subscription;
  }

  /** Until fallSilent(): then nobody hears a query. */
  answerQueries() {
    this.querying = this.#answer('query.TWEX.1', (message) => this.#query(message));
  }

  async fallSilent() {
    this.querying.unsubscribe();
    await this.connection.flush();
  }

  directory(change = {}) {
    const named = Object.entries(this.instruments);
    return encodeAs('InstrumentList', {
      exchange: 'TWEX', partition: 1, epoch: 'TWEX-1-0', version: BigInt(named.length), last: true,
      instruments: named.map(([symbol, [priceExponent, quantityExponent]]) => ({ symbol, priceExponent, quantityExponent, shard: 1 })), ...change,
    });
  }

  /** Reads the stream, in order, from where it was left. */
  async read() {
    const options = consumerOpts();
    options.orderedConsumer();
    options.deliverAll();
    const subscription = await this.connection.jetstream().subscribe('orderbatch.TWEX.1', options);
    (async () => { for await (const message of subscription) this.#take(message); })();
  }

  #take(message) {
    if (this.batches.some(({ seq }) => seq === message.seq)) return;
    const batch = decodeAs('OrderBatch', message.data);
    this.batches.push({ seq: message.seq, ...batch });
    batch.commands.forEach((command, index) => {
      const one = { ...command, seq: BigInt(message.seq), index };
      this.commands.push(one);
      this.onCommand?.(one);
    });
  }

  of(kind) {
    return this.commands.filter((command) => command.kind === kind);
  }

  /** A report of a command, kept for questions; published unless `live` is false. */
  report(command, fields = {}, { live = true } = {}) {
    const n = this.reports.filter((one) => one.seq === command.seq).length;
    const report = {
      seq: command.seq, index: command.index, n, kind: 'REPORT_ACCEPTED', status: 'STATUS_OPEN', account: 1 + this.accounts.indexOf(command.account),
      instrument: 1 + Object.keys(this.instruments).indexOf(command.symbol), orderId: (command.seq << 16n) + BigInt(command.index),
      clientOrderId: command.clientOrderId, correlationId: command.correlationId, side: command.side, type: command.type, timeInForce: command.timeInForce,
      price: command.price, quantity: command.quantity, leaves: command.quantity, eventNs: 1_000_000_000n, streamNs: 1_000_000_000n, ...fields,
    };
    for (const key of Object.keys(report)) if (report[key] === undefined) delete report[key];
    this.reports.push({ ...report, of: command.account });
    if (live) this.publish(command.account, [report]);
    return report;
  }

  #named() {
    return Object.entries(this.instruments).map(([symbol, [priceExponent, quantityExponent]], i) => ({ number: i + 1, symbol, priceExponent, quantityExponent }));
  }

  publish(account, reports) {
    const seqs = reports.map(({ seq }) => seq);
    this.connection.publish(`exec.${account}`, encodeAs('ExecutionReports', {
      exchange: 'TWEX', shard: 1, account, term: this.term, firstSeq: seqs[0], lastSeq: seqs.at(-1), publishNs: 1n, reports, instruments: this.#named(),
    }));
  }

  #query(message) {
    const query = decodeAs('Query', message.data);
    this.queries.push(query);
    const seq = BigInt(this.batches.at(-1)?.seq ?? 0);
    const base = { exchange: 'TWEX', shard: 1, seq, eventNs: 5n, account: query.account, correlationId: query.correlationId, instruments: this.#named() };
    if (this.onQuery?.(query, base, message)) return;
    if (query.kind === 'QUERY_EXECUTIONS') {
      const after = this.reports.filter((one) => one.of === query.account && (one.seq > query.after || (one.seq === query.after && one.n > query.afterN)));
      const page = after.slice(0, this.page ?? 1000).map(({ of, ...one }) => one);
      const last = page.at(-1);
      message.respond(encodeAs('QueryReply', { ...base, executions: page, more: page.length < after.length, ...(last && { next: last.seq, nextN: last.n }) }));
    } else {
      message.respond(encodeAs('QueryReply', { ...base, ...this.state?.(query) }));
    }
  }

  async stop() {
    await this.connection.close();
  }
}

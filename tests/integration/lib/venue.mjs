// A venue for tests: a nats-server with JetStream, matchers, and a desk that publishes orders and control commands, listens to
// reports, asks, and reads the streams. Payloads by protobufjs.
import path from 'node:path';
import { after } from 'node:test';
import { connect } from 'nats';
import { build, NatsServer, page, Program, until } from './programs.mjs';
import { decodeAs, encodeAs } from './wire.mjs';

export const matcherProgram = path.join(build, 'matcher/tickwire-matcher');

export const MIC = 'TWEX';
const UNLIMITED = (1n << 64n) - 1n;
export const orderId = (seq, index = 0) => (BigInt(seq) << 16n) + BigInt(index);
export const orderText = (id, shard = 1) => `${shard}-${BigInt(id) >> 16n}-${BigInt(id) & 0xffffn}`;

/** Small bounds: a test's matcher starts at once and leaves the machine to others. */
export const SMALL = ['--max-orders', '200k', '--max-client-ids', '1M', '--max-pages', '64k', '--max-positions', '64k'];

export class Matcher {
  /** Starts one and waits until it says `until` (a pattern; null: nothing). */
  static async start(server, { shard = 1, args = [], says = /leads: publishes|follows: publishes/, env } = {}) {
    const self = new Matcher();
    self.program = new Program(matcherProgram,
      ['--exchange', MIC, '--shard', `${shard}`, '--nats', server.url, '--metrics', '0', ...SMALL, ...args], { env });
    if (says) await self.program.says(says);
    return self;
  }

  async port() {
    return Number((await this.program.says(/metrics .*port=(\d+)/))[1]);
  }

  async get(where) {
    return page(`http://127.0.0.1:${await this.port()}${where}`);
  }

  async ready() {
    return (await this.get('/readyz')).json();
  }

  /** The numbers of /metrics without labels' names: { seq: 12, … } for tickwire_matcher_seq{…} 12. */
  async metrics() {
    const text = await (await this.get('/metrics')).text();
    return Object.fromEntries([...text.matchAll(/^tickwire_matcher_(\w+)\{[^}]*\} (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]));
  }

  leads() {
    return this.program.says(/leads: publishes/);
  }

  kill() {
    this.program.kill('SIGKILL');
    return this.program.ended;
  }
}

const desks = new Set();
after(() => Promise.all([...desks].map((desk) => desk.close())));

export class Desk {
  static async open(server, { shard = 1, ...login } = {}) {
    const self = new Desk();
    self.shard = shard;
    self.connection = await connect({ servers: server.url, ...login, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
    self.js = self.connection.jetstream({ timeout: 10_000 });
    desks.add(self);
    return self;
  }

  close() {
    desks.delete(this);
    return this.connection.close();
  }

  /** Keeps what comes on a subject, decoded as `type`. */
  async listen(subject, type) {
    const messages = [];
    this.connection.subscribe(subject, { callback: (error, message) => messages.push(decodeAs(type, message.data)) });
    await this.connection.flush();
    return messages;
  }

  /** Reports of an account, live, as they come: { seq, n, kind, … } with symbol, message. */
  async listenToAccount(account) {
    const reports = [];
    this.connection.subscribe(`exec.${account}`, {
      callback: (error, message) => {
        const payload = decodeAs('ExecutionReports', message.data);
        const names = new Map(payload.instruments.map((one) => [one.number, one.symbol]));
        for (const report of payload.reports)
          reports.push({ ...report, symbol: names.get(report.instrument) ?? report.symbol, term: payload.term, forAccount: payload.account });
      },
    });
    await this.connection.flush();
    return reports;
  }

  async publish(subject, bytes) {
    return (await this.js.publish(subject, bytes, { retries: 3 })).seq;
  }

  /** Commands of any accounts; returns the stream's sequence. */
  orders(commands) {
    return this.publish(`orderbatch.${MIC}.${this.shard}`, encodeAs('OrderBatch', { sender: 'test', commands }));
  }

  /** Commands on an account's own subject. */
  ownOrders(account, symbol, commands) {
    return this.publish(`orders.${MIC}.${this.shard}.${account}.${symbol}`, encodeAs('OrderBatch', { commands }));
  }

  control(commands) {
    return this.publish(`control.${MIC}.${this.shard}`, encodeAs('ControlBatch', { sender: 'test', commands }));
  }

  /** Instruments (tick 0.01), accounts without limits, a day that ends in `hours`, everything open. */
  openVenue({ symbols = ['AAPL'], accounts = ['ann', 'bob'], date = 20260102, hours = 8 } = {}) {
    const money = { orderNotionalHigh: 1n << 30n, fundsHigh: 1n << 30n, exposureHigh: 1n << 30n };
    return this.control([
      ...symbols.map((symbol) => ({ kind: 'CONTROL_DEFINE_INSTRUMENT', symbol, priceExponent: -2, lot: 1n, tickFrom: [0n], tick: [1n],
        protectionPpm: 50_000, price: 10_000n })),
      ...accounts.flatMap((account) => [
        { kind: 'CONTROL_DEFINE_ACCOUNT', account },
        { kind: 'CONTROL_SET_LIMITS', account, orderQuantity: UNLIMITED, position: UNLIMITED, openOrders: 1_000_000,
          concentrationPpm: 1_000_001, ...money }]),
      { kind: 'CONTROL_BEGIN_DAY', date, endNs: BigInt(Date.now() + hours * 3_600_000) * 1_000_000n },
      { kind: 'CONTROL_SET_STATE', allSymbols: true, state: 'VENUE_CONTINUOUS' },
    ]);
  }

  /** Asks once. */
  async askOnce(query, timeout) {
    const message = await this.connection.request(`query.${MIC}.${this.shard}`, encodeAs('Query', query), { timeout });
    return decodeAs('QueryReply', message.data);
  }

  /** Asks until somebody answers: who asks while a leader is in doubt, or changes, asks again. */
  ask(query) {
    return until('an answer', () => this.askOnce(query, 1000).catch((error) => {
      if (['TIMEOUT', '503'].includes(error.code)) return null;
      throw error;
    }));
  }

  /** All messages of a stream from `from` on: { seq, subject, data }. */
  async stream(word, from = 1) {
    const manager = await this.connection.jetstreamManager();
    const name = `${MIC}-${word}-${this.shard}`;
    const { state } = await manager.streams.info(name);
    const messages = [];
    for (let seq = Math.max(from, state.first_seq); seq <= state.last_seq; seq++)
      messages.push(await manager.streams.getMessage(name, { seq }));
    return messages;
  }

  /** execlog's messages, decoded. */
  async execlog(from = 1) {
    return (await this.stream('execlog', from)).map(({ data }) => decodeAs('ExecutionBatch', data));
  }

  /** Waits until execlog has all reports of the inputs up to `seq`. */
  async journaled(matcher, seq) {
    await until(`execlog should reach input ${seq}`, async () => (await matcher.metrics()).journaled_seq >= seq);
  }
}

/** What must be true of any execlog: ranges join, parts in order, every report once. Returns the reports, named, and the last input. */
export function checkExeclog(batches) {
  const reports = [];
  let next = 1n, open = null, seq = 0n, n = 0;
  for (const batch of batches) {
    if (open === null) {
      if (batch.firstSeq !== next || batch.part !== 1) throw new Error(`expected input ${next}, part 1: ${batch.firstSeq}, part ${batch.part}`);
    } else if (batch.firstSeq !== open.firstSeq || batch.lastSeq !== open.lastSeq || batch.part !== open.part + 1 || batch.parts !== open.parts) {
      throw new Error(`part ${open.part} of ${open.parts} of ${open.firstSeq} is followed by part ${batch.part} of ${batch.firstSeq}`);
    }
    open = batch.part === batch.parts ? null : batch;
    next = batch.lastSeq + 1n;
    const symbols = new Map(batch.instruments.map((one) => [one.number, one.symbol]));
    const accounts = new Map(batch.accounts.map((one) => [one.number, one.name]));
    for (const report of batch.reports) {
      n = report.seq === seq ? n + 1 : 0;
      if (report.n !== n || (report.seq !== seq && report.seq !== seq + 1n)) throw new Error(`report ${report.seq}-${report.n} after ${seq}-${n}`);
      seq = report.seq;
      reports.push({ ...report, symbol: symbols.get(report.instrument) ?? report.symbol, name: accounts.get(report.account) ?? report.accountName });
    }
  }
  if (open !== null) throw new Error(`the last range lacks parts: ${open.part} of ${open.parts}`);
  return { reports, last: next - 1n };
}

/** A server, and a desk at it. */
export async function startVenue(options) {
  const server = await NatsServer.start({ jetstream: true, ...options });
  return { server, desk: await Desk.open(server) };
}

export const limit = (account, side, quantity, price, more = {}) => ({ kind: 'COMMAND_NEW_ORDER', account, symbol: 'AAPL',
  side: side === 'buy' ? 'SIDE_BID' : 'SIDE_ASK', quantity: BigInt(quantity), price: BigInt(price), ...more });

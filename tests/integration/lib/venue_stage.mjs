// A venue under load with a leader, a standby, and everybody who listens: what tests of takeovers share. What was said live, what the
// market data showed, and what execlog has, must be one story.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { checkExeclog, Desk, limit, Matcher, MIC } from './venue.mjs';
import { levelsOf } from './book.mjs';
import { folder, NatsServer, sleep, startTickwire, until } from './programs.mjs';
import { Subscriber } from './subscriber.mjs';
import { decodeAs } from './wire.mjs';

export const SYMBOLS = ['AAPL', 'MSFT', 'NVDA'], ACCOUNTS = ['ann', 'bob', 'cyd'];
const ms = (ns) => Number(ns / 1000n) / 1000;

/** Numbers that are the same for the same seed. */
function randomOf(seed) {
  let state = BigInt(seed) * 2654435761n + 1n;
  return (bound) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
    return Number((state >> 33n) % BigInt(bound));
  };
}

/** Orders that meet, cancels of those that may still rest. */
class Crowd {
  constructor(seed) {
    this.random = randomOf(seed);
    this.recent = [];
    this.names = 0;
  }

  command() {
    const { random, recent } = this;
    if (recent.length > 20 && random(10) < 4) {
      const [one] = recent.splice(random(recent.length), 1);
      return { kind: 'COMMAND_CANCEL', account: one.account, symbol: one.symbol, clientOrderId: one.clientOrderId };
    }
    const account = ACCOUNTS[random(ACCOUNTS.length)], symbol = SYMBOLS[random(SYMBOLS.length)];
    const side = random(2) ? 'buy' : 'sell', away = random(8) - 1;
    const order = limit(account, side, 10 * (1 + random(9)), 10_000 + (side === 'buy' ? -away : away),
      { symbol, clientOrderId: `c${++this.names}`, correlationId: `t${this.names}` });
    recent.push(order);
    if (recent.length > 400) recent.shift();
    return order;
  }
}

export class VenueStage {
  static async open({ seed = 1 } = {}) {
    const self = new VenueStage();
    self.server = await NatsServer.start({ jetstream: true });
    self.desk = await Desk.open(self.server);
    self.crowd = new Crowd(seed);
    self.matchers = [];
    self.acknowledged = []; // sequences of batches that the stream has
    self.live = []; // { id, at, term, report }: every live report, repetitions too
    self.heartbeats = []; // { term, at, leader, handover }
    self.prints = new Map(); // "symbol seq.index" -> what was printed
    self.twice = [];
    self.subscriber = await Subscriber.connect(self.server, [`${MIC}.>`, `feed.${MIC}.>`],
      { onMessage: (subject, payload, outcome) => self.#look(subject, payload, outcome) });
    self.tap = startTickwire('tap', '--url', self.server.url, '--json', '--verify', `${MIC}.>`, `feed.${MIC}.>`);
    for (const account of ACCOUNTS)
      self.desk.connection.subscribe(`exec.${account}`, { callback: (error, message) => self.#hear(decodeAs('ExecutionReports', message.data)) });
    await self.desk.connection.flush();
    return self;
  }

  #look(subject, payload, outcome) {
    if (subject.startsWith('feed.'))
      this.heartbeats.push({ term: payload.term, at: ms(payload.publishNs), leader: payload.leader, handover: payload.handover });
    if (!subject.endsWith('.trade') || outcome !== 'applied' || payload.snapshot) return;
    for (const { seq, index, price, quantity } of payload.prints) {
      const key = `${payload.symbol} ${seq}.${index}`, text = `${price} ${quantity}`;
      if (this.prints.has(key) && this.prints.get(key) !== text) this.twice.push(`${key}: ${text}, before ${this.prints.get(key)}`);
      this.prints.set(key, text);
    }
  }

  #hear({ reports, term, publishNs, account }) {
    for (const report of reports) this.live.push({ id: `${report.seq}-${report.n}`, at: ms(publishNs), term, account, report });
  }

  async matcher(args = [], own = mkdtempSync(path.join(folder, 'snapshots-'))) {
    const matcher = await Matcher.start(this.server, { args: ['--snapshots', own, '--hash-every', '200', ...args] });
    matcher.folder = own;
    this.matchers.push(matcher);
    return matcher;
  }

  /** Who leads, of those that run. */
  leading() {
    return until(() => `somebody to lead; ${this.words()}`, async () => {
      for (const one of this.matchers)
        if (one.program.status === undefined && !one.stopped && (await one.ready().catch(() => ({}))).role === 'leading') return one; // one that was killed may not be gone yet
      return null;
    });
  }

  roleIs(matcher, role) {
    return until(() => `a matcher to be ${role}; it said ${matcher.program.stderr}`, async () => (await matcher.ready()).role === role);
  }

  words() {
    return this.matchers.map(({ program }) => `${program.status} ${program.stderr.slice(-1500)}`).join('\n--\n');
  }

  /** Batches of `size` commands, one every `every` milliseconds, without waiting for the last ones' acknowledgements, until stop(). */
  load({ size = 4, every = 3 } = {}) {
    let on = true;
    const outstanding = new Set(), failed = [];
    const loop = (async () => {
      while (on) {
        const commands = Array.from({ length: size }, () => this.crowd.command());
        const one = this.desk.orders(commands).then((seq) => this.acknowledged.push(seq), (error) => failed.push(error.message));
        outstanding.add(one.finally(() => outstanding.delete(one)));
        await sleep(every);
      }
      await Promise.all(outstanding);
    })();
    return { stop: async () => {
      on = false;
      await loop;
      assert.deepEqual(failed, []);
    } };
  }

  /** Waits until `count` more batches are in the stream. */
  more(count) {
    const until_ = this.acknowledged.length + count;
    return until(() => `${count} more batches`, () => this.acknowledged.length >= until_);
  }

  term() {
    return this.heartbeats.at(-1)?.term ?? 0n;
  }

  /** Waits for a successor's first live report; returns milliseconds: from `since`, and the silence of live reports between the two. */
  async takeover(term, since) {
    const index = await until(() => `a successor to ${term} to report; ${this.words()}`, () => {
      const at = this.live.findIndex((one) => one.term > term);
      return at >= 0 && { at };
    });
    const first = this.live[index.at], last = this.live.slice(0, index.at).findLast((one) => one.term === term);
    return { took: first.at - since, silence: first.at - (last?.at ?? since) };
  }

  /** execlog has everything that was acknowledged, once; the live reports and the market data tell the same. Returns its reports. */
  async agrees() {
    const matcher = await this.leading(), last = Math.max(...this.acknowledged);
    await this.desk.journaled(matcher, last);
    const { reports, last: reached } = checkExeclog(await this.desk.execlog());
    assert.ok(reached >= BigInt(last));
    const logged = new Map(reports.map((report) => [`${report.seq}-${report.n}`, report]));
    for (const { id, report } of this.live) {
      const written = logged.get(id);
      assert.ok(written, `${id} was said live and is not in execlog`);
      for (const key of ['kind', 'orderId', 'price', 'leaves', 'executed', 'lastPrice', 'lastQuantity', 'eventNs', 'correlationId', 'clientOrderId'])
        assert.equal(report[key], written[key], `${id}: ${key}`);
    }
    await this.#expectMarketData(reports);
    return reports;
  }

  /** Every report of an account that was not said live. */
  unsaid(reports) {
    const said = new Set(this.live.map(({ id }) => id));
    return reports.filter(({ name, seq, n }) => ACCOUNTS.includes(name) && seq > 1n && !said.has(`${seq}-${n}`));
  }

  async #expectMarketData(reports) {
    const wrong = () => SYMBOLS.flatMap((symbol) => ['orderbook', 'orderbook.100ms', 'orderbook.1s'].flatMap((channel) => {
      const want = bookOf(reports, symbol), subject = `${MIC}.${symbol}.${channel}`, have = this.subscriber.books.get(subject);
      const text = have ? `${levelsOf(have.bids)} | ${levelsOf(have.asks)}` : ' | ';
      return text === want ? [] : [`${subject}: ${text}, not ${want}`];
    }));
    await until(() => `the books to be right: ${wrong()[0]}`, () => wrong().length === 0);
    const trades = tapeOf(reports);
    await until(() => `the prints: ${this.prints.size} of ${trades.size}`, () => this.prints.size >= trades.size);
    assert.deepEqual([...this.prints].sort(), [...trades].sort());
    assert.deepEqual(this.twice, []);
  }

  /** Each term has one leader, nothing that was published broke a chain, and the tap found nothing wrong. */
  async verified() {
    const leaders = new Map();
    for (const { term, leader } of this.heartbeats) {
      assert.equal(leaders.get(term) ?? leader, leader, `two lead with term ${term}`);
      leaders.set(term, leader);
    }
    assert.deepEqual([this.subscriber.errors, this.subscriber.faults], [[], []]);
    await this.server.isQuiet('tickwire tap');
    this.tap.kill('SIGINT');
    const status = await this.tap.end(), told = JSON.parse(this.tap.stdout.trim().split('\n').at(-1));
    assert.equal(status, 0, this.tap.stdout.slice(-2000) + this.tap.stderr);
    assert.deepEqual([told.chain_faults, told.checksum_faults, told.malformed], [0, 0, 0]);
  }

  async close() {
    await this.subscriber.close();
    await this.desk.close();
    await this.tap.stop('SIGKILL');
    await Promise.all(this.matchers.map(({ program }) => program.stop('SIGKILL')));
    await this.server.stop();
  }
}

/** Runs `body(stage)`, then looks whether all that was heard fits together. */
export async function onVenue(body, options) {
  const stage = await VenueStage.open(options);
  try {
    await body(stage);
    await stage.verified();
  } finally {
    await stage.close();
  }
}

/** The book that the reports leave, ten levels a side, as levelsOf writes one. All orders are limits without a hidden part. */
function bookOf(reports, symbol) {
  const open = new Map();
  for (const { orderId: id, symbol: of, status, leaves, price, side } of reports) {
    if (id === 0n || of !== symbol) continue;
    if (status === 'STATUS_OPEN' && leaves > 0n) open.set(id, { price, leaves, side });
    else if (status !== 'STATUS_NONE') open.delete(id);
  }
  const levels = (side, order) => {
    const byPrice = new Map();
    for (const { price, leaves } of [...open.values()].filter((one) => one.side === side)) {
      const level = byPrice.get(price) ?? { price, quantity: 0n, orders: 0 };
      byPrice.set(price, { price, quantity: level.quantity + leaves, orders: level.orders + 1 });
    }
    return levelsOf([...byPrice.values()].sort((a, b) => order * Number(a.price - b.price)).slice(0, 10));
  };
  return `${levels('SIDE_BID', -1)} | ${levels('SIDE_ASK', 1)}`;
}

/** Every trade once, as its print is kept. */
function tapeOf(reports) {
  const trades = new Map();
  let seq, index;
  for (const report of reports) {
    if (report.kind !== 'REPORT_FILL' || report.liquidity !== 'LIQUIDITY_TAKER') continue;
    index = report.seq === seq ? index + 1 : 0;
    seq = report.seq;
    trades.set(`${report.symbol} ${seq}.${index}`, `${report.lastPrice} ${report.lastQuantity}`);
  }
  return trades;
}

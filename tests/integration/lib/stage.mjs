// A feed by multicast, its ingests, and who listens to them: what tests of leadership share. A day's books, prints and
// totals are compared with those of its file, replayed on a bus of its own.
import assert from 'node:assert/strict';
import { levelsOf } from './book.mjs';
import { freePort } from './ports.mjs';
import { launchIngest, metricsUrl, simulatedFile, startTickwire, until } from './programs.mjs';
import { scrape } from './prometheus.mjs';
import { Subscriber } from './subscriber.mjs';

export const SYMBOLS = 20;
const ms = (ns) => Number(ns / 1_000_000n);
const booksOf = (subscriber) => Object.fromEntries([...subscriber.books].map(([subject, book]) =>
  [subject, `${levelsOf(book.bids)} | ${levelsOf(book.asks)}`]).sort());

/** By subject: volume, prints, and from where they count. */
export const totalsOf = (subscriber) => Object.fromEntries([...subscriber.latest].filter(([subject]) => subject.endsWith('.trade'))
  .map(([subject, { volume, printCount, countedFromSeq }]) => [subject, `${volume} in ${printCount}, from ${countedFromSeq}`]).sort());

/** Keeps every print once, by what the receiver's rules say of its message. */
function printsOf(onMessage) {
  const prints = new Set(), twice = [];
  let mine = new Map(), epoch;
  return { prints, twice, onMessage: (subject, payload, outcome) => {
    onMessage?.(subject, payload, outcome);
    if (!subject.endsWith('.trade')) return;
    if (epoch !== payload.epoch) [epoch, mine] = [payload.epoch, new Map()];
    if (outcome !== 'applied') return;
    for (const print of payload.prints) {
      if (print.seq <= (mine.get(subject) ?? 0n)) continue;
      const id = `${payload.epoch.slice(11)} ${subject} ${print.seq}.${print.index} ${print.price} ${print.quantity}`;
      if (prints.has(id)) twice.push(id);
      prints.add(id);
    }
    mine.set(subject, payload.seq);
  } };
}

// What a day comes to without any fault: its file, replayed on a bus of its own.
const references = new Map();
async function reference(apart, seed, messages) {
  const key = `${seed} ${messages}`;
  if (references.has(key)) return references.get(key);
  const file = simulatedFile(`standby-${seed}-${messages}`, { symbols: SYMBOLS, messages, seed });
  const kept = printsOf();
  const subscriber = await Subscriber.connect(apart, ['XNAS.>', 'feed.>'], kept);
  const ingest = launchIngest(apart, ['--source', `file:${file}`, '--start-after', '100ms']);
  await subscriber.everythingCame();
  assert.deepEqual([subscriber.errors, subscriber.faults], [[], []]);
  const day = { books: booksOf(subscriber), totals: totalsOf(subscriber), prints: [...kept.prints].map((id) => id.slice(id.indexOf(' '))).sort() };
  await subscriber.close();
  await ingest.stop();
  references.set(key, day);
  return day;
}

/** A feed, its ingests, and who listens to them. */
export class Stage {
  /** `server` has JetStream, `apart` is for references. `lossless` false: what is published may lack prints, but no book is wrong. */
  static async open({ server, apart, lossless = true }) {
    const self = new Stage();
    self.lossless = lossless;
    self.server = server;
    self.apart = apart; // for the reference
    self.port = await freePort();
    self.where = `udp://239.255.41.21:${self.port}@127.0.0.1`;
    self.ingests = [];
    self.heartbeats = []; // { term, at, leader, handover }: one a FeedStatus
    self.kept = printsOf((subject, payload) => self.#look(subject, payload));
    self.subscriber = await Subscriber.connect(server, ['XNAS.>', 'feed.>'], self.kept);
    self.tap = startTickwire('tap', '--url', server.url, '--json', '--verify', 'XNAS.>', 'feed.XNAS.>');
    return self;
  }

  #look(subject, payload) {
    if (!subject.endsWith('.status') || !subject.startsWith('feed.')) return;
    const { term, leader, handover, publishNs } = payload;
    this.heartbeats.push({ term, leader, handover, at: ms(publishNs) });
  }

  async ingest(settings = [], date = '2020-01-30') {
    const ingest = launchIngest(this.server, ['--source', this.where, '--session-date', date, '--silence', '1h', '--metrics', '0', ...settings]);
    this.ingests.push(ingest);
    await ingest.says(settings.includes('--standby') ? /"follows/ : /"leads/);
    return ingest;
  }

  /** A day by multicast. */
  async play({ seed, messages, rate = '5k', session = 'DAY1', wait = '300ms', settings = [] }) {
    this.day = await reference(this.apart, seed, messages);
    this.feed = startTickwire('serve-feed', '--simulate', '--symbols', `${SYMBOLS}`, '--messages', `${messages}`, '--seed', `${seed}`, '--to', this.where,
      '--rate', rate, '--wait', wait, '--heartbeat', '20ms', '--linger', '3s', '--session', session, ...settings);
    this.session = session;
    return this.feed;
  }

  seqIs(least) {
    return until(() => `the feed to be at ${least}; it is at ${this.subscriber.feed?.seq}`,
      () => this.subscriber.feed?.epoch.endsWith(this.session) && this.subscriber.feed.seq >= least);
  }

  /** Waits until the term has risen; returns the milliseconds from `since` to the successor's first heartbeat. */
  async takeover(since, term) {
    const first = await until(() => `a successor to ${term} to speak; ${this.words()}`, () => this.heartbeats.find((one) => one.term > term));
    return first.at - since;
  }

  /** Who leads; on a machine that stalls it need not be who did. */
  leading() {
    return until(() => `somebody to lead; ${this.words()}`, async () => {
      for (const ingest of this.ingests)
        if (ingest.status === undefined && (await roleOf(ingest).catch(() => 'gone')) === 'leading') return ingest; // one that was killed may not be gone yet
      return null;
    });
  }

  /** [who leads, who follows], of two. */
  async pair() {
    const leader = await this.leading();
    return [leader, this.ingests.find((ingest) => ingest !== leader && ingest.status === undefined)];
  }

  words() {
    return `the ingests said: ${this.ingests.map((ingest) => `${ingest.status} ${ingest.stderr.slice(-1500)}`).join('\n--\n')}`;
  }

  /** The day has ended, and the books and prints are those of a day without faults. */
  async endsRight() {
    await this.subscriber.feedIs((status) => status.state === 'BOOK_CLOSED' && status.epoch.endsWith(this.session));
    await until(() => `the books to be right: ${this.wrong()}`, () => this.wrong() === undefined);
    await until('the tiers to be level', () => this.subscriber.tiersBehind(['orderbook.100ms', 'orderbook.1s']).length === 0);
    assert.deepEqual(this.subscriber.errors, []);
    assert.deepEqual(this.subscriber.faults.filter((fault) => this.lossless || !/\.trade:/.test(fault)), []);
    assert.deepEqual(this.kept.twice, []);
    const prints = [...this.kept.prints].filter((id) => id.startsWith(`${this.session} `)).map((id) => id.slice(id.indexOf(' '))).sort();
    assert.deepEqual(prints, this.lossless ? this.day.prints : this.day.prints.filter((id) => prints.includes(id)));
    await this.feed.stop('SIGKILL');
  }

  wrong() {
    const mine = booksOf(this.subscriber);
    // A tier says nothing of a book that filled and emptied between two of its steps: then it is as empty as it is for who never heard of it.
    const shown = (subject) => mine[subject] ?? (/\.orderbook\.(100ms|1s)$/.test(subject) ? ' | ' : undefined);
    return Object.keys(this.day.books).find((subject) => shown(subject) !== this.day.books[subject]);
  }

  /** Terms only rise, each has one leader, and the tap found nothing wrong. */
  async verified() {
    const leaders = new Map();
    for (const { term, leader } of this.heartbeats) {
      assert.equal(leaders.get(term) ?? leader, leader, `two lead with term ${term}`);
      leaders.set(term, leader);
    }
    if (this.tap.status === undefined) await this.server.isQuiet('tickwire tap');
    this.tap.kill('SIGINT');
    const status = await this.tap.end();
    const told = JSON.parse(this.tap.stdout.trim().split('\n').at(-1));
    if (this.lossless) assert.equal(status, 0, this.tap.stdout + this.tap.stderr);
    assert.deepEqual([told.chain_faults, told.checksum_faults, told.malformed], [0, 0, 0]);
  }

  async close() {
    await this.subscriber.close();
    await this.tap.stop('SIGKILL');
    await this.feed?.stop('SIGKILL');
    await Promise.all(this.ingests.map((ingest) => ingest.stop('SIGKILL')));
  }
}

export const roleOf = async (ingest) => {
  const metrics = await scrape(await metricsUrl(ingest));
  return metrics.families.get('tickwire_ingest_role').samples.find((sample) => sample.value === 1).labels.role;
};
export const roleIs = (ingest, role) => until(() => `an ingest to be ${role}; it said ${ingest.stderr}`, async () => (await roleOf(ingest)) === role);
export const metricsOf = async (ingest) => scrape(await metricsUrl(ingest));

/** Runs `body(stage)`, then looks whether all that was heard fits together. */
export async function onStage(body, options) {
  const stage = await Stage.open(options);
  try {
    await body(stage);
    await stage.verified();
  } finally {
    await stage.close();
  }
}

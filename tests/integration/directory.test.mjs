// The directory and its changes: who follows instruments.{MIC}.changes by the rules of docs/protocol.md, written a second
// time here, has what instruments.{MIC} answers.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connect } from 'nats';
import * as itch from './lib/itch.mjs';
import { MoldSender } from './lib/mold_sender.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, simulatedFile, startIngest, startTickwire, until } from './lib/programs.mjs';
import { Subscriber } from './lib/subscriber.mjs';
import { decode, encodeAs } from './lib/wire.mjs';

const nats = await NatsServer.start();
const followers = new Set();
after(async () => { // of a test that failed, too
  for (const directory of followers) await directory.close();
  await nats.stop();
});

/** Keeps the directory by its changes; asks when something is missing. `deaf(message)` hides messages from it. */
class Directory {
  static async follow({ deaf = () => false } = {}) {
    const self = Object.assign(new Directory(), { entries: new Map(), messages: [], version: 0n, epoch: '', term: 0n, asked: 0, asking: null, held: [] });
    followers.add(self);
    self.subscriber = await Subscriber.connect(nats, ['feed.XNAS.>'], { onMessage: (_, status) => self.#heardOf(status) });
    self.connection = await connect({ servers: nats.url });
    self.connection.subscribe('instruments.XNAS.changes', { callback: (error, { subject, data }) => {
      const list = decode(subject, data);
      self.messages.push({ ...list, bytes: data.length });
      if (!deaf(list)) self.#take(list);
    } });
    await self.connection.flush();
    return self;
  }

  #take(list) {
    if (list.term < this.term) return;
    if (this.asking) {
      this.held.push(list);
      return;
    }
    const same = list.epoch === this.epoch && list.term === this.term;
    if (!same && list.prevVersion === 0n) this.#reset(list);
    else if (!same || list.prevVersion > this.version) return void this.#ask();
    if (list.version <= this.version) return;
    for (const entry of list.instruments) this.entries.set(entry.symbol, entry);
    this.version = list.version;
  }

  #reset({ epoch, term }) {
    this.entries.clear();
    Object.assign(this, { epoch, term, version: 0n });
  }

  /** The feed's status tells the version last told: so the loss of the last message shows, too. */
  #heardOf({ epoch, term, directoryVersion }) {
    const same = epoch === this.epoch && term === this.term;
    if (term >= this.term && directoryVersion > (same ? this.version : 0n) && !this.asking) this.late = this.#ask();
  }

  async #ask() {
    this.asked++;
    this.asking = this.subscriber.instruments();
    const chunks = await this.asking;
    this.#reset(chunks[0]);
    for (const chunk of chunks) for (const entry of chunk.instruments) this.entries.set(entry.symbol, entry);
    this.version = chunks[0].version;
    this.asking = null;
    for (const list of this.held.splice(0)) this.#take(list);
  }

  /** What is answered now, as this keeps it. States are not the directory's business: they travel on status. */
  async isRight() {
    const plain = (entries) => entries.map(({ state, cause, trading, ...entry }) => entry).sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
    const chunks = await this.subscriber.instruments();
    assert.deepEqual(plain([...this.entries.values()]), plain(chunks.flatMap((chunk) => chunk.instruments)));
    assert.equal(this.version, chunks[0].version);
    assert.deepEqual(this.subscriber.errors, []);
  }

  async close() {
    followers.delete(this);
    await this.connection.close();
    await this.subscriber.close();
  }
}

const lotOf = (directory, symbol) => directory.entries.get(symbol)?.roundLot;

test('what is defined at the start of a day and what changes during it is told, and heard by a late joiner, too', async () => {
  const port = await freePort();
  const early = await Directory.follow();
  const tap = startTickwire('tap', '--url', nats.url, 'instruments.XNAS.changes', 'feed.XMRK.*.status');
  await until('tap to listen', () => {
    early.connection.publish('feed.XMRK.1.status', encodeAs('FeedStatus', { exchange: 'XMRK' }));
    return tap.stdout.includes('feed.XMRK');
  });
  await tap.says(/feed\.XNAS|$/);
  const ingest = await startIngest(nats, ['--source', `udp://127.0.0.1:${port}`, '--session-date', '2020-01-30', '--silence', '1h']);
  await ingest.says(/"listening"/);
  const line = await MoldSender.open(port);
  await line.send(itch.system('O'), itch.directory(1, 'AAPL'), itch.directory(2, 'BRK.B'));
  await until(() => `the two first entries; ${early.messages.map((m) => [m.term, m.epoch, m.prevVersion, m.version, m.instruments.length])} asked ${early.asked} ${early.term}; ${early.subscriber.feed?.state}`, () => early.entries.size === 2);

  const late = await Directory.follow();
  const before = early.messages.length;
  await line.send(itch.directory(1, 'AAPL', undefined, 10), itch.action(1, 'AAPL'), itch.directory(3, 'NEW'));
  for (const directory of [early, late]) {
    await until('the change of a round lot and the new symbol', () => lotOf(directory, 'AAPL') === 10n && lotOf(directory, 'NEW') === 100n);
    assert.equal(directory.entries.get('AAPL').version > 1n, true);
    await directory.isRight();
  }
  assert.ok(late.asked > 0, 'what was before it came');
  const told = early.messages.slice(before);
  assert.ok(told.every(({ partition, publishNs }) => partition === 1 && publishNs > 0n));
  assert.ok(told.every((list) => list.instruments.every(({ symbol }) => symbol !== 'BRK.B')), 'only what changed is told');
  await tap.says(/AAPL \(its version \d, round lot 10\)/);
  line.close();
  await tap.stop();
  await ingest.stop();
  await early.close();
  await late.close();
});

test('two thousand definitions at full speed come in bounded messages, all of them before the ingest leaves', async () => {
  const directory = await Directory.follow();
  const lossy = await Directory.follow({ deaf: ({ version }) => version % 3n === 1n });
  const ingest = await startIngest(nats, ['--source', `file:${simulatedFile('directory', { symbols: 2000, messages: 30_000 })}`]);
  await directory.subscriber.feedIs({ state: 'BOOK_CLOSED' });
  await until('all entries', () => directory.entries.size === 2000);
  await until(() => `the version that the feed tells, ${directory.subscriber.feed.directoryVersion}; mine is ${directory.version}, asked ${directory.asked} times, asking ${Boolean(directory.asking)}, held ${directory.held.length}; ${directory.subscriber.errors}`, () => directory.version === directory.subscriber.feed.directoryVersion);
  await directory.isRight();
  assert.ok(directory.messages.length >= Math.ceil(2000 / 192) && directory.messages.every(({ instruments, bytes }) => instruments.length <= 192 && bytes <= 65_536));
  directory.messages.reduce((version, list) => {
    assert.equal(list.prevVersion, version);
    assert.ok(list.version > version);
    return list.version;
  }, directory.messages[0].prevVersion);
  await until('the one who heard two of three to have asked', () => lossy.version === directory.version && !lossy.asking);
  assert.ok(lossy.asked > 0);
  await lossy.isRight();
  await ingest.stop();
  await directory.close();
  await lossy.close();
});

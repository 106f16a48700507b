// tickwire-gateway seen by npm's ws, fetch and bare sockets: what a client is shown is what the bus has, whatever the client
// asks for and whatever happens to gateway, bus and feed meanwhile.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, test } from 'node:test';
import { levelsOf } from './lib/book.mjs';
import { StreamClient, startGateway } from './lib/gateway.mjs';
import { freeUdpPort } from './lib/mold_sender.mjs';
import { NatsServer, launchIngest, sleep, startTickwire, until } from './lib/programs.mjs';
import { parsePrometheus } from './lib/prometheus.mjs';
import { Subscriber } from './lib/subscriber.mjs';

const SYMBOLS = 20;
const shownOf = (book, depth = 10) => `${levelsOf(book.bids.slice(0, depth))} | ${levelsOf(book.asks.slice(0, depth))}`;

/** A feed by multicast, its ingest, a gateway, and a witness on the bus that writes down every book at every seq. */
class Stage {
  static async open({ gateway = [], messages = 12_000, rate = '3k', seed = 1, wait = '1500ms' } = {}) {
    const self = new Stage();
    self.nats = await NatsServer.start();
    self.history = new Map(); // "subject epoch seq" -> levels
    self.prints = [];
    self.witness = await Subscriber.connect(self.nats, ['XNAS.>', 'feed.>'], { onMessage: (...told) => self.#note(...told) });
    self.settings = gateway;
    self.gateway = await startGateway(self.nats, gateway);
    self.where = `udp://239.255.41.31:${await freeUdpPort()}@127.0.0.1`;
    self.ingest = launchIngest(self.nats, ['--source', self.where, '--session-date', '2020-01-30', '--silence', '1h']);
    await self.ingest.says(/"leads/);
    self.feed = startTickwire('serve-feed', '--simulate', '--symbols', `${SYMBOLS}`, '--messages', `${messages}`, '--seed', `${seed}`,
      '--to', self.where, '--rate', rate, '--wait', wait, '--heartbeat', '20ms', '--linger', '30s', '--session', 'DAY1');
    await until('the feed to begin', () => self.witness.books.size >= SYMBOLS);
    self.clients = [];
    return self;
  }

  #note(subject, payload, outcome) {
    if (subject.endsWith('.orderbook') && outcome !== 'old term') {
      const book = this.witness.books.get(subject);
      this.history.set(`${subject} ${book.epoch} ${book.seq}`, shownOf(book));
      this.history.set(`${subject} ${book.epoch} ${book.seq} cut 5`, shownOf(book, 5));
    }
    if (subject.endsWith('.trade') && outcome === 'applied')
      for (const print of payload.prints) this.prints.push(`${subject} ${print.seq}.${print.index} ${print.price} ${print.quantity}`);
  }

  /** A client that writes down each book it is shown. */
  async client(options = {}) {
    const seen = [];
    const client = await StreamClient.connect(this.gateway, {
      ...options,
      onMessage: (message, book) => {
        options.onMessage?.(message, book);
        if (book) seen.push({ subject: message.subject, epoch: book.epoch, seq: book.seq, depth: message.depth, shown: shownOf(book), at: performance.now() });
      },
    });
    client.seen = seen;
    this.clients.push(client);
    return client;
  }

  /** Waits until the day is over on the bus, and the client shows the last book of each subject. */
  async dayEnds(...clients) {
    await this.witness.feedIs({ state: 'BOOK_CLOSED' }, 60_000);
    for (const client of clients)
      await until(() => `the last books to be shown: ${this.behind(client)}`, () => this.behind(client) === undefined);
  }

  behind(client, depth = 10) {
    return [...client.books.keys()].find((subject) => shownOf(client.books.get(subject), depth) !== shownOf(this.witness.books.get(subject), client.books.get(subject).depth));
  }

  /** Every book that the client was shown is one that was on the bus at that seq. */
  everyBookWasTrue(client) {
    assert.deepEqual(client.faults.slice(0, 3), []);
    for (const { subject, epoch, seq, depth, shown } of client.seen) {
      if (seq === 0n) continue; // before the first message nothing was published
      const published = this.history.get(`${subject} ${epoch} ${seq}${depth === 5 ? ' cut 5' : ''}`);
      assert.equal(shown, published, `${subject} at ${seq} (depth ${depth})`);
    }
  }

  async close() {
    for (const client of this.clients) client.socket.terminate();
    await this.witness.close();
    await Promise.all([this.feed.stop('SIGKILL'), this.ingest.stop('SIGKILL'), this.gateway.stop()]);
    await this.nats.stop();
  }
}

async function onStage(body, options) {
  const stage = await Stage.open(options);
  try {
    await body(stage);
    assert.deepEqual([stage.witness.errors, stage.witness.faults], [[], []]);
    assert.doesNotMatch(stage.gateway.stderr, /"level":"error"/);
  } finally {
    await stage.close();
  }
}

/** A gateway without a feed, for what does not need one. */
async function withGateway(settings, body) {
  const nats = await NatsServer.start();
  const gateway = await startGateway(nats, settings);
  try {
    await body(gateway, nats);
  } finally {
    assert.equal(await gateway.stop(), 0, gateway.stderr);
    await nats.stop();
  }
}

test('live books are those of the bus at every seq, for one subject, wildcards, a cut depth and a conflated interval', () => onStage(async (stage) => {
  const [all, one, cut, slow, late] = [await stage.client(), await stage.client(), await stage.client(), await stage.client(), await stage.client()];
  await all.subscribe('XNAS.*.orderbook');
  const subject = [...stage.witness.books.keys()].find((name) => name.endsWith('.orderbook'));
  await one.subscribe(subject);
  await cut.subscribe('XNAS.*.orderbook', { depth: 5 });
  await slow.subscribe('XNAS.*.orderbook', { interval_ms: 250 });
  await until('half of the day', () => all.counts.book > 2000, 60_000);
  await late.subscribe('XNAS.>');
  await stage.dayEnds(all, one, slow, late);
  await until('the cut books to be level', () => stage.behind(cut, 5) === undefined);
  for (const client of stage.clients) stage.everyBookWasTrue(client);
  assert.deepEqual([...one.books.keys()], [subject]);
  assert.equal(all.books.size, SYMBOLS);
  for (const book of cut.books.values()) assert.ok(book.bids.length <= 5 && book.asks.length <= 5);
  assert.ok(slow.counts.book < all.counts.book / 2, `${slow.counts.book} of ${all.counts.book}`);
  assert.ok(slow.counts.merged > 0);
  const times = new Map();
  for (const { subject: name, at } of slow.seen) times.set(name, [...(times.get(name) ?? []), at]);
  const seconds = (slow.seen.at(-1).at - slow.seen[0].at) / 1000;
  for (const [name, list] of times) assert.ok(list.length <= 4 * seconds + 4, `${name}: ${list.length} in ${seconds} s`);
  const told = late.messages.filter((message) => message.type === 'trades').flatMap((message) => message.prints ?? []);
  assert.ok(told.length > 0);
  const all_ = new Set(stage.prints.map((print) => print.split(' ')[1]));
  for (const print of told) assert.ok(all_.has(`${print.seq}.${print.index ?? 0}`), JSON.stringify(print));
}));

test('after unsubscribe nothing more comes; malformed and forbidden requests are answered and the connection stays', () => onStage(async (stage) => {
  const client = await stage.client();
  await client.subscribe('XNAS.*.orderbook');
  await until('books', () => client.counts.book > 100);
  assert.equal((await client.ask({ op: 'unsubscribe', subjects: ['XNAS.*.orderbook'] })).type, 'ack');
  const had = client.counts.book;
  const codes = {
    BAD_JSON: ['{"id":', 'nothing', '[1,2', '{"a":'.repeat(5000), '[]', '7'],
    BAD_REQUEST: ['{"op":"subscribe"}', '{"op":"subscribe","subjects":"XNAS.*.quote"}'],
    BAD_SUBJECT: ['{"op":"subscribe","subjects":["nothing at all"]}', '{"op":"subscribe","subjects":["snapshot.XNAS.A.orderbook"]}'],
    UNKNOWN_OP: ['{"op":"dance"}'],
    FORBIDDEN: ['{"op":"subscribe","subjects":["XETR.*.orderbook"]}'],
    NOT_SUBSCRIBED: ['{"op":"unsubscribe","subjects":["XNAS.*.orderbook"]}'],
  };
  for (const [code, requests] of Object.entries(codes)) {
    for (const request of requests) {
      client.messages = [];
      client.send(request);
      const error = await until(() => `${code} to ${request.slice(0, 60)}: ${JSON.stringify(client.messages)} ${JSON.stringify(client.closed)}`,
        () => client.messages.find((message) => message.type === 'error'));
      assert.equal(error.code, code, `${request.slice(0, 60)}: ${JSON.stringify(error)}`);
      assert.ok(error.message.length > 0);
    }
    await sleep(200); // not too fast
  }
  assert.equal((await client.ask({ op: 'ping' })).type, 'pong');
  assert.equal(client.counts.book, had);
  assert.equal(client.closed, undefined);
}));

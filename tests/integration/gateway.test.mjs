// tickwire-gateway seen by npm's ws, fetch and bare sockets: what a client is shown is what the bus has, whatever the client
// asks for and whatever happens to gateway, bus and feed meanwhile.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { levelsOf } from './lib/book.mjs';
import { StreamClient, gatewayProgram, startGateway } from './lib/gateway.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, Program, folder, launchIngest, run, sleep, startTickwire, until } from './lib/programs.mjs';
import { parsePrometheus } from './lib/prometheus.mjs';
import { Subscriber } from './lib/subscriber.mjs';

const SYMBOLS = 20;
const nameOf = ({ subject, epoch, seq, depth }) => `${subject} ${epoch} ${seq}${depth === 5 ? ' cut 5' : ''}`;
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
    self.gateway = await startGateway(self.nats, ['--port', `${await freePort()}`, ...gateway]);
    self.where = `udp://239.255.41.31:${await freePort()}@127.0.0.1`;
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
      for (const depth of [10, 5]) this.history.set(nameOf({ subject, ...book, depth }), shownOf(book, depth));
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
  async everyBookWasTrue(client) {
    assert.deepEqual(client.faults.slice(0, 3), []);
    const seen = client.seen.filter(({ seq }) => seq !== 0n); // before the first message nothing was published
    const unknown = () => seen.find((book) => !this.history.has(nameOf(book))); // the witness may hear of a book later than the client
    await until(() => `${nameOf(unknown() ?? {})}: no such book was on the bus`, () => unknown() === undefined);
    for (const book of seen) assert.equal(book.shown, this.history.get(nameOf(book)), nameOf(book));
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
  const asked = performance.now(); // nothing is sent to it earlier; what it has read at a time was sent before that
  await slow.subscribe('XNAS.*.orderbook', { interval_ms: 250 });
  await until('a part of the day', () => all.counts.book > 1000, 60_000);
  await late.subscribe('XNAS.>');
  await stage.dayEnds(all, one, slow, late);
  await until('the cut books to be level', () => stage.behind(cut, 5) === undefined);
  for (const client of stage.clients) await stage.everyBookWasTrue(client);
  assert.deepEqual([...one.books.keys()], [subject]);
  assert.equal(all.books.size, SYMBOLS);
  for (const book of cut.books.values()) assert.ok(book.bids.length <= 5 && book.asks.length <= 5);
  assert.ok(slow.counts.book < all.counts.book / 2, `${slow.counts.book} of ${all.counts.book}`);
  assert.ok(slow.counts.merged > 0);
  const times = new Map();
  for (const { subject: name, at } of slow.seen) times.set(name, [...(times.get(name) ?? []), at]);
  const seconds = (slow.seen.at(-1).at - asked) / 1000;
  for (const [name, list] of times) assert.ok(list.length <= 4 * seconds + 4, `${name}: ${list.length} in ${seconds} s`);
  const told = late.messages.filter((message) => message.type === 'trades').flatMap((message) => message.prints ?? []);
  assert.ok(told.length > 0);
  const all_ = new Set(stage.prints.map((print) => print.split(' ')[1]));
  for (const print of told) assert.ok(all_.has(`${print.seq}.${print.index ?? 0}`), JSON.stringify(print));
}, { messages: 24_000 }));

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

test('an event stream carries the same books, and goes on behind Last-Event-ID', () => onStage(async (stage) => {
  const subject = [...stage.witness.books.keys()].find((name) => name.endsWith('.orderbook'));
  const url = `${stage.gateway.url}/v1/stream/sse?subscribe=${encodeURIComponent(subject)}&depth=10`;
  const read = async (headers, enough) => {
    const stop = new AbortController(), events = [], seen = [];
    const response = await fetch(url, { headers, signal: stop.signal });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), /^text\/event-stream/);
    let text = '';
    try {
      for await (const chunk of response.body) {
        text += Buffer.from(chunk).toString();
        for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
          const lines = text.slice(0, end).split('\n');
          const data = lines.find((line) => line.startsWith('data: '));
          if (data) events.push({ id: lines.find((line) => line.startsWith('id: '))?.slice(4), ...JSON.parse(data.slice(6)) });
          else assert.ok(lines.every((line) => line.startsWith(':')), lines.join());
        }
        if (enough(events)) break;
      }
    } finally {
      stop.abort();
    }
    return events.filter((event) => event.type === 'book');
  };
  const books = (count) => (events) => events.filter((event) => event.type === 'book').length >= count;
  const first = await read({}, books(20));
  assert.equal(first[0].snapshot, true);
  const second = await read({ 'Last-Event-ID': first.at(-1).id }, books(20));
  assert.ok(!second[0].snapshot, JSON.stringify(second[0]));
  const { updateOf } = await import('./lib/gateway.mjs');
  const { Book } = await import('./lib/book.mjs');
  const book = new Book();
  for (const event of [...first, ...second]) {
    const outcome = book.take(updateOf(event));
    assert.ok(['applied', 'state', 'snapshot', 'seen'].includes(outcome), `${outcome} ${JSON.stringify(event)}`);
    if (book.seq > 0n) await until(() => `the bus to have ${book.seq}`, () => stage.history.has(`${subject} ${book.epoch} ${book.seq}`));
    if (book.seq > 0n) assert.equal(shownOf(book), stage.history.get(`${subject} ${book.epoch} ${book.seq}`));
  }
  for (const [query, status, code] of [['', 400, 'BAD_REQUEST'], ['subscribe=nonsense', 400, 'BAD_SUBJECT'], ['subscribe=XETR.*.quote', 403, 'FORBIDDEN'], [`subscribe=${subject}&depth=x`, 400, 'BAD_REQUEST']]) {
    const answer = await fetch(`${stage.gateway.url}/v1/stream/sse?${query}`);
    assert.deepEqual([answer.status, (await answer.json()).error.code], [status, code], query);
  }
}));

test('HTTP: books, instruments, health, metrics; errors are JSON with the right status', () => onStage(async (stage) => {
  const get = async (path, options) => {
    const response = await fetch(`${stage.gateway.url}${path}`, options);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
  };
  await stage.dayEnds();
  const names = [...stage.witness.books.keys()].filter((name) => name.endsWith('.orderbook'));
  for (const live of [false, true]) { // first asked of the bus, then from memory
    if (live) {
      const client = await stage.client();
      await client.subscribe('XNAS.*.orderbook');
      await stage.dayEnds(client);
    }
    for (const subject of names.slice(0, 5)) {
      const symbol = subject.split('.')[1], book = stage.witness.books.get(subject);
      const told = await get(`/v1/book/XNAS/${symbol}?depth=5`);
      assert.equal(told.status, 200, told.text);
      assert.equal(told.headers.get('cache-control'), 'no-store');
      const json = told.json();
      assert.deepEqual([json.symbol, json.seq, json.bids.length, json.state], [symbol, `${book.seq}`, Math.min(5, book.bids.length), 'CLOSED']);
      assert.deepEqual(json.bids.map(([price]) => BigInt(price.replace('.', ''))), book.bids.slice(0, 5).map((level) => level.price));
    }
  }
  const list = await get('/v1/instruments?exchange=XNAS');
  assert.equal(list.status, 200, list.text);
  assert.deepEqual(list.json().instruments.map((one) => one.symbol).sort(), names.map((name) => decodeURIComponent(name.split('.')[1])).sort());
  assert.equal((await get('/healthz')).text, 'ok\n');
  assert.equal((await get('/readyz')).status, 200);
  const families = parsePrometheus((await get('/metrics')).text);
  assert.ok(families.get('tickwire_gateway_updates_in_total').samples[0].value > 0);
  for (const [path, status, code] of [['/v1/book/XNAS/NOSUCH', 404, 'NOT_FOUND'], ['/v1/book/XNAS', 400, 'BAD_REQUEST'],
    ['/v1/book/XNAS/AAPL?depth=0', 400, 'BAD_REQUEST'], ['/v1/book/XETR/SAP', 403, 'FORBIDDEN'], ['/nothing', 404, 'NOT_FOUND'],
    ['/v1/instruments', 400, 'BAD_REQUEST'], ['/v1/instruments?exchange=XETR', 403, 'FORBIDDEN'], ['/v1/stream', 426, 'UPGRADE_REQUIRED']]) {
    const answer = await get(path);
    assert.deepEqual([answer.status, answer.json().error.code, answer.headers.get('content-type')], [status, code, 'application/json'], path);
  }
  assert.equal((await get('/healthz', { method: 'POST', body: 'x' })).status, 405);
  const head = await get('/readyz', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
}, { messages: 3000, wait: '300ms' }));

test('pages of other origins are let in only where a setting says so', () => withGateway(['--origins', 'https://friend.example'], async (gateway) => {
  const from = async (origin) => (await fetch(`${gateway.url}/healthz`, { headers: { origin } })).headers.get('access-control-allow-origin');
  assert.deepEqual([await from('https://friend.example'), await from('https://foe.example')], ['https://friend.example', null]);
  await (await StreamClient.connect(gateway, { origin: 'https://friend.example' })).close();
  await (await StreamClient.connect(gateway, { origin: gateway.url })).close();
  await assert.rejects(StreamClient.connect(gateway, { origin: 'https://foe.example' }), /403/);
}));

test('what breaks the protocol is closed with its code; the others do not notice', () => withGateway(['--max-clients', '20', '--handshake-timeout', '1s'], async (gateway) => {
  const other = await StreamClient.connect(gateway);
  const code = async (what, options) => {
    const client = await StreamClient.connect(gateway, options);
    what(client.socket);
    return (await client.gone()).code;
  };
  assert.equal(await code((socket) => socket.send('x'.repeat(70_000))), 1009);
  assert.equal(await code((socket) => socket.send(Buffer.from([1, 2, 3]))), 1003);
  assert.equal(await code((socket) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false })), 1007);
  assert.equal(await code((socket) => socket._socket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]))), 1002, 'an opcode that is none');
  assert.equal(await code((socket) => socket.close(1000)), 1000);
  const fragments = await StreamClient.connect(gateway, { protocols: [] });
  fragments.socket.send('{"id":1,', { fin: false });
  fragments.socket.ping();
  fragments.socket.send('"op":', { fin: false });
  fragments.socket.send('"ping"}', { fin: true });
  await until('the answer to a request in pieces', () => fragments.messages.find((message) => message.type === 'pong' && message.id === 1));
  await assert.rejects(StreamClient.connect(gateway, { protocols: ['something.else'] }));
  const raw = async (bytes) => {
    const socket = net.connect(gateway.port, '127.0.0.1');
    let said = '', over = false;
    socket.on('data', (data) => (said += data)).on('close', () => (over = true)).on('error', () => (over = true));
    socket.write(bytes);
    await until('the connection to be ended', () => over);
    return said;
  };
  await raw('GET /v1/stream HTTP/1.1\r\nHost: x\r\nX-Slow: '); // and never more
  await raw(`GET /v1/stream HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(100_000)}\r\n\r\n`);
  await raw('\x16\x03\x01\x02\x00nonsense\r\n\r\n');
  const many = await Promise.all(Array.from({ length: 40 }, () => StreamClient.connect(gateway).catch(() => null)));
  assert.ok(many.filter(Boolean).length < 20);
  for (const client of many) client?.socket.terminate();
  assert.equal((await other.ask({ op: 'ping' })).type, 'pong');
  assert.equal(other.closed, undefined);
}));

test('who does not read is given the latest books when it reads again, and the others have them all the while', () => onStage(async (stage) => {
  const lazy = await stage.client(), quick = await stage.client();
  await lazy.subscribe('XNAS.>');
  await quick.subscribe('XNAS.*.orderbook');
  await until('the first books', () => lazy.counts.book > 100);
  lazy.socket._socket.pause();
  await stage.dayEnds(quick);
  const metrics = parsePrometheus(await (await fetch(`${stage.gateway.url}/metrics`)).text());
  assert.ok(metrics.get('tickwire_gateway_partial_writes_total').samples[0].value > 0);
  lazy.socket._socket.resume();
  await stage.dayEnds(lazy);
  for (const client of [lazy, quick]) await stage.everyBookWasTrue(client);
  assert.ok(lazy.counts.book < quick.counts.book, `${lazy.counts.book} of ${quick.counts.book}`);
  assert.ok(lazy.counts.snapshots > SYMBOLS && lazy.counts.merged > 0, JSON.stringify([lazy.counts, quick.counts]));
  const passed = lazy.messages.filter((message) => message.type === 'trades').reduce((sum, message) => sum + Number(message.passed_over ?? 0), 0);
  assert.ok(passed > 0);
}, { messages: 40_000, rate: '20k', gateway: ['--client-bytes', '32Ki', '--max-subscriptions', '64', '--send-buffer', '8Ki', '--silence', '60s'] }));

test('a client that comes back resumes without a snapshot', () => onStage(async (stage) => {
  const first = await stage.client();
  const subject = [...stage.witness.books.keys()].find((name) => name.endsWith('.orderbook'));
  await first.subscribe(subject);
  await until('some books', () => first.counts.book > 20);
  first.socket.terminate();
  await first.gone();
  const book = first.books.get(subject), had = first.seen.length;
  const second = await stage.client();
  second.books.set(subject, book);
  const point = { epoch: book.epoch, seq: `${book.seq}` }, never = 'XNAS.NEVER.orderbook';
  const { unknown } = await second.subscribe([subject, never], { resume: { [subject]: point, [never]: point, 'XNAS.OTHER.orderbook': point } });
  assert.deepEqual(unknown, [never]); // of which nothing can follow: the client's own is not confirmed
  await until('more books', () => second.counts.book > 20);
  assert.ok(had > 0);
  assert.equal(second.counts.snapshots, 0);
  await stage.everyBookWasTrue(second);
}));

test('told to stop, it says when to come back, ends with 1001, and a new gateway on the port serves true books', () => onStage(async (stage) => {
  const clients = await Promise.all([1, 2, 3].map(() => stage.client()));
  for (const client of clients) await client.subscribe('XNAS.*.orderbook');
  await until('books', () => clients.every((client) => client.counts.book > 200));
  const { port } = stage.gateway;
  assert.equal(await stage.gateway.stop(), 0);
  for (const client of clients) {
    assert.deepEqual(await client.gone(), { code: 1001, reason: 'the gateway stops' });
    const notice = client.messages.find((message) => message.type === 'closing');
    assert.ok(notice.reconnect_after_ms >= 50 && notice.reconnect_after_ms <= 60, JSON.stringify(notice));
    await stage.everyBookWasTrue(client);
  }
  stage.gateway = await startGateway(stage.nats, ['--port', `${port}`]);
  const again = await stage.client();
  await again.subscribe('XNAS.*.orderbook');
  await stage.dayEnds(again);
  await stage.everyBookWasTrue(again);
}, { gateway: ['--reconnect-earliest', '50ms', '--reconnect-latest', '60ms'] }));

test('several gateways share a port when told to, and only then', async () => {
  const nats = await NatsServer.start();
  const first = await startGateway(nats, ['--share-port']);
  const second = await startGateway(nats, ['--share-port', '--port', `${first.port}`]);
  assert.equal(second.port, first.port);
  await assert.rejects(startGateway(nats, ['--port', `${first.port}`]), /ddress already in use/);
  const clients = await Promise.all(Array.from({ length: 64 }, () => StreamClient.connect(first)));
  for (const client of clients) assert.ok(client.hello);
  assert.equal(await first.stop(), 0);
  assert.equal(await second.stop(), 0);
  const ended = await Promise.all(clients.map((client) => client.gone()));
  assert.ok(ended.every(({ code }) => code === 1001), JSON.stringify(ended));
  await nats.stop();
});

test('a feed whose ingest is killed is STALE to every client, on every channel that shows a state', () => onStage(async (stage) => {
  const client = await stage.client();
  await client.subscribe(['XNAS.*.orderbook', 'XNAS.*.quote', 'feed.>']);
  await until('books and quotes', () => client.counts.book > 200 && client.messages.some((message) => message.type === 'quote'));
  const quotes = () => [...client.latest.values()].filter((message) => message.type === 'quote');
  stage.ingest.kill('SIGKILL');
  const since = performance.now();
  await until('every book to be stale', () => [...client.books.values()].every((book) => book.state === 'STALE'));
  console.log(`# stale after ${Math.round(performance.now() - since)} ms`);
  await until('every quote and the feed to be stale', () => quotes().every((quote) => quote.state === 'STALE') && client.latest.get('feed.XNAS.1.status').state === 'STALE');
  assert.equal(client.latest.get('feed.XNAS.1.status').cause, 'FEED_SILENT');
  assert.equal((await fetch(`${stage.gateway.url}/readyz`)).status, 503);
  assert.deepEqual(client.faults, []);
}));

test('the bus goes and returns: the clients stay, books are stale meanwhile and true after', () => onStage(async (stage) => {
  const client = await stage.client();
  await client.subscribe('XNAS.*.orderbook');
  await until('books', () => client.counts.book > 200);
  await stage.nats.stop();
  await until('every book to be stale', () => [...client.books.values()].every((book) => book.state === 'STALE'));
  await stage.nats.restart();
  await stage.witness.feedIs({ state: 'BOOK_CLOSED' }, 60_000);
  await until('the witness to be whole', () => [...stage.witness.books.values()].every((book) => book.inSync));
  await until(() => `the last books: ${stage.behind(client)}`, () => stage.behind(client) === undefined);
  assert.deepEqual(client.faults, []);
  assert.equal(client.closed, undefined);
  stage.witness.faults.length = 0; // what the witness missed while the bus was away
}));

test('who answers no pings is closed; event streams and who does answer stay', () => withGateway(['--silence', '3s', '--heartbeat', '500ms', '--handshake-timeout', '1s'], async (gateway) => {
  const deaf = await StreamClient.connect(gateway, { autoPong: false }), alive = await StreamClient.connect(gateway);
  const stop = new AbortController();
  const events = await fetch(`${gateway.url}/v1/stream/sse?subscribe=XNAS.*.quote`, { signal: stop.signal });
  let heard = '';
  const reading = (async () => {
    for await (const chunk of events.body) heard += Buffer.from(chunk).toString();
  })().catch((error) => error.name);
  assert.equal((await deaf.gone()).code, 4408);
  await sleep(3000);
  assert.equal(alive.closed, undefined);
  assert.ok(alive.counts.heartbeat > 3);
  const had = heard.length;
  await until('another heartbeat of the event stream', () => heard.length > had);
  assert.match(heard, /^: /m);
  stop.abort();
  assert.equal(await reading, 'AbortError');
}));

test('a folder of pages is served, and nothing outside of it', async () => {
  const pages = path.join(folder, 'pages');
  mkdirSync(path.join(pages, 'deep'), { recursive: true });
  writeFileSync(path.join(folder, 'secret.txt'), 'secret');
  writeFileSync(path.join(pages, '.hidden'), 'secret');
  writeFileSync(path.join(pages, 'index.html'), '<p>hello');
  writeFileSync(path.join(pages, 'deep/app.js'), `// ${'x'.repeat(300_000)}`);
  await withGateway(['--dashboard', pages], async (gateway) => {
    const get = async (where) => {
      const answer = await fetch(`${gateway.url}${where}`);
      return [answer.status, answer.headers.get('content-type'), await answer.text()];
    };
    assert.deepEqual(await get('/'), [200, 'text/html; charset=utf-8', '<p>hello']);
    const [status, type, text] = await get('/deep/app.js');
    assert.deepEqual([status, type, text.length], [200, 'text/javascript; charset=utf-8', 300_003]);
    for (const where of ['/.hidden', '/%2e%2e/secret.txt', '/deep', '/deep/', '/..%2fsecret.txt']) assert.equal((await get(where))[0], 404, where);
  });
});

test('TLS: the same books through an encrypted connection, to a slow reader, too', async () => {
  const [certificate, key] = ['cert.pem', 'key.pem'].map((name) => path.join(folder, name));
  const made = run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-keyout', key, '-out', certificate]);
  assert.equal(made.status, 0, made.stderr);
  await onStage(async (stage) => {
    stage.gateway.stream = stage.gateway.stream.replace('ws:', 'wss:');
    const client = await stage.client({ rejectUnauthorized: false });
    const lazy = await stage.client({ rejectUnauthorized: false });
    await client.subscribe('XNAS.*.orderbook');
    await lazy.subscribe('XNAS.>');
    lazy.socket._socket.pause();
    await stage.dayEnds(client);
    lazy.socket._socket.resume();
    await stage.dayEnds(lazy);
    for (const one of [client, lazy]) await stage.everyBookWasTrue(one);
  }, { messages: 12_000, gateway: ['--tls-certificate', certificate, '--tls-key', key, '--client-bytes', '32Ki', '--max-subscriptions', '64'] });
});

test('settings that make no sense are refused, and say which', async () => {
  const nats = await NatsServer.start();
  for (const [settings, words] of [[['--anonymous', 'nonsense'], /--anonymous: 'nonsense'/], [['--address', 'localhost'], /--address 'localhost'/],
    [['--tls-key', 'x'], /--tls-certificate and --tls-key go together/], [['--dashboard', '/nowhere'], /--dashboard: \/nowhere/],
    [['--reconnect-earliest', '9s'], /--reconnect-latest/], [['--tls-certificate', '/no', '--tls-key', '/no'], /--tls-certificate/]]) {
    const gateway = new Program(gatewayProgram, ['--nats', nats.url, '--port', '0', '--max-clients', '100', ...settings]);
    assert.ok([1, 2].includes(await gateway.end()), gateway.stderr);
    assert.match(gateway.stderr, words);
  }
  await nats.stop();
});

// NATS away: the server dies, stalls, or is cut off, under load. Books go on, memory stays bounded, and on return every
// verifying subscriber is right again. How long that took is printed; only generous bounds are asserted.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { levelsOf } from './lib/book.mjs';
import { ReferenceDay, readBinaryFile } from './lib/itch.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, Program, logLines, metricsUrl, simulatedFile, sleep, startIngest, startTickwire, until, watchProgram } from './lib/programs.mjs';
import { scrape } from './lib/prometheus.mjs';
import { Subscriber } from './lib/subscriber.mjs';
import { TcpProxy } from './lib/tcp_proxy.mjs';

const SYMBOLS = 40;
const file = simulatedFile('away', { symbols: SYMBOLS, messages: 900_000, seed: 77 });
const QUOTED = 38; // two of them see no order in the first 200,000 messages
const residentKiB = (program) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))[1]);
const spread = (values) => {
  const sorted = [...values].sort((a, b) => a - b), at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  return `n ${sorted.length}, min ${at(0)}, median ${at(0.5)}, p90 ${at(0.9)}, max ${at(1)} ms`;
};

/** An ingest that hears a simulated day at `rate` messages a second, lossless: what the sockets drop is refilled. */
class Load {
  static async start(nats, { rate = 4000, settings = [] } = {}) {
    const self = new Load(), [line, requests] = [await freePort(), await freePort()];
    self.ingest = await startIngest(nats, ['--source', `udp://239.255.41.20:${line}@127.0.0.1`, '--recovery', `127.0.0.1:${requests}`,
      '--session-date', '2020-01-30', '--silence', '1h', '--gap-deadline', '60s', '--hold-packets', '65536', '--metrics', '0', ...settings]);
    await self.ingest.says(/"listening"/);
    self.metricsUrl = await metricsUrl(self.ingest);
    self.feed = startTickwire('serve-feed', '--source', `file:${file}`, '--to', `udp://239.255.41.20:${line}@127.0.0.1`,
      '--requests', `127.0.0.1:${requests}`, '--rate', `${rate}`, '--wait', '100ms', '--heartbeat', '20ms', '--linger', '1h');
    return self;
  }

  metrics() {
    return scrape(this.metricsUrl);
  }

  /** Ends the feed where it is. The books must then be those of the first messages of the day: returns how many. */
  async endFeed() {
    await this.feed.stop();
    const sent = Number((await this.feed.says(/stopped: (\d+) messages/))[1]);
    let read;
    await until(() => `the ingest to have read all ${sent}, not ${read}`, async () => (read = (await this.metrics()).messages_total) === sent);
    return sent;
  }

  async stop() {
    await this.feed.stop();
    await this.ingest.stop();
  }
}

/** The first `count` messages of the day. */
function referenceDay(count) {
  const day = new ReferenceDay();
  for (const message of readBinaryFile(file).slice(0, count)) day.apply(message);
  return day;
}

/** The books of a day: symbol to "bids | asks". */
function booksOf(day) {
  return new Map([...day.names.values()].map((symbol) => [symbol, `${day.top(symbol, 0, 10)} | ${day.top(symbol, 1, 10)}`]));
}

const referenceBooks = (count) => booksOf(referenceDay(count));

/** Symbols whose books differ. Those that had no order yet may be there, empty, or not. */
const differing = (got, want) => [...want.keys()].filter((symbol) => (got.get(symbol) ?? ' | ') !== want.get(symbol));

/** libtickwire in a process of its own: what it wrote, as objects. */
class Watch {
  static start(url, ...subjects) {
    const self = new Watch();
    self.program = new Program(watchProgram, [url, ...subjects]);
    return self;
  }

  get lines() {
    const text = this.program.stdout;
    return text.slice(0, text.lastIndexOf('\n') + 1).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }

  get states() {
    return this.lines.filter((line) => 'out_of_sync' in line);
  }

  get faults() {
    return this.lines.filter((line) => 'fault' in line);
  }

  /** The first moment at which all its books were right, seen from `ms` on, after so many returns. */
  async isRight({ reconnects = 0, since = 0, books = QUOTED, patience } = {}) {
    const state = await until(() => `every book to be right after ${reconnects} returns; it is ${JSON.stringify(this.states.at(-1))} ${this.program.stderr}`,
      () => this.states.find((line) => line.ms >= since && line.reconnects >= reconnects && line.books >= books && line.out_of_sync + line.not_ok === 0), patience);
    return state.ms;
  }

  /** Its books as "bids | asks" by symbol, as they are now. */
  async books() {
    const tellings = () => this.lines.filter((line) => 'told' in line).length, had = tellings();
    this.program.kill('SIGUSR1');
    await until('its books', () => tellings() > had);
    return new Map(this.lines.filter((line) => 'book' in line).map(({ book, bids, asks }) => [book, `${bids} | ${asks}`])); // the newest of each
  }

  /** Waits until its books are these, and ends it. */
  async endsWith(want) {
    let wrong;
    await until(() => `the books to be right; wrong are ${wrong}`, async () => (wrong = differing(await this.books(), want)).length === 0);
    assert.equal(await this.program.stop(), 0, this.program.stderr);
  }
}

/** Of each symbol with prints told: which came, how many were said to be lost, how many of the day's are due. */
function printAccounts(watch, day) {
  const lines = watch.lines.filter((line) => 'trades' in line);
  return [...day.prints].map(([symbol, prints]) => {
    const told = lines.filter((line) => line.trades === `XNAS.${symbol}.trade`), seqs = told.flatMap((line) => line.seqs);
    // What is lost is counted by the totals, also before the first print that was told: there was a word that there was none yet.
    // ITCH's breaks are not in them.
    const counted = new Set(prints.filter((print) => print.kind !== 'PRINT_BREAK').map((print) => Number(print.seq)));
    const counting = (some) => some.filter((seq) => counted.has(seq)).length;
    const before = told.length ? told[0].total - counting(told[0].seqs) - told[0].missed : 0;
    return { symbol, seqs, came: counting(seqs), lost: told.reduce((sum, line) => sum + line.missed, 0), due: counted.size - before };
  }).filter(({ seqs }) => seqs.length > 0);
}

const busEvents = (ingest, word) => logLines(ingest).filter((line) => Object.values(line).some((value) => word.test(String(value))));
const awayWords = /the bus is away/, backWords = /connected to the bus again/;

/** Nothing in the log but that the bus went and came, and that a busy machine let the process stand still. */
function onlyTheBusWasAway(ingest) {
  const bad = logLines(ingest).filter((line) => /warn|error/i.test(line.level) && line.why !== 'the process stood still' && !Object.values(line).some((value) => awayWords.test(String(value))));
  assert.deepEqual(bad, []);
}

/** What a snapshot of the whole exchange says: symbol to "bids | asks". */
async function publishedBooks(subscriber) {
  const chunks = await subscriber.many('snapshots.XNAS.orderbook', 'SnapshotReply');
  const side = (prices, quantities, orders) => `${levelsOf(prices.map((price, i) => ({ price, quantity: quantities[i], orders: orders[i] })))}`;
  return new Map(chunks.flatMap((chunk) => chunk.books).map((book) => [book.symbol,
    `${side(book.bidPrices, book.bidQuantities, book.bidOrders)} | ${side(book.askPrices, book.askQuantities, book.askOrders)}`]));
}

test('nats-server restarted 20 times under load: every book is right again soon, none is wrong at the end, memory is bounded', async (t) => {
  const nats = await NatsServer.start();
  const load = await Load.start(nats), { ingest } = load;
  const tap = startTickwire('tap', '--url', nats.url, '--verify', '--json', 'XNAS.*.orderbook', 'XNAS.*.orderbook.100ms');
  const watch = Watch.start(nats.url, 'XNAS.*.orderbook');
  const subscriber = await Subscriber.connect(nats, ['XNAS.*.orderbook', 'feed.XNAS.*.status']);
  t.after(() => subscriber.close()); // also after a failure, or nothing would end
  await watch.isRight();
  await sleep(1000);
  const before = residentKiB(ingest), tapBefore = residentKiB(tap), took = [];
  for (let turn = 1; turn <= 20; turn++) {
    await nats.stop();
    await sleep(50 + 37 * (turn % 10)); // from a moment to nearly half a second
    await nats.restart();
    const ready = Date.now();
    took.push(Math.max(0, await watch.isRight({ reconnects: turn }) - ready));
    await sleep(300);
  }
  const messages = (await load.metrics()).messages_total;
  t.diagnostic(`right again after the server was ready: ${spread(took)}; ${messages} messages meanwhile`);
  const [rss, tapRss] = [residentKiB(ingest), residentKiB(tap)];
  t.diagnostic(`resident: ingest ${before} to ${rss} KiB, tap ${tapBefore} to ${tapRss} KiB`);
  assert.ok(Math.max(...took) < 8000, `right again only after ${Math.max(...took)} ms`);
  assert.ok(messages > 10_000, `${messages} messages are no load`);
  // What rests grows with the day (the reference is the same day); a leak per return would add a buffer of 4 MiB each time.
  assert.ok(rss < before + 48 * 1024 && tapRss < tapBefore + 48 * 1024, 'memory grew with the returns');

  const want = referenceBooks(await load.endFeed());
  await until('what is published to be right', async () => differing(await publishedBooks(subscriber), want).length === 0);
  await watch.endsWith(want);
  const metrics = await load.metrics();
  assert.deepEqual([metrics.lost_total, metrics.instruments_not_ok], [0, 0]);
  assert.equal(metrics.bus_reconnects_total, 20);
  assert.deepEqual(subscriber.errors, []);
  assert.ok(subscriber.faults.every((fault) => / held at /.test(fault)), subscriber.faults.find((fault) => !/ held at /.test(fault)));
  assert.ok(subscriber.statuses.every((status) => ['BOOK_OK', 'BOOK_RECOVERING'].includes(status.state)), 'the feed itself was well');
  await nats.isQuiet('tickwire tap');
  tap.kill('SIGINT');
  assert.equal(await tap.end(), 0, tap.stdout + tap.stderr);
  const told = JSON.parse(tap.stdout.trim().split('\n').at(-1));
  assert.deepEqual([told.verified, told.checksum_faults, told.books_out_of_sync, told.reconnects, told.takeovers], ['OK', 0, 0, 20, 0]);
  onlyTheBusWasAway(ingest);
  await load.stop();
  await nats.stop();
});

describe('a server behind a bad wire', () => {
  const withWire = async (t, options, body) => {
    const nats = await NatsServer.start(), wire = await TcpProxy.open(nats.url);
    const load = await Load.start(wire, options), watch = Watch.start(nats.url, 'XNAS.*.orderbook');
    try {
      await watch.isRight();
      await sleep(500);
      await body({ nats, wire, load, watch });
      const count = await load.endFeed();
      await watch.endsWith(referenceBooks(count));
      const metrics = await load.metrics();
      t.diagnostic(`${count} messages, ${metrics.refilled_total} of them refilled, ${metrics.kernel_drops_total} datagrams dropped by the kernel`);
      assert.deepEqual([metrics.lost_total, metrics.instruments_not_ok, metrics.kernel_drops_total], [0, 0, 0]);
      assert.deepEqual(watch.faults.filter((fault) => /checksum|deposed/.test(fault.fault)), []);
    } finally {
      wire.close();
      await load.stop();
      await watch.program.stop();
      await nats.stop();
    }
  };

  /** Samples while `body` runs: what was buffered, how memory and messages went. */
  const sampled = async (load, body) => {
    const samples = [];
    let running = true;
    const sampler = (async () => {
      while (running) {
        const { bus_buffered_bytes: buffered, messages_total: messages, updates_held_back_total: heldBack } = await load.metrics();
        samples.push({ ms: Date.now(), buffered, messages, heldBack, rss: residentKiB(load.ingest) });
        await sleep(50);
      }
    })();
    await body();
    running = false;
    await sampler;
    return { samples, first: samples[0], last: samples.at(-1), most: Math.max(...samples.map((sample) => sample.buffered)) };
  };
  const HIGH_WATER = 256 * 1024;
  // More a second than the kernels along the wire hold: then it is the ingest that has to wait.
  const rate = { rate: 60_000, settings: ['--high-water', '256Ki'] };

  test('it stalls for two seconds: updates merge, no more is buffered than --high-water, the feed is read on, then all is right', async (t) => {
    await withWire(t, rate, async ({ wire, load, watch }) => {
      const { first, last, most } = await sampled(load, async () => {
        wire.stall();
        await sleep(2000);
      });
      wire.mend();
      const mended = Date.now(), right = await watch.isRight({ since: mended }).catch(() => undefined);
      t.diagnostic(`buffered at most ${most} bytes, ${last.messages - first.messages} messages read meanwhile, resident ${first.rss} to ${last.rss} KiB, held back ${last.heldBack - first.heldBack} times${right ? `, right ${right - mended} ms after` : ''}`);
      assert.ok(most > HIGH_WATER / 2, `the wire took it all: ${most} bytes buffered`);
      assert.ok(most < 2 * HIGH_WATER, `${most} bytes buffered`);
      assert.ok(last.heldBack > first.heldBack);
      assert.ok(last.messages - first.messages > 5000, 'the feed was not read');
      assert.ok(last.rss - first.rss < 32 * 1024);
      assert.equal((await load.metrics()).bus_reconnects_total, 0);
    });
  });

  test('it reads slowly: that is no absence, the connection is kept', async (t) => {
    await withWire(t, rate, async ({ wire, load, watch }) => {
      const { first, last, most } = await sampled(load, async () => {
        // The wire's kernel tells the sender of room in steps of a sixteenth of its buffer, which are some 400,000 bytes: slower than this,
        // and on a busy machine the next step would come later than a server that is there may be silent for.
        wire.slow(500_000);
        await sleep(6000);
      });
      wire.mend();
      t.diagnostic(`buffered at most ${most} bytes, ${last.messages - first.messages} messages read meanwhile`);
      assert.ok(most < 2 * HIGH_WATER);
      assert.ok(last.messages - first.messages > 20_000);
      assert.equal((await load.metrics()).bus_reconnects_total, 0);
      await watch.isRight({ since: 0 });
    });
  });

  test('it stalls for long: it is given up, and found again when it goes on', async (t) => {
    await withWire(t, rate, async ({ wire, load, watch }) => {
      const cut = Date.now();
      const { first, last, most } = await sampled(load, async () => {
        wire.stall();
        await load.ingest.says(awayWords);
        t.diagnostic(`given up after ${Date.now() - cut} ms`);
        await sleep(3000); // it tries to connect meanwhile, in vain, up to two seconds a time
      });
      t.diagnostic(`buffered at most ${most} bytes, ${last.messages - first.messages} messages read meanwhile`);
      assert.ok(most < 2 * HIGH_WATER);
      const pauses = busEvents(load.ingest, /silent/);
      assert.ok(pauses.length >= 1, 'the log tells why');
      assert.ok(last.messages - first.messages > 20_000, 'the feed was not read');
      wire.mend();
      const mended = Date.now();
      await load.ingest.says(backWords);
      t.diagnostic(`connected ${Date.now() - mended} ms after`);
      await watch.isRight({ since: mended });
    });
  });

  test('the wire is cut without a word: found out by silence, books go on, right again when it is mended', async (t) => {
    await withWire(t, { rate: 4000 }, async ({ wire, load, watch }) => {
      const cut = Date.now(), { messages_total: before } = await load.metrics();
      wire.swallow();
      await load.ingest.says(awayWords);
      t.diagnostic(`found out after ${Date.now() - cut} ms`);
      assert.ok(Date.now() - cut < 15_000);
      await sleep(500);
      assert.ok((await load.metrics()).messages_total > before);
      wire.mend();
      const mended = Date.now();
      await load.ingest.says(backWords);
      const right = await watch.isRight({ since: mended });
      t.diagnostic(`connected and every book right ${right - mended} ms after the wire was mended`);
      onlyTheBusWasAway(load.ingest);
    });
  });

  test('a subscriber alone is cut off: its books are doubted, asked for and right again; lost prints are told, none is told twice', async (t) => {
    const nats = await NatsServer.start(), wire = await TcpProxy.open(nats.url);
    t.after(() => wire.close());
    const load = await Load.start(nats);
    const watch = Watch.start(wire.url, 'XNAS.*.orderbook', 'XNAS.*.trade', 'XNAS.*.quote');
    await watch.isRight();
    await sleep(1000);
    for (let turn = 1; turn <= 3; turn++) {
      const cut = Date.now();
      wire.swallow();
      await until('the subscriber to find out', () => watch.states.some((line) => line.ms >= cut && line.not_ok >= QUOTED));
      const found = watch.states.find((line) => line.ms >= cut && line.not_ok >= QUOTED).ms;
      wire.mend();
      const mended = Date.now(), right = await watch.isRight({ reconnects: turn });
      t.diagnostic(`found out after ${found - cut} ms, right ${right - mended} ms after the wire was mended`);
      await sleep(500);
    }
    const day = referenceDay(await load.endFeed()), accounts = () => printAccounts(watch, day);
    const open = () => accounts().filter(({ came, lost, due }) => came + lost !== due);
    await until(() => `each print to be told or said to be lost, not ${JSON.stringify(open())}`, () => open().length === 0);
    await watch.endsWith(booksOf(day));
    for (const { symbol, seqs } of accounts()) {
      assert.equal(new Set(seqs).size, seqs.length, `${symbol}: a print twice`);
      assert.ok(seqs.every((seq, i) => i === 0 || seq > seqs[i - 1]), `${symbol}: prints out of order`);
    }
    assert.deepEqual(open(), []);
    const symbols = accounts().length, missed = accounts().reduce((sum, { lost }) => sum + lost, 0);
    t.diagnostic(`${missed} prints lost and told over ${symbols} symbols`);
    assert.ok(missed > 0 && symbols > SYMBOLS / 2);
    const metrics = await load.metrics();
    assert.equal(metrics.bus_reconnects_total, 0);
    await load.stop();
    await nats.stop();
  });
});

test('two servers: when the one dies, ingest and subscribers go on at the other', async (t) => {
  const routes = [await freePort(), await freePort()];
  const cluster = (mine, other) => ({ config: `cluster { name: pair, listen: "127.0.0.1:${routes[mine]}", routes: ["nats://127.0.0.1:${routes[other]}"], no_advertise: true }` });
  const servers = [await NatsServer.start(cluster(0, 1)), await NatsServer.start(cluster(1, 0))];
  const url = servers.map((server) => server.url).join(',');
  const load = await Load.start({ url }), watches = [Watch.start(url, 'XNAS.*.orderbook'), Watch.start(url, 'XNAS.*.orderbook')];
  for (const watch of watches) await watch.isRight();
  const has = async (server, name) => (await server.connections()).some((connection) => connection.name === name);
  const at = await has(servers[0], 'tickwire-ingest') ? 0 : 1;
  for (let turn = 0; turn < 2; turn++) {
    const dying = servers[(at + turn) % 2], before = watches.map((watch) => watch.states.at(-1).reconnects);
    await dying.stop();
    const died = Date.now();
    await until('the ingest to be at the other server', () => busEvents(load.ingest, backWords).length > turn);
    t.diagnostic(`the ingest went on ${Date.now() - died} ms after its server died`);
    await sleep(700);
    for (const watch of watches) await watch.isRight({ since: 0 });
    const moved = watches.map((watch, i) => watch.states.at(-1).reconnects - before[i]);
    t.diagnostic(`subscribers that had to move: ${moved}`);
    await dying.restart();
    await sleep(1500); // the routes form again
  }
  const want = referenceBooks(await load.endFeed());
  for (const watch of watches) await watch.endsWith(want);
  await load.stop();
  for (const server of servers) await server.stop();
});

test('many clients of a server that comes back do not return in the same instant', async (t) => {
  const nats = await NatsServer.start();
  const watches = Array.from({ length: 24 }, () => Watch.start(nats.url, 'XNAS.AAPL.orderbook'));
  const there = async () => (await nats.connections()).filter((connection) => connection.name === 'client watch');
  await until('all to be there', async () => (await there()).length === watches.length);
  await nats.stop();
  await sleep(400);
  await nats.restart();
  await until('all to be back', async () => (await there()).length === watches.length);
  const times = (await there()).map((connection) => Date.parse(connection.start));
  const earliest = Math.min(...times);
  t.diagnostic(`returned after the first: ${spread(times.map((ms) => ms - earliest))}`);
  assert.ok(Math.max(...times) - earliest > 20, 'all within 20 ms');
  assert.ok(new Set(times.map((ms) => Math.floor((ms - earliest) / 10))).size >= 3, 'in fewer than three slices of 10 ms');
  await Promise.all(watches.map((watch) => watch.program.stop()));
  await nats.stop();
});

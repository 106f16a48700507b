// An ingest that is started again: overnight, with another session, and within the day, when it reads the session anew. What
// the one before had published and nobody stands by any more is never shown as live, and what is known is shown again soon.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { connect } from 'nats';
import { levelsOf } from './lib/book.mjs';
import { StreamClient, startGateway } from './lib/gateway.mjs';
import * as itch from './lib/itch.mjs';
import { MoldSender } from './lib/mold_sender.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, Program, build, logged, sleep, startIngest, startTickwire, until, watchProgram } from './lib/programs.mjs';
import { RedisServer } from './lib/redis_server.mjs';
import { encodeAs } from './lib/wire.mjs';

const get = async (gateway, where) => (await fetch(`${gateway.url}${where}`)).json();

/** libtickwire as any program uses it: its books, asked for when a test wants them. */
class Watch {
  constructor(nats, subjects) {
    this.program = new Program(watchProgram, [nats.url, ...subjects]);
  }

  /** { AAPL: [state, bids…] } of now. */
  async books() {
    const before = this.program.stdout.length;
    this.program.kill('SIGUSR1');
    const text = await until('the books of libtickwire', () => {
      const said = this.program.stdout.slice(before);
      return /"told":\d+\}\n/.test(said) && said;
    });
    return Object.fromEntries(text.split('\n').filter((line) => line.startsWith('{"book"')).map((line) => JSON.parse(line))
      .map(({ book, state, bids }) => [book, [['OK', 'CLOSED', 'RECOVERING', 'STALE'][state], ...bids]]));
  }
}

/** A bus, a gateway with a client that wants all, an aggregator and Redis; ingests and exchanges come and go. */
async function stage(t, { jetstream = false } = {}) {
  const nats = await NatsServer.start({ jetstream }), redis = await RedisServer.start();
  const aggregator = new Program(path.join(build, 'publisher/aggregator/tickwire-aggregator'),
    ['--nats', nats.url, '--redis', redis.url, '--expiry', '60s', '--log-format', 'json']);
  await aggregator.says(/"aggregator starts"/);
  const gateway = await startGateway(nats, ['--anonymous', 'XNAS.>,feed.>,agg.>', '--redis', redis.url]);
  const client = await StreamClient.connect(gateway);
  await client.subscribe(['XNAS.*.orderbook', 'XNAS.*.quote', 'XNAS.*.status', 'XNAS.*.trade', 'agg.*.nbbo', 'feed.>']);
  const watch = new Watch(nats, ['XNAS.*.orderbook']);
  const self = { nats, gateway, client, watch, ingest: null, sender: null };
  const pairs = [];
  /** An ingest that listens, and its exchange. */
  self.open = async (date, session, settings = []) => {
    const port = await freePort();
    const ingest = await startIngest(nats, ['--source', `udp://127.0.0.1:${port}`, '--session-date', date, '--silence', '1h', ...settings]);
    await ingest.says(/"listening"/);
    const pair = { ingest, sender: await MoldSender.open(port, { session }) };
    pairs.push(pair);
    return pair;
  };
  self.start = async (date, session) => {
    Object.assign(self, await self.open(date, session));
    await self.ingest.says(/"leads/);
  };
  self.end = (signal) => self.ingest.stop(signal);
  t.after(async () => {
    for (const { ingest, sender } of pairs) {
      await ingest.stop('SIGKILL');
      sender.close();
    }
    await Promise.all([watch.program.stop('SIGKILL'), aggregator.stop('SIGKILL')]);
    assert.equal(await gateway.stop(), 0, gateway.stderr);
    await Promise.all([redis.stop(), nats.stop()]);
  });
  return self;
}

/** What everybody says of a symbol, in one line for each of those who say it. */
async function shownOf({ gateway, client, watch }, symbol) {
  const told = (channel) => client.latest.get(`XNAS.${symbol}.${channel}`);
  const book = await get(gateway, `/v1/book/XNAS/${symbol}`), last = await get(gateway, `/v1/last/XNAS/${symbol}`);
  const streamed = client.books.get(`XNAS.${symbol}.orderbook`), quote = told('quote');
  return {
    library: ((await watch.books())[symbol] ?? []).join(' '),
    stream: [told('orderbook')?.state, ...(streamed ? levelsOf(streamed.bids) : [])].join(' '),
    quote: [quote?.state, quote?.bid?.[0]].filter(Boolean).join(' '),
    status: told('status')?.state,
    http: [book.state, ...(book.bids ?? []).map((level) => level.join(' '))].join(' '),
    last: [last.state, last.bid].filter(Boolean).join(' '),
  };
}

const becomes = (it, symbol, expected) => {
  let shown;
  return until(() => `${symbol} should be ${JSON.stringify(expected)}; it is ${JSON.stringify(shown)}`, async () => {
    shown = await shownOf(it, symbol);
    return Object.entries(expected).every(([who, what]) => what instanceof RegExp ? what.test(shown[who]) : shown[who] === what);
  });
};
const opening = (...symbols) => [itch.system('O'), itch.system('S'), itch.system('Q'),
  ...symbols.flatMap((symbol, i) => [itch.directory(i + 1, symbol), itch.action(i + 1, symbol)])];
const live = (price, quantity) => ({ library: `OK ${price.replace('.', '')} ${quantity} 1`, stream: `OK ${price.replace('.', '')} ${quantity} 1`,
  quote: `OK ${price}`, status: 'OK', http: `OK ${price} ${quantity} 1`, last: `OK ${price}` });
const empty = { library: 'OK', stream: 'OK', quote: 'OK', status: 'OK', http: 'OK', last: 'OK' };
const isNotLive = { library: /^STALE/, stream: /^STALE/, quote: /^STALE/, status: 'STALE', http: /^STALE/, last: /^(?!OK)/ };
const bid = (locate, symbol, id, shares, price) => itch.add(locate, symbol, id, 'B', shares, price);

/** Whatever was asked for at the start has been answered by then, also what nobody had heard: such an answer would put right what is to be seen. */
const settled = () => sleep(2500);

/** `tickwire tap --verify` that hears the feed by now: what is sent from here on reaches it as it is published. */
async function startTap(it) {
  const tap = startTickwire('tap', '--url', it.nats.url, '--verify', '--json', '--print', 'XNAS.>', 'feed.XNAS.*.status');
  await until('the tap to hear the feed', () => tap.stdout.includes('feed.XNAS.1.status'));
  return tap;
}
const summary = (tap) => JSON.parse(tap.stdout.trim().split('\n').at(-1));

test('an ingest that is started again overnight: what the day before left is not live, in any place', async (t) => {
  const it = await stage(t);
  await it.start('2020-01-30', 'DAY1');
  const tap = await startTap(it);
  await it.sender.send(...opening('AAPL', 'MSFT', 'GONE'), bid(1, 'AAPL', 11n, 100, 100_0000), bid(2, 'MSFT', 12n, 200, 200_0000),
    bid(3, 'GONE', 13n, 300, 300_0000));
  await becomes(it, 'MSFT', live('200.0000', 200));
  await becomes(it, 'GONE', live('300.0000', 300));

  await it.end('SIGTERM');
  await it.start('2020-01-31', 'DAY2');
  await it.sender.send(...opening('AAPL'), bid(1, 'AAPL', 11n, 100, 101_0000));
  await becomes(it, 'AAPL', live('101.0000', 100));
  for (const [who, what] of Object.entries(await shownOf(it, 'MSFT'))) assert.doesNotMatch(what, /^OK/, who);
  await becomes(it, 'MSFT', isNotLive);
  await becomes(it, 'GONE', isNotLive);

  // Listed, but nobody has sent an order: a book without levels is what is known of it.
  await it.sender.send(itch.directory(2, 'MSFT'), itch.action(2, 'MSFT'));
  await becomes(it, 'MSFT', empty);
  await it.sender.send(bid(2, 'MSFT', 12n, 200, 202_0000));
  await becomes(it, 'MSFT', live('202.0000', 200));
  await becomes(it, 'GONE', isNotLive);
  assert.equal(await tap.stop('SIGINT'), 0, tap.stdout + tap.stderr);
  assert.deepEqual(it.client.faults, []);
});

test('an ingest that is started again within the day and finds a book empty: nobody keeps the levels from before', async (t) => {
  const it = await stage(t);
  const day = [...opening('AAPL', 'MSFT'), bid(1, 'AAPL', 11n, 100, 100_0000), bid(2, 'MSFT', 12n, 200, 200_0000)];
  await it.start('2020-01-30', 'DAY1');
  const tap = await startTap(it);
  await it.sender.send(...day);
  await becomes(it, 'MSFT', live('200.0000', 200));

  await settled();

  // The order went while nobody listened. All of the day comes in one burst, after which MSFT looks as if nothing had been.
  await it.end('SIGKILL');
  await it.start('2020-01-30', 'DAY1');
  await it.sender.send(...day, itch.remove(2, 12n));
  await becomes(it, 'AAPL', live('100.0000', 100));
  await becomes(it, 'MSFT', empty);
  assert.equal(await tap.stop('SIGINT'), 0, tap.stdout + tap.stderr);
  assert.equal(summary(tap).takeovers, 1);
  assert.deepEqual(it.client.faults, []);
});

test('a book that a restarted ingest does not know is confirmed by nobody: it is not shown as live, and tap --verify fails', async (t) => {
  const it = await stage(t);
  await it.start('2020-01-30', 'DAY1');
  const tap = await startTap(it);
  await it.sender.send(...opening('AAPL', 'MSFT'), bid(1, 'AAPL', 11n, 100, 100_0000), bid(2, 'MSFT', 12n, 200, 200_0000));
  await becomes(it, 'MSFT', live('200.0000', 200));
  await it.end('SIGKILL');
  await it.start('2020-01-30', 'DAY1');
  await it.sender.send(...opening('AAPL'), bid(1, 'AAPL', 11n, 100, 100_0000));
  await becomes(it, 'AAPL', live('100.0000', 100));
  await becomes(it, 'MSFT', { library: /^RECOVERING/, stream: /^RECOVERING/, quote: /^RECOVERING/, status: 'RECOVERING', http: /^RECOVERING/, last: /^(?!OK)/ });
  assert.equal(await tap.stop('SIGINT'), 1, tap.stdout + tap.stderr);
  assert.equal(summary(tap).books_out_of_sync, 1);
});

test('nobody is deposed by what nobody sent: a term that can not be, or the status of another feed than its subject', async (t) => {
  const it = await stage(t);
  await it.start('2020-01-30', 'DAY1');
  await it.sender.send(...opening('AAPL'), bid(1, 'AAPL', 11n, 100, 100_0000));
  await becomes(it, 'AAPL', live('100.0000', 100));
  const stranger = await connect({ servers: it.nats.url });
  const say = (fields) => stranger.publish('feed.XNAS.1.status', encodeAs('FeedStatus',
    { exchange: 'XNAS', partition: 1, epoch: '2020-01-30.DAY1', state: 'BOOK_OK', leader: 'nobody', ...fields }));
  say({ term: 2n ** 62n });
  say({ exchange: 'XBOS', term: 1n });
  say({ partition: 2, term: 1n });
  stranger.publish('XNAS.AAPL.quote', encodeAs('Quote', { exchange: 'XNAS', symbol: 'AAPL', partition: 1, epoch: '2020-01-30.DAY1', term: 2n ** 62n, seq: 99n }));
  await stranger.drain();
  await logged(it.gateway, 'the feed status passed over', (line) => line.message === 'a feed status was passed over');
  await becomes(it, 'AAPL', live('100.0000', 100));
  assert.deepEqual([...it.client.latest.keys()].filter((subject) => subject.startsWith('feed.')), ['feed.XNAS.1.status']);

  await it.end('SIGKILL'); // and its own silence still counts
  await becomes(it, 'AAPL', { library: /^STALE/, stream: /^STALE/, quote: /^STALE/, status: 'STALE', http: /^STALE/, last: /^(?!OK)/ });
  await it.start('2020-01-30', 'DAY1');
  await it.sender.send(...opening('AAPL'), bid(1, 'AAPL', 11n, 100, 100_0000));
  await becomes(it, 'AAPL', live('100.0000', 100));
});

const feedStatus = ({ client }, partition = 1) => client.latest.get(`feed.XNAS.${partition}.status`) ?? {};

// A standby reads in one burst what its leader had published the half of: to it nothing has changed.
for (const behind of [true, false])
  test(`a standby takes over ${behind ? 'behind its leader' : 'before it has read what came last'}: levels that are gone by then are gone for everybody`, async (t) => {
    const it = await stage(t, { jetstream: true });
    const leader = await it.open('2020-01-30', 'DAY1');
    await leader.ingest.says(/"leads/);
    const standby = await it.open('2020-01-30', 'DAY1', ['--standby']);
    const before = opening('AAPL', 'MSFT'), last = [bid(1, 'AAPL', 11n, 100, 100_0000), bid(2, 'MSFT', 12n, 200, 200_0000)];
    for (const { sender } of [leader, standby]) await sender.send(...before);
    await until('the feed at its place', () => feedStatus(it).seq === `${before.length}`);
    await settled();
    await leader.sender.send(...last);
    await becomes(it, 'MSFT', live('200.0000', 200));
    if (behind) await until('a heartbeat with the last message', () => feedStatus(it).seq === `${before.length + last.length}`);
    await leader.ingest.stop('SIGKILL');
    await standby.ingest.says(/"leads/);
    await standby.sender.send(...last, itch.remove(2, 12n));
    await becomes(it, 'AAPL', live('100.0000', 100));
    await becomes(it, 'MSFT', empty);
    assert.deepEqual(it.client.faults, []);
  });

test('a symbol that is in another partition the next day is live again there, whichever leader has the higher term', async (t) => {
  const it = await stage(t);
  const second = await it.open('2020-01-30', 'DAY1', ['--partition', '2', '--partitions', '2']); // so its term is the lower one
  await second.ingest.says(/"leads/);
  const first = await it.open('2020-01-30', 'DAY1', ['--partition', '1', '--partitions', '2']);
  await first.ingest.says(/"leads/);
  await first.sender.send(...opening('MSFT', 'TSLA'), bid(1, 'MSFT', 11n, 200, 200_0000));
  await second.sender.send(...opening('AAPL'), bid(1, 'AAPL', 11n, 100, 100_0000));
  await becomes(it, 'MSFT', live('200.0000', 200));
  await becomes(it, 'AAPL', live('100.0000', 100));
  assert.ok(BigInt(feedStatus(it, 2).term) < BigInt(feedStatus(it, 1).term));

  for (const { sender } of [first, second]) {
    await sender.end();
    Object.assign(sender, { session: 'DAY2', next: 1 });
  }
  const beats = [first, second].map(({ sender }) => sender.beat(100)); // a new session is believed when it is heard of twice
  t.after(() => beats.forEach((beat) => beat.stop()));
  await until('both in the new session', () => [1, 2].every((partition) => /DAY2/.test(feedStatus(it, partition).epoch)));
  await first.sender.send(...opening('TSLA'));
  await second.sender.send(...opening('AAPL', 'MSFT'), bid(2, 'MSFT', 13n, 20, 210_0000));
  await becomes(it, 'MSFT', live('210.0000', 20));
  assert.deepEqual(it.client.faults, []);
});

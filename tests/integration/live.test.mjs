// A line of MoldUDP64 datagrams: the simulator by multicast, and a sender made by hand that leaves holes, comes late,
// falls silent, repeats itself and talks nonsense.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { levelsOf } from './lib/book.mjs';
import * as itch from './lib/itch.mjs';
import { MoldSender } from './lib/mold_sender.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, logged, metricsUrl, simulatedFile, startIngest, startTickwire, tickwire, until } from './lib/programs.mjs';
import { scrape } from './lib/prometheus.mjs';
import { Subscriber } from './lib/subscriber.mjs';
import { decodeAs } from './lib/wire.mjs';

const nats = await NatsServer.start();
const cleanup = [];
after(async () => {
  for (const close of cleanup) await close();
});

/** An ingest that listens, a subscriber of all, and a sender; `settings` on top of patient ones. */
async function line(settings = [], { next = 1, date = '2020-01-30' } = {}) {
  const port = await freePort();
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  const ingest = await startIngest(nats, ['--source', `udp://127.0.0.1:${port}`, '--session-date', date, '--silence', '1h',
    '--metrics', '0', '--burst', '1', ...settings]);
  await ingest.says(/"listening"/);
  const sender = await MoldSender.open(port, { next });
  const self = { port, subscriber, ingest, sender, metrics: async () => scrape(await metricsUrl(ingest)),
    close: async () => {
      sender.close();
      await subscriber.close();
      await ingest.stop();
    } };
  return self;
}
const opening = () => [itch.system('O'), itch.directory(1, 'AAPL'), itch.directory(2, 'MSFT'), itch.action(1, 'AAPL'), itch.action(2, 'MSFT')];
const bids = (subscriber, symbol) => levelsOf(subscriber.book(`XNAS.${symbol}.orderbook`).bids);
const shows = (subscriber, symbol, expected) =>
  until(() => `${symbol} should show ${expected.join(', ')}; it shows ${bids(subscriber, symbol).join(', ')}`,
    () => bids(subscriber, symbol).join() === expected.join());

async function withLine(settings, body, options) {
  const it = await line(settings, options);
  try {
    await body(it);
    assert.deepEqual(it.subscriber.errors, []);
    assert.deepEqual(it.subscriber.faults, []);
  } finally {
    await it.close();
  }
}

test('a simulated day by multicast arrives whole, and its books are those of the same day in a file', async () => {
  const group = '239.255.41.7', port = await freePort();
  const file = simulatedFile('multicast', { symbols: 30, messages: 15_000, seed: 21 });
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  const ingest = await startIngest(nats, ['--source', `udp://${group}:${port}@127.0.0.1`, '--session-date', '2020-01-30', '--silence', '1h']);
  await ingest.says(/"listening"/);
  assert.equal((await subscriber.feedIs({})).cause, 'CAUSE_STARTING');
  const exchange = startTickwire('simulate', '--to', `udp://${group}:${port}@127.0.0.1`, '--symbols', '30', '--messages', '15000',
    '--seed', '21', '--rate', '20k', '--wait', '100ms', '--heartbeat', '20ms', '--session', 'MORNING');
  await subscriber.everythingCame();
  assert.equal(await exchange.end(), 0, exchange.stderr);
  assert.deepEqual(subscriber.errors, []);
  assert.deepEqual(subscriber.faults, []);
  assert.equal(subscriber.feed.epoch, '2020-01-30.MORNING');
  assert.equal(subscriber.feed.messages, 15_000n);
  assert.equal(subscriber.feed.lost, 0n);
  const clock = BigInt(Date.now()) * 1_000_000n;
  for (const [subject, payload] of subscriber.latest) {
    if (subject.startsWith('feed.')) continue;
    assert.ok(payload.publishNs >= payload.receiveNs, `${subject}: published after it was received`);
    assert.ok(clock - payload.receiveNs < 3_600_000_000_000n, `${subject}: received today, by this machine's clock`);
    if (payload.eventNs !== undefined) assert.ok(payload.eventNs < 1_580_500_000_000_000_000n, `${subject}: happened on its own day`);
  }
  for (const symbol of ['AAPL', 'NVDA', 'MSFT', 'BRK.B']) {
    const told = JSON.parse(tickwire('book', '--source', `file:${file}`, '--symbol', symbol, '--json').stdout);
    const book = subscriber.book(`XNAS.${symbol.replace('.', '%2E')}.orderbook`);
    for (const side of ['bids', 'asks'])
      assert.deepEqual(book[side].map((l) => [Number(l.price), `${l.quantity}`, l.orders]),
        told[side].map(([price, quantity, orders]) => [Math.round(Number(price) * 10_000), quantity, orders]), `${symbol} ${side}`);
  }
  await subscriber.close();
  await ingest.stop();
});

test('with --exit-at-end it leaves when the session has ended and all of it is there, not before: exit 0', async () => {
  await withLine(['--exit-at-end', '--gap-deadline', '60s'], async ({ subscriber, sender, ingest }) => {
    await sender.send(...opening());
    const late = sender.withhold(itch.add(1, 'AAPL', 900, 'B', 100, 1_500_000));
    await sender.send(itch.add(1, 'AAPL', 901, 'B', 100, 1_490_000));
    await sender.end();
    await sender.end();
    await subscriber.feedIs({ state: 'BOOK_RECOVERING', cause: 'CAUSE_GAP' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(ingest.child.exitCode, null, 'a message is missing');
    await late();
    await sender.end();
    assert.equal(await ingest.end(), 0, ingest.stderr);
    await subscriber.feedIs({ state: 'BOOK_CLOSED', seq: 7n, lost: 0n });
    await shows(subscriber, 'AAPL', ['1500000 100 1', '1490000 100 1']);
  });
});

test('a start in the middle of a session is RECOVERING, MID_SESSION; what refers to earlier orders does no harm', async () => {
  await withLine([], async ({ subscriber, sender }) => {
    await sender.send(itch.directory(1, 'AAPL'), itch.add(1, 'AAPL', 900, 'B', 100, 1_500_000));
    const feed = await subscriber.feedIs({ state: 'BOOK_RECOVERING', cause: 'CAUSE_MID_SESSION' });
    assert.match(feed.detail, /500/);
    assert.equal(feed.epoch, '2020-01-30.DAY1');
    await sender.send(itch.execute(1, 12, 100, 1), itch.remove(1, 13), itch.cancel(1, 900, 40));
    await shows(subscriber, 'AAPL', ['1500000 60 1']);
    await sender.heartbeat();
    assert.equal((await subscriber.feedIs({ seq: 504n })).state, 'BOOK_RECOVERING');
    await sender.end();
    await subscriber.connection.flush();
    assert.ok(!subscriber.statuses.some((status) => ['BOOK_OK', 'BOOK_CLOSED'].includes(status.state)), 'it never claimed to be whole');
  }, { next: 500 });
});

test('a hole is RECOVERING, GAP with its numbers; the late packet closes it and nothing is lost', async () => {
  await withLine(['--reorder-window', '20ms', '--gap-deadline', '10m'], async ({ subscriber, sender, metrics }) => {
    await sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000));
    await subscriber.feedIs({ state: 'BOOK_OK' });
    await shows(subscriber, 'AAPL', ['1500000 100 1']);
    const deliver = sender.withhold(itch.add(1, 'AAPL', 2, 'B', 200, 1_500_100), itch.cancel(1, 1, 30));
    await sender.send(itch.add(2, 'MSFT', 3, 'B', 300, 900_000));
    const gap = await subscriber.feedIs({ state: 'BOOK_RECOVERING', cause: 'CAUSE_GAP' });
    assert.deepEqual([gap.gapFrom, gap.gapTo, gap.seq, gap.lost], [7n, 8n, 6n, 0n]);
    assert.deepEqual(bids(subscriber, 'MSFT'), [], 'what lies behind the hole waits');
    assert.equal((await metrics()).gaps_total, 1);
    await deliver();
    const healed = await subscriber.feedIs({ state: 'BOOK_OK' });
    assert.deepEqual([healed.gapFrom, healed.gapTo, healed.seq, healed.lost, healed.messages], [0n, 0n, 9n, 0n, 9n]);
    await shows(subscriber, 'AAPL', ['1500100 200 1', '1500000 70 1']);
    await shows(subscriber, 'MSFT', ['900000 300 1']);
    const seen = await metrics();
    assert.deepEqual([seen.lost_total, seen.reordered_total, seen.feed_state, seen.messages_total], [0, 2, 0, 9]);
  });
});

test('packets that only changed places within the window are no gap at all', async () => {
  await withLine(['--reorder-window', '30s', '--gap-deadline', '60s'], async ({ subscriber, sender }) => {
    await sender.send(...opening());
    for (let id = 1; id <= 40; id += 2) {
      const deliver = sender.withhold(itch.add(1, 'AAPL', id, 'B', 100, 1_500_000));
      await sender.send(itch.add(1, 'AAPL', id + 1, 'B', 100, 1_500_000));
      await deliver();
    }
    await shows(subscriber, 'AAPL', ['1500000 4000 40']);
    await subscriber.feedIs({ seq: 45n, state: 'BOOK_OK' });
    assert.ok(!subscriber.statuses.some((status) => status.cause === 'CAUSE_GAP'));
  });
});

test('a gap that is not filled is RECOVERING until the deadline, then STALE, GAP_NOT_FILLED; the rest goes on', async () => {
  await withLine(['--reorder-window', '20ms', '--gap-deadline', '1500ms'], async ({ subscriber, sender, ingest, metrics }) => {
    await sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000));
    await shows(subscriber, 'AAPL', ['1500000 100 1']);
    const deliver = sender.withhold(itch.add(1, 'AAPL', 2, 'B', 200, 1_500_100), itch.add(1, 'AAPL', 4, 'B', 1, 1_500_200));
    await sender.send(itch.add(2, 'MSFT', 3, 'B', 300, 900_000));
    await subscriber.feedIs({ state: 'BOOK_RECOVERING', cause: 'CAUSE_GAP', gapFrom: 7n, gapTo: 8n });
    const given = await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_GAP_NOT_FILLED' });
    assert.equal(given.lost, 2n);
    assert.match(given.detail, /\b2\b.*\b7\b/);
    await shows(subscriber, 'MSFT', ['900000 300 1']);
    await deliver(); // too late
    await sender.send(itch.add(1, 'AAPL', 5, 'B', 500, 1_499_900));
    await shows(subscriber, 'AAPL', ['1500000 100 1', '1499900 500 1']);
    assert.equal((await subscriber.feedIs({ seq: 10n })).state, 'BOOK_STALE', 'it stays stale for the session');
    await logged(ingest, 'the loss', (entry) => Object.values(entry).includes('messages lost') && entry.from === 7 && entry.count === 2);
    assert.equal((await metrics()).lost_total, 2);
    assert.equal((await metrics()).feed_state, 3);
  });
});

test('silence is STALE, LINE_SILENT; a heartbeat brings the books back, and heartbeats keep them', async () => {
  await withLine(['--silence', '1s'], async ({ subscriber, sender }) => {
    await sender.send(...opening());
    await subscriber.feedIs({ state: 'BOOK_OK' });
    await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_LINE_SILENT' });
    await sender.heartbeat();
    await subscriber.feedIs({ state: 'BOOK_OK' });
    for (let tries = 1; ; tries++) { // this machine may itself be too busy to send in time: then once more
      const from = subscriber.statuses.length, beat = sender.beat(50);
      await until('two seconds of heartbeats', () => beat.gaps.reduce((sum, gap) => sum + gap, 0) > 2000);
      beat.stop();
      const stale = subscriber.statuses.slice(from).filter((status) => status.state !== 'BOOK_OK');
      if (stale.length === 0) break;
      assert.ok(Math.max(...beat.gaps) > 300 && tries < 5, `STALE between heartbeats at most ${Math.max(...beat.gaps)} ms apart`);
      await sender.heartbeat();
      await subscriber.feedIs({ state: 'BOOK_OK' });
    }
  });
});

test('a heartbeat that names a later number than the last message is a hole, too', async () => {
  await withLine(['--reorder-window', '20ms', '--gap-deadline', '10m'], async ({ subscriber, sender }) => {
    await sender.send(...opening());
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 5n });
    const deliver = sender.withhold(itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000));
    await sender.heartbeat();
    await subscriber.feedIs({ state: 'BOOK_RECOVERING', cause: 'CAUSE_GAP', gapFrom: 6n, gapTo: 6n });
    await deliver();
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 6n });
    await shows(subscriber, 'AAPL', ['1500000 100 1']);
  });
});

test('a session ends CLOSED, the next is the next trading day: new epoch, empty books, locate codes learned again', async () => {
  await withLine(['--silence', '1s'], async ({ subscriber, sender }) => {
    const ask = async (symbol) => decodeAs('SnapshotReply',
      (await subscriber.connection.request(`snapshot.XNAS.${symbol}.orderbook`, new Uint8Array(), { timeout: 5000 })).data);
    const beat = sender.beat(50);
    await sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000), itch.add(2, 'MSFT', 2, 'B', 50, 900_000));
    await shows(subscriber, 'MSFT', ['900000 50 1']);
    beat.stop();
    await sender.end();
    const closed = await subscriber.feedIs({ state: 'BOOK_CLOSED', cause: 'CAUSE_END_OF_SESSION' });
    assert.equal(closed.epoch, '2020-01-30.DAY1');
    assert.equal((await ask('AAPL')).books[0].bidPrices[0], 1_500_000n, 'a closed day is still served');
    const before = subscriber.count;

    Object.assign(sender, { session: 'DAY2', next: 1 });
    const again = sender.beat(50);
    await sender.send(itch.system('O'), itch.directory(1, 'MSFT'), itch.directory(2, 'NVDA'));
    const next = await subscriber.feedIs({ epoch: '2020-01-31.DAY2', seq: 3n });
    assert.equal(next.state, 'BOOK_OK');
    assert.deepEqual([next.messages, next.instruments], [3n, 2]);
    assert.equal((await ask('AAPL')).code, 'REPLY_NOT_FOUND', 'not listed today');
    const empty = await ask('MSFT');
    assert.equal(empty.code, 'REPLY_OK');
    assert.equal(empty.books[0].bidPrices.length, 0, 'yesterday\'s orders are gone');
    await sender.send(itch.add(1, 'MSFT', 1, 'B', 70, 910_000), itch.execute(1, 1, 20, 1));
    await shows(subscriber, 'MSFT', ['910000 50 1']);
    assert.deepEqual(bids(subscriber, 'AAPL'), ['1500000 100 1'], 'nothing was published on yesterday\'s owner of the locate code');
    const latest = subscriber.latest.get('XNAS.MSFT.orderbook');
    assert.equal(latest.epoch, '2020-01-31.DAY2');
    assert.equal(latest.eventNs / 86_400_000_000_000n, BigInt(Date.UTC(2020, 0, 31)) / 86_400_000n, 'times count from the new day');
    assert.ok(subscriber.count > before);
    again.stop();
    await sender.end();
    await subscriber.feedIs({ state: 'BOOK_CLOSED', epoch: '2020-01-31.DAY2' });

    Object.assign(sender, { session: 'DAY3', next: 1 });
    const third = sender.beat(50);
    await sender.send(itch.system('O'), itch.directory(9, 'MSFT'));
    await subscriber.feedIs({ epoch: '2020-02-03.DAY3', state: 'BOOK_OK' }); // a Monday
    third.stop();
  });
});

test('a new session replaces an old one that never said its end', async () => {
  await withLine([], async ({ subscriber, sender }) => {
    await sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000));
    await shows(subscriber, 'AAPL', ['1500000 100 1']);
    sender.withhold(itch.add(1, 'AAPL', 2, 'B', 100, 1_500_000));
    await sender.send(itch.add(1, 'AAPL', 3, 'B', 100, 1_500_000)); // held behind a hole when the day turns
    Object.assign(sender, { session: 'DAY2', next: 1 });
    await sender.send(...opening()); // one packet could be a damaged one: the next confirms it
    await sender.send(itch.add(1, 'AAPL', 7, 'B', 5, 1_600_000));
    await subscriber.feedIs({ epoch: '2020-01-31.DAY2', state: 'BOOK_OK', seq: 6n, lost: 0n });
    await shows(subscriber, 'AAPL', ['1600000 5 1']);
  });
});

test('a late packet of the session before does not end the one that runs', async () => {
  await withLine([], async ({ subscriber, sender }) => {
    await sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000));
    await shows(subscriber, 'AAPL', ['1500000 100 1']);
    Object.assign(sender, { session: 'DAY2', next: 1 });
    await sender.send(...opening());
    await sender.send(itch.add(1, 'AAPL', 7, 'B', 5, 1_600_000));
    await shows(subscriber, 'AAPL', ['1600000 5 1']);
    await sender.raw(itch.packet('DAY1', 7, [itch.add(1, 'AAPL', 2, 'B', 9, 1_500_000)]));
    await sender.raw(itch.packet('DAY1', 8, [itch.add(1, 'AAPL', 3, 'B', 9, 1_500_000)]));
    await sender.send(itch.add(1, 'AAPL', 8, 'B', 6, 1_600_000));
    await shows(subscriber, 'AAPL', ['1600000 11 2']);
    assert.equal(subscriber.feed.epoch, '2020-01-31.DAY2');
    assert.equal(subscriber.feed.state, 'BOOK_OK');
  });
});

test('duplicates change nothing and are counted, in whole packets and in parts of them', async () => {
  await withLine([], async ({ subscriber, sender, metrics }) => {
    const day = [...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000), itch.add(1, 'AAPL', 2, 'B', 50, 1_500_000)];
    await sender.send(...day);
    await shows(subscriber, 'AAPL', ['1500000 150 2']);
    await sender.raw(itch.packet('DAY1', 1, day));
    await sender.raw(itch.packet('DAY1', 7, [day[6], itch.execute(1, 1, 30, 1)])); // 7 again, 8 is new
    sender.next = 9;
    await shows(subscriber, 'AAPL', ['1500000 120 2']);
    await sender.send(itch.add(1, 'AAPL', 4, 'B', 1, 1_400_000));
    await shows(subscriber, 'AAPL', ['1500000 120 2', '1400000 1 1']);
    assert.equal(subscriber.feed.state, 'BOOK_OK');
    const seen = await metrics();
    assert.deepEqual([seen.duplicates_total, seen.messages_total, seen.lost_total], [8, 9, 0]);
    assert.equal(subscriber.latest.get('XNAS.AAPL.trade').volume, 30n);
  });
});

test('a dead feed is STALE, LINE_SILENT, whatever else comes to its port: noise, foreign sessions, jumps nobody confirms', async () => {
  await withLine(['--silence', '1s'], async ({ subscriber, sender, metrics }) => {
    await sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000));
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 6n });
    let sent = 0;
    const noise = setInterval(() => {
      const others = [Buffer.from([0]), Buffer.from('hello'), itch.heartbeat(`OTHER${sent}`, 1), itch.packet('DAY1', 1_000_000 + 5000 * sent, [itch.system('O')]),
        itch.packet('DAY1', 1, [itch.system('O')])];
      sender.raw(others[sent++ % others.length]).catch(() => {});
    }, 20);
    await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_LINE_SILENT' });
    const from = subscriber.statuses.length, enough = sent + 100;
    await until('another hundred packets of noise', () => sent > enough);
    clearInterval(noise);
    assert.ok(subscriber.statuses.slice(from).every((status) => status.state === 'BOOK_STALE'), 'it stays STALE');
    assert.equal((await metrics()).feed_state, 3);
  });
});

test('a stray end of the session closes nothing, one that data follows is undone, and a later death shows', async () => {
  await withLine(['--silence', '1s'], async ({ subscriber, sender, ingest }) => {
    const beat = sender.beat(50);
    await sender.send(...opening());
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 5n });
    await sender.raw(itch.endOfSession('DAY1', 2));
    await logged(ingest, 'the stray end', (entry) => Object.values(entry).includes('an end of the session below what has come was passed over') && entry.seq === 2);
    await sender.send(itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000));
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 6n });
    assert.ok(!subscriber.statuses.some((status) => status.state === 'BOOK_CLOSED'));
    await sender.end();
    await subscriber.feedIs({ state: 'BOOK_CLOSED' });
    await sender.send(itch.add(1, 'AAPL', 2, 'B', 50, 1_500_000));
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 7n });
    beat.stop();
    await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_LINE_SILENT' });
  });
});

test('jumbo packets that changed places are put in order like small ones', async () => {
  await withLine(['--reorder-window', '30s', '--gap-deadline', '60s', '--hold-packets', '16'], async ({ subscriber, sender, metrics }) => {
    await sender.send(...opening());
    let id = 0;
    const jumbo = (count) => Array.from({ length: count }, () => itch.add(1, 'AAPL', ++id, 'B', 1, 1_500_000));
    for (const count of [220, 235]) { // 9 kB, as far as jumbo frames go
      const deliver = sender.withhold(...jumbo(1));
      const second = sender.withhold(...jumbo(200));
      await sender.send(...jumbo(count));
      await second();
      await deliver();
      await shows(subscriber, 'AAPL', [`1500000 ${id} ${id}`]);
    }
    await subscriber.feedIs({ state: 'BOOK_OK', lost: 0n });
    assert.equal((await metrics()).lost_total, 0);
  });
});

test('a session whose numbers begin again is STALE, INCONSISTENT, and not mixed; the next session heals it', async () => {
  await withLine([], async ({ subscriber, sender, ingest }) => {
    await sender.send(...opening());
    for (let id = 1; id <= 20; id++) await sender.send(itch.add(1, 'AAPL', id, 'B', 100, 1_500_000));
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 25n });
    await new Promise((resolve) => setTimeout(resolve, 400)); // the sender is away
    sender.next = 1;
    await sender.send(...opening());
    for (let id = 1; id <= 40; id++) await sender.send(itch.add(2, 'MSFT', id, 'B', 7, 900_000));
    const told = await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_INCONSISTENT' });
    assert.match(told.detail, /began again: 26 was next/);
    assert.equal(told.seq, 25n);
    assert.deepEqual(bids(subscriber, 'MSFT'), []);
    await logged(ingest, 'the cause', (entry) => entry.cause === 'INCONSISTENT' && /began again/.test(entry.detail));
    Object.assign(sender, { session: 'DAY2', next: 1 });
    await sender.send(...opening());
    await sender.send(itch.add(2, 'MSFT', 1, 'B', 7, 900_000));
    await subscriber.feedIs({ state: 'BOOK_OK', epoch: '2020-01-31.DAY2', seq: 6n });
    await shows(subscriber, 'MSFT', ['900000 7 1']);
  });
});

test('two packets that agree on a number that cannot be lose nothing', async () => {
  await withLine(['--reorder-window', '20ms', '--gap-deadline', '50ms'], async ({ subscriber, sender, ingest, metrics }) => {
    await sender.send(...opening());
    for (const last of [500n, 499n]) await sender.raw(itch.packet('DAY1', 0xffff_ffff_ffff_ffffn - last, [itch.system('O')]));
    await logged(ingest, 'them', (entry) => Object.values(entry).includes('packets with numbers that can\'t be were passed over'));
    await sender.send(itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000));
    await shows(subscriber, 'AAPL', ['1500000 100 1']);
    await subscriber.feedIs({ state: 'BOOK_OK', lost: 0n, seq: 6n });
    assert.equal((await metrics()).lost_total, 0);
  });
});

describe('nonsense', () => {
  test('packets that are not MoldUDP64 are counted and told with the offset of the fault; the line goes on', async () => {
    await withLine(['--reorder-window', '10s', '--gap-deadline', '20s'], async ({ subscriber, sender, ingest, metrics }) => {
      await sender.send(...opening());
      const good = itch.packet('DAY1', 6, [itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000)]);
      const bad = [Buffer.alloc(0), Buffer.from('hello'), good.subarray(0, 19), good.subarray(0, 21), good.subarray(0, good.length - 1),
        Buffer.concat([good, Buffer.from([0])]), itch.packet('DAY1', 6, [itch.system('O')], 3), itch.packet('DAY1', 0, [itch.system('O')]),
        Buffer.alloc(20_000, 0x41), itch.packet('DAY1', 6, Array.from({ length: 1400 }, (_, i) => itch.add(1, 'AAPL', 1000 + i, 'B', 1, 1_500_000)))];
      for (const bytes of bad) await sender.raw(bytes);
      await sender.raw(good);
      sender.next = 7;
      await shows(subscriber, 'AAPL', ['1500000 100 1']);
      await subscriber.feedIs({ state: 'BOOK_OK', seq: 6n });
      const seen = await metrics();
      assert.equal(seen.packets_malformed_total, bad.length);
      assert.deepEqual([seen.messages_total, seen.lost_total], [6, 0]);
      await logged(ingest, 'the offset', (entry) => Object.values(entry).includes('a packet was passed over') && entry.offset !== undefined);
    });
  });

  test('a message type that the specification does not have is passed over and counted; every book stays right', async () => {
    await withLine([], async ({ subscriber, sender, metrics }) => {
      await sender.send(...opening(), itch.unknownType(1), itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000), Buffer.alloc(0));
      await shows(subscriber, 'AAPL', ['1500000 100 1']);
      const feed = await subscriber.feedIs((status) => status.seq >= 7n);
      assert.equal(feed.instrumentsNotOk, 0);
      assert.ok((await metrics()).messages_unknown_type_total >= 1);
    });
  });

  test('a message of a wrong length makes the book that it names STALE, MALFORMED, and no other', async () => {
    await withLine([], async ({ subscriber, sender, ingest, metrics }) => {
      await sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000), itch.add(2, 'MSFT', 2, 'B', 5, 900_000));
      await shows(subscriber, 'MSFT', ['900000 5 1']);
      await sender.send(itch.add(1, 'AAPL', 3, 'B', 100, 1_500_100).subarray(0, 30), itch.add(2, 'MSFT', 4, 'B', 7, 900_000));
      await shows(subscriber, 'MSFT', ['900000 12 2']);
      const told = await until('the state of AAPL', () => {
        const update = subscriber.latest.get('XNAS.AAPL.orderbook');
        return update.state === 'BOOK_STALE' && update;
      });
      assert.equal(told.cause, 'CAUSE_MALFORMED');
      assert.equal(subscriber.latest.get('XNAS.AAPL.quote').state, 'BOOK_STALE');
      assert.equal(subscriber.latest.get('XNAS.AAPL.status').state, 'BOOK_STALE');
      assert.equal(subscriber.latest.get('XNAS.MSFT.orderbook').state, 'BOOK_OK');
      const feed = await subscriber.feedIs({ seq: 9n });
      assert.deepEqual([feed.state, feed.instrumentsNotOk], ['BOOK_OK', 1]);
      assert.equal((await metrics()).messages_malformed_total, 1);
      await logged(ingest, 'the message', (entry) => Object.values(entry).includes('a message was passed over') && entry.seq === 8 && entry.length === 30);
      const directory = (await subscriber.instruments(['AAPL'])).flatMap((chunk) => chunk.instruments);
      assert.deepEqual([directory[0].state, directory[0].cause], ['BOOK_STALE', 'CAUSE_MALFORMED']);
    });
  });

  test('a message of a wrong length that names no known instrument makes the whole feed STALE, MALFORMED', async () => {
    await withLine([], async ({ subscriber, sender }) => {
      await sender.send(...opening(), itch.add(77, 'ZZZ', 3, 'B', 100, 1_500_100).subarray(0, 30));
      await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_MALFORMED' });
      await sender.send(itch.add(2, 'MSFT', 4, 'B', 7, 900_000));
      await shows(subscriber, 'MSFT', ['900000 7 1']);
    });
  });

  test('messages about orders never seen, too many shares or a known id make one book STALE, and never crash', async () => {
    for (const [cause, ...messages] of [
      ['CAUSE_UNKNOWN_ORDER', itch.execute(1, 999, 10, 1)],
      ['CAUSE_INCONSISTENT', itch.execute(1, 1, 101, 1)],
      ['CAUSE_INCONSISTENT', itch.add(1, 'AAPL', 1, 'B', 10, 1_600_000)],
      ['CAUSE_INCONSISTENT', itch.cancel(1, 1, 4_000_000_000)]]) {
      await withLine([], async ({ subscriber, sender }) => {
        await sender.send(...opening(), itch.add(1, 'AAPL', 1, 'B', 100, 1_500_000), ...messages, itch.add(2, 'MSFT', 4, 'B', 7, 900_000));
        await shows(subscriber, 'MSFT', ['900000 7 1']);
        const told = await until(`${cause} on AAPL`, () => {
          const update = subscriber.latest.get('XNAS.AAPL.orderbook');
          return update?.state === 'BOOK_STALE' && update;
        });
        assert.equal(told.cause, cause);
        assert.equal(subscriber.latest.get('XNAS.MSFT.orderbook').state, 'BOOK_OK');
      });
    }
  });

  test('ten thousand packets of noise between good ones change nothing', async () => {
    await withLine(['--reorder-window', '10s', '--gap-deadline', '20s'], async ({ subscriber, sender, metrics }) => {
      await sender.send(...opening());
      let state = 0x2545f491; // xorshift: the same noise each time
      const random = () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return state >>> 0;
      };
      for (let i = 0; i < 10_000; i++) {
        const noise = Buffer.alloc(random() % 64);
        for (let at = 0; at < noise.length; at++) noise[at] = random();
        if (noise.length > 20) noise.writeUInt16BE(1 + random() % 3, 18); // a count that its bytes do not bear out
        if (noise.length > 22) noise.writeUInt16BE(noise.length, 20);
        if (noise.length === 20) continue; // would be a session of its own
        await sender.raw(noise);
        if (i % 100 === 0) await sender.send(itch.add(1, 'AAPL', i + 1, 'B', 1, 1_500_000));
      }
      await shows(subscriber, 'AAPL', ['1500000 100 100']);
      await subscriber.feedIs({ state: 'BOOK_OK' });
      assert.ok((await metrics()).packets_malformed_total > 1000);
    });
  });
});

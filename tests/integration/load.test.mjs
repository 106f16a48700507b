// What the ingest does as load comes and goes: drops are seen and told as loss, the receive buffer and the limit of
// merging move within their bounds and say so, and a loop that never sleeps gives the same books.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { levelsOf } from './lib/book.mjs';
import * as itch from './lib/itch.mjs';
import { MoldSender } from './lib/mold_sender.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, logLines, metricsUrl, startIngest, until } from './lib/programs.mjs';
import { scrape } from './lib/prometheus.mjs';
import { Subscriber } from './lib/subscriber.mjs';

const nats = await NatsServer.start();
after(() => nats.stop());

/** An ingest that listens, a subscriber of all, a sender; they end with the test's body. */
async function withLine(settings, body) {
  const port = await freePort();
  const subscriber = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  const ingest = await startIngest(nats, ['--source', `udp://127.0.0.1:${port}`, '--session-date', '2020-01-30', '--silence', '1h',
    '--metrics', '0', '--no-tier-100ms', '--no-tier-1s', ...settings]);
  await ingest.says(/"listening"/);
  const sender = await MoldSender.open(port);
  try {
    await body({ subscriber, ingest, sender, metrics: async () => scrape(await metricsUrl(ingest)) });
    assert.deepEqual(subscriber.errors, []);
    assert.deepEqual(subscriber.faults, []);
  } finally {
    ingest.kill('SIGCONT');
    sender.close();
    await subscriber.close();
    await ingest.stop();
  }
}

/** What the log says under this message, by fields. */
const told = (ingest, message) => logLines(ingest).filter((entry) => Object.values(entry).includes(message));
const opening = [itch.system('O'), itch.directory(1, 'AAPL'), itch.action(1, 'AAPL')];
const order = (id) => itch.add(1, 'AAPL', id, 'B', 100, 1_500_000);

/** Sends orders `first` to `last`, one a packet, while the ingest stands still. */
async function whileStopped(ingest, sender, first, last) {
  await ingest.freeze();
  for (let id = first; id <= last; id++) await sender.send(order(id));
  ingest.kill('SIGCONT');
}

test('packets that the kernel drops are loss of the line, told in its status, in metrics and in the log, and the buffer grows', async () => {
  await withLine(['--receive-buffer', '8Ki', '--receive-buffer-max', '1Mi', '--gap-deadline', '100ms'], async ({ subscriber, ingest, sender, metrics }) => {
    await sender.send(...opening);
    await subscriber.feedIs({ state: 'BOOK_OK', seq: 3n });
    const before = await metrics();
    assert.equal(before.line_kernel_drops_total, 0);
    assert.equal(before.line_receive_buffer_changes_total, 0);

    await whileStopped(ingest, sender, 1, 400);
    // told without another packet: the socket's own count is looked at
    const warned = await until('a warning of drops', () => told(ingest, 'the kernel dropped packets: the socket buffer was full')[0]);
    assert.equal(warned.line, 'A');
    assert.ok(warned.dropped > 0 && warned.dropped < 400, `${warned.dropped} dropped`);
    await until('the socket to be empty again', async () => {
      const now = await metrics();
      return now.line_messages_total + now.line_kernel_drops_total === 403;
    });
    await sender.heartbeat(); // shows what was lost at the end, too
    await subscriber.feedIs({ state: 'BOOK_STALE', cause: 'CAUSE_GAP_NOT_FILLED' });
    await subscriber.feedIs((feed) => feed.messages + feed.lost === 403n);

    const status = await until('a LineStatus with the loss', () => {
      const newest = subscriber.lines.get('A');
      return newest?.kernelDrops > 0n && newest.lost + newest.messages === 403n && newest;
    });
    assert.ok(status.kernelDrops >= BigInt(warned.dropped_in_all));
    assert.equal(status.lost, status.kernelDrops, 'one message a packet: what the kernel dropped is what the line lost');
    const seen = await metrics();
    assert.equal(seen.line_kernel_drops_total, Number(status.kernelDrops));
    assert.equal(seen.line_losses_total, Number(status.lost));
    assert.equal(seen.kernel_drops_total, Number(status.kernelDrops));
    assert.equal(seen.lost_total, Number(status.lost));

    assert.ok(seen.line_receive_buffer_changes_total >= 1);
    assert.ok(seen.line_receive_buffer_bytes > before.line_receive_buffer_bytes);
    const grown = await until('each growth in the log', () => {
      const lines = told(ingest, 'the receive buffer has grown');
      return lines.length >= seen.line_receive_buffer_changes_total && lines;
    });
    assert.equal(grown.length, seen.line_receive_buffer_changes_total);
    assert.equal(grown[0].from_bytes, before.line_receive_buffer_bytes);
    assert.equal(grown.at(-1).to_bytes, seen.line_receive_buffer_bytes);
  });
});

test('the receive buffer stops growing at its bound', async () => {
  await withLine(['--receive-buffer', '8Ki', '--receive-buffer-max', '32Ki', '--gap-deadline', '20ms'], async ({ ingest, sender, metrics, subscriber }) => {
    await sender.send(...opening);
    await subscriber.feedIs({ seq: 3n });
    for (let round = 0; round < 6; round++) {
      await whileStopped(ingest, sender, round * 400 + 1, round * 400 + 400);
      const beat = sender.beat(20); // the first ones may find no room either
      await subscriber.feedIs((feed) => feed.messages + feed.lost === BigInt(sender.next - 1));
      beat.stop();
    }
    const seen = await metrics();
    assert.equal(seen.line_receive_buffer_changes_total, 2, '8Ki, 16Ki, 32Ki');
    assert.equal(seen.line_receive_buffer_bytes, 64 * 1024, 'twice what was asked, as the kernel counts');
  });
});

test('light load is not merged; behind, the limit grows and merges; calm again, it returns', async () => {
  await withLine(['--burst-min', '2', '--burst', '64'], async ({ subscriber, ingest, sender, metrics }) => {
    await sender.send(...opening);
    await subscriber.feedIs({ seq: 3n });
    assert.equal((await metrics()).burst_limit, 2);
    const early = subscriber.counts.orderbook ?? 0;
    for (let id = 1; id <= 20; id += 2) await sender.send(order(id), order(id + 1)); // two messages may share an update
    await until('ten updates or more', () => subscriber.book('XNAS.AAPL.orderbook').seq === 23n);
    assert.ok(subscriber.counts.orderbook - early >= 10, `${subscriber.counts.orderbook - early} updates`);

    const before = subscriber.counts.orderbook;
    await whileStopped(ingest, sender, 21, 1020);
    await until('all thousand orders', () => levelsOf(subscriber.book('XNAS.AAPL.orderbook').bids)[0] === '1500000 102000 1020');
    const updates = subscriber.counts.orderbook - before;
    assert.ok(updates < 500 && updates >= 1000 / 64, `1,000 messages became ${updates} updates; two merged into each would be 500`);
    const behind = await metrics();
    assert.ok(behind.burst_limit_changes_total >= 2);
    await sender.send(order(1021));
    await until('the limit to return', async () => {
      await sender.send(order(sender.next));
      return (await metrics()).burst_limit === 2;
    });
  });
});

test('--burst bounds --burst-min: with 1 every message is published on its own however late it is', async () => {
  await withLine(['--burst', '1'], async ({ subscriber, ingest, sender, metrics }) => {
    await sender.send(...opening);
    await subscriber.feedIs({ seq: 3n });
    const before = subscriber.counts.orderbook ?? 0;
    await whileStopped(ingest, sender, 1, 300);
    await until('the last order', () => levelsOf(subscriber.book('XNAS.AAPL.orderbook').bids)[0] === '1500000 30000 300');
    assert.equal(subscriber.counts.orderbook - before, 300);
    assert.equal((await metrics()).burst_limit_changes_total, 0);
  });
});

test('a loop that never sleeps gives the same books, serves requests, and leaves when told', async () => {
  await withLine(['--busy-poll'], async ({ subscriber, ingest, sender, metrics }) => {
    await sender.send(...opening);
    for (let id = 1; id <= 200; id++) await sender.send(order(id));
    await until('all orders', () => levelsOf(subscriber.book('XNAS.AAPL.orderbook').bids)[0] === '1500000 20000 200');
    const snapshot = await subscriber.snapshot('XNAS.AAPL.orderbook');
    assert.equal(snapshot.code, 'REPLY_OK');
    assert.equal(snapshot.books[0].bidQuantities[0], 20_000n);
    assert.equal((await metrics()).messages_total, 203);
    await sender.end();
    await subscriber.feedIs({ state: 'BOOK_CLOSED' });
    assert.equal(await ingest.stop(), 0);
  });
});

test('hops of the path are shown, and together they are the way from the packet to the bus', async () => {
  await withLine([], async ({ subscriber, sender, ingest }) => {
    await sender.send(...opening);
    for (let id = 1; id <= 50; id++) await sender.send(order(id));
    await until('all orders', () => levelsOf(subscriber.book('XNAS.AAPL.orderbook').bids)[0] === '1500000 5000 50');
    const text = await (await fetch(`${await metricsUrl(ingest)}/metrics`)).text();
    const count = (hop) => Number(new RegExp(`^tickwire_ingest_hop_seconds_count\\{.*hop="${hop}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
    assert.ok(count('receive') >= 1, text);
    for (const hop of ['apply', 'encode', 'write']) assert.equal(count(hop), count('receive'), hop);
  });
});

// Where the venue's journal is kept: what an operator sets of its streams stays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Matcher, startVenue } from './lib/venue.mjs';

const HOUR_NS = 3_600_000_000_000;

test('what an operator has set of a stream stays; what would lose a message is put right, and said', async () => {
  const { server, desk } = await startVenue();
  const { streams } = await desk.connection.jetstreamManager();
  const config = async (word) => (await streams.info(`TWEX-${word}-1`)).config;
  // made by hand before the first start: not as a journal must be
  await streams.add({ name: 'TWEX-execlog-1', subjects: ['execlog.TWEX.1'], max_age: HOUR_NS, max_bytes: 1 << 26, max_msgs_per_subject: 9,
    description: 'ours', duplicate_window: 30_000_000_000 });
  let matcher = await Matcher.start(server);
  await matcher.leads();
  assert.match(matcher.program.stderr, /was changed name="?TWEX-execlog-1.*max_age: 3600000000000 -> 0/);
  assert.match(matcher.program.stderr, /was changed name="?TWEX-execlog-1.*discard: old -> new.*max_msgs_per_subject: 9 -> -1.*deny_delete: false -> true/);
  const execlog = await config('execlog');
  assert.deepEqual([execlog.max_age, execlog.discard, execlog.max_msgs_per_subject, execlog.deny_delete], [0, 'new', -1, true]);
  assert.deepEqual([execlog.max_bytes, execlog.description, execlog.duplicate_window], [1 << 26, 'ours', 30_000_000_000]);
  await matcher.program.stop();

  await streams.update('TWEX-orders-1', { max_bytes: 1 << 25, max_msgs: 1_000_000, description: 'mine', max_age: HOUR_NS, subjects: ['orders.TWEX.1.>'] });
  await streams.update('TWEX-snapshots-1', { max_bytes: 1 << 24 });
  matcher = await Matcher.start(server);
  await matcher.leads();
  assert.match(matcher.program.stderr, /was changed name="?TWEX-orders-1.*subjects: orders.TWEX.1.> -> orders.TWEX.1.> orderbatch.TWEX.1 control.TWEX.1, max_age: 3600000000000 -> 0/);
  const orders = await config('orders');
  assert.deepEqual([orders.max_bytes, orders.max_msgs, orders.description, orders.max_age, orders.subjects.length], [1 << 25, 1_000_000, 'mine', 0, 3]);
  assert.equal((await config('snapshots')).max_bytes, 1 << 24);
  await desk.journaled(matcher, await desk.openVenue());
  await matcher.program.stop();

  // replicas only where they are asked for
  for (const [args, changed] of [[['--replicas', '3'], /num_replicas: 1 -> 3/], [[], null]]) {
    matcher = await Matcher.start(server, { args });
    await matcher.leads();
    if (changed) assert.match(matcher.program.stderr, changed);
    else assert.doesNotMatch(matcher.program.stderr, /was changed/);
    await matcher.program.stop();
    assert.equal((await config('orders')).num_replicas, 3);
  }
  await desk.close();
});

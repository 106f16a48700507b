// What Redis holds and the best quotes say while an ingest is started again so soon that its feed never falls silent.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { StreamClient, startGateway } from './lib/gateway.mjs';
import * as itch from './lib/itch.mjs';
import { MoldSender } from './lib/mold_sender.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, Program, build, startIngest, until } from './lib/programs.mjs';
import { RedisServer } from './lib/redis_server.mjs';

/** A bus, Redis, an aggregator that waits long for a feed, and a client of the best quotes; ingests come and go. */
async function stage(t) {
  const nats = await NatsServer.start(), redis = await RedisServer.start(), rows = await redis.client();
  const aggregator = new Program(path.join(build, 'publisher/aggregator/tickwire-aggregator'),
    ['--nats', nats.url, '--redis', redis.url, '--expiry', '120s', '--feed-silence', '60s', '--log-format', 'json']);
  await aggregator.says(/"aggregator starts"/);
  const gateway = await startGateway(nats, ['--anonymous', 'agg.>']);
  const client = await StreamClient.connect(gateway);
  await client.subscribe(['agg.*.nbbo']);
  const self = { rows, client, ingest: null, sender: null };
  self.start = async (date, session) => {
    const port = await freePort();
    self.ingest = await startIngest(nats, ['--source', `udp://127.0.0.1:${port}`, '--session-date', date, '--silence', '1h']);
    await self.ingest.says(/"leads/);
    self.sender = await MoldSender.open(port, { session });
  };
  self.kill = async () => {
    await self.ingest.stop('SIGKILL');
    self.sender.close();
  };
  t.after(async () => {
    await self.kill();
    await Promise.all([aggregator.stop('SIGKILL'), rows.disconnect()]);
    assert.equal(await gateway.stop(), 0, gateway.stderr);
    await Promise.all([redis.stop(), nats.stop()]);
  });
  return self;
}

const opening = (...symbols) => [itch.system('O'), itch.system('S'), itch.system('Q'),
  ...symbols.flatMap((symbol, i) => [itch.directory(i + 1, symbol), itch.action(i + 1, symbol)])];
const bid = (locate, symbol, id, price) => itch.add(locate, symbol, id, 'B', 100, price);

/** Redis says `row` of the symbol ("OK 200.0000"), and its best quote `best`. */
function becomes({ rows, client }, symbol, row, best) {
  let found;
  return until(() => `${symbol} should be ${row}, best ${best}; it is ${found}`, async () => {
    const { state, bid: price } = await rows.hGetAll(`tw:last:XNAS:${symbol}`);
    const nbbo = client.latest.get(`agg.${symbol}.nbbo`);
    found = [[state, price], [nbbo?.state, nbbo?.bid?.[0]]].map((each) => each.filter(Boolean).join(' ')).join(', best ');
    return found === `${row}, best ${best}`;
  });
}

test('an ingest is killed and the next leads at once: its rows are marked until it has told of them', async (t) => {
  const it = await stage(t);
  const day = [...opening('AAPL', 'MSFT'), bid(1, 'AAPL', 11n, 100_0000), bid(2, 'MSFT', 12n, 200_0000)];
  await it.start('2020-01-30', 'DAY1');
  await it.sender.send(...day);
  await becomes(it, 'MSFT', 'OK 200.0000', 'OK 200.0000');

  await it.kill();
  await it.start('2020-01-30', 'DAY1');
  await it.sender.send(...opening('AAPL'), bid(1, 'AAPL', 11n, 100_0000));
  await becomes(it, 'AAPL', 'OK 100.0000', 'OK 100.0000');
  await becomes(it, 'MSFT', 'RECOVERING 200.0000', 'STALE');

  // All answers have come. The ingest learns of MSFT now, and has nothing to publish of it.
  await it.sender.send(...opening('AAPL', 'MSFT').slice(-2), bid(2, 'MSFT', 12n, 200_0000), itch.remove(2, 12n));
  await becomes(it, 'MSFT', 'OK', 'OK');
});

test('the next day begins at once: the prices of the day before leave the rows', async (t) => {
  const it = await stage(t);
  await it.start('2020-01-30', 'DAY1');
  await it.sender.send(...opening('AAPL', 'GONE'), bid(1, 'AAPL', 11n, 100_0000), bid(2, 'GONE', 12n, 200_0000));
  await becomes(it, 'GONE', 'OK 200.0000', 'OK 200.0000');
  await it.kill();
  await it.start('2020-01-31', 'DAY2');
  await it.sender.send(...opening('AAPL'), bid(1, 'AAPL', 11n, 101_0000));
  await becomes(it, 'AAPL', 'OK 101.0000', 'OK 101.0000');
  await becomes(it, 'GONE', 'RECOVERING', 'STALE');
});

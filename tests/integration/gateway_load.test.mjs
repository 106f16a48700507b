// tickwire-gateway with very many clients: who reads gets every update, who does not read costs little and is right when it
// reads again, and a gateway that dies leaves its clients to the others on its port. Clients verify chain and checksum.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { startGateway } from './lib/gateway.mjs';
import { LoadClients, LoadPublisher } from './lib/load.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, until } from './lib/programs.mjs';

const nats = await NatsServer.start({ config: 'websocket { listen: "127.0.0.1:-1", no_tls: true }' });
after(() => nats.stop());
// So much room that only a machine that stands still for seconds makes updates merge.
const roomy = ['--frames-kept', '16384', '--client-bytes', '4Mi', '--feed-silence', '1h'];

const residentKiB = (program) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))[1]);
const files = (program) => readdirSync(`/proc/${program.child.pid}/fd`).length;

test('a thousand clients get every update, verified, in protobuf and JSON; when all go at once there is room for the next', async () => {
  const publisher = await LoadPublisher.start(nats, 20);
  const gateway = await startGateway(nats, ['--max-clients', '1300', ...roomy]);
  const crowd = await LoadClients.start(gateway.port, 'protobuf', 1000, ['--symbols', 20, '--each', 5, '--check']);
  const readers = await LoadClients.start(gateway.port, 'json', 200, ['--symbols', 20, '--each', 5]);
  const peers = await LoadClients.start(new URL(nats.websocket).port, 'nats', 100, ['--symbols', 20, '--each', 5]);
  const { seq } = await publisher.run(500, 1000);
  for (const [clients, count] of [[crowd, 1000], [readers, 200], [peers, 100]]) {
    assert.deepEqual(await clients.got((1000 * count * 5) / 20), { updates: (1000 * count * 5) / 20, merged: 0, faults: 0 });
    assert.equal((await clients.report()).closed, 0);
  }
  await crowd.shows(seq, 5000);

  await Promise.all([crowd.stop('SIGKILL'), readers.stop('SIGKILL')]);
  await until('all connections to be gone', () => files(gateway) < 100);
  const next = await LoadClients.start(gateway.port, 'protobuf', 1200, ['--symbols', 20, '--check']);
  await next.shows((await publisher.run(500, 100)).seq, 1200);
  assert.equal((await next.report()).fast.faults, 0);
  await Promise.all([next.leave(), peers.leave(), publisher.leave()]);
  assert.equal(await gateway.stop(), 0, gateway.stderr);
});

test('a tenth that reads slowly or not at all: the others lose nothing, memory stays bounded, and its books are right when it reads', async () => {
  const published = 6000, fastOnes = 108, slowOnes = 12, clientKiB = 256;
  const publisher = await LoadPublisher.start(nats, 4);
  const gateway = await startGateway(nats,
    ['--max-clients', '200', '--frames-kept', '8192', '--client-bytes', `${clientKiB}Ki`, '--feed-silence', '1h']);
  const first = await LoadClients.start(gateway.port, 'protobuf', 1, ['--symbols', 4, '--each', 4]); // from now on books are OK
  const clients = await LoadClients.start(gateway.port, 'protobuf', fastOnes + slowOnes,
    ['--symbols', 4, '--each', 4, '--check', '--slow-every', 10]);
  const before = residentKiB(gateway);
  const { seq } = await publisher.run(2000, published);
  const fast = await clients.got(published * fastOnes), slow = await clients.told('slow');
  assert.deepEqual([fast.updates + fast.merged, fast.faults], [published * fastOnes, 0]);
  assert.ok(fast.merged < fast.updates / 2, `${fast.merged} of the fast ones' updates were merged`);
  assert.ok(slow.updates < (published * slowOnes) / 2, `the slow ones were to be slow: ${slow.updates} updates`);
  const grown = residentKiB(gateway) - before;
  assert.ok(grown < slowOnes * clientKiB + 8192, `${grown} KiB more for ${slowOnes} slow clients of at most ${clientKiB} KiB`);

  clients.say('wake');
  await clients.shows(seq, 4 * (fastOnes + slowOnes));
  const late = await clients.told('slow'), { closed } = await clients.report();
  assert.ok(late.merged > 0, JSON.stringify(late));
  assert.deepEqual([late.updates + late.merged, late.faults, closed], [published * slowOnes, 0, 0]);
  await Promise.all([first.leave(), clients.leave(), publisher.leave()]);
  assert.equal(await gateway.stop(), 0, gateway.stderr);
});

test('of two gateways on one port one is killed: its clients come back to the other and all books are right', async () => {
  const publisher = await LoadPublisher.start(nats, 10);
  const port = await freePort();
  const start = () => startGateway(nats, ['--port', `${port}`, '--share-port', ...roomy]);
  const [first, second] = [await start(), await start()];
  const clients = await LoadClients.start(port, 'protobuf', 400, ['--symbols', 10, '--each', 5, '--check', '--reconnect']);
  const served = files(first);
  assert.ok(served > 60 && files(second) > 60, `the kernel spreads them: ${served}, ${files(second)} files`);
  const running = publisher.run(500, 1000);
  await until('updates', async () => (await clients.report()).fast.updates > 1000);
  await first.stop('SIGKILL');
  const { seq } = await running;
  await until('all to be back', async () => (await clients.report()).subscribed === 400);
  await clients.shows(seq, 2000);
  const { fast, closed, reconnects } = await clients.report();
  assert.ok(closed > 20 && closed === reconnects, `${closed} closed, ${reconnects} came back`);
  assert.equal(fast.faults, 0);
  await Promise.all([clients.leave(), publisher.leave()]);
  assert.equal(await second.stop(), 0, second.stderr);
});

// What serve-feed puts on the wire, read by somebody else: tshark captures it and takes MoldUDP64 and SoupBinTCP apart
// by its own dissectors, in which nobody here had a hand. Needs tshark and the right to capture on loopback.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { heartbeat, readBinaryFile } from './lib/itch.mjs';
import { freePort } from './lib/ports.mjs';
import { Program, folder, run, simulatedFile, sleep, startTickwire, until } from './lib/programs.mjs';
import { SoupClient, snapshotOf } from './lib/soup.mjs';

function whyNot() {
  const tried = spawnSync('tshark', ['-i', 'lo', '-a', 'duration:0'], { encoding: 'utf8', timeout: 20_000 });
  if (tried.error) return 'no tshark';
  return tried.status === 0 ? false : `tshark may not capture: ${tried.stderr.trim().split('\n').at(-1)}`;
}

const skip = whyNot();
if (skip) console.log(`SKIPPED: ${skip}`);

test('tshark captures a feed on UDP and TCP and finds in it what was served, and no fault', { skip }, async () => {
  const file = simulatedFile('dissected', { symbols: 5, messages: 1500, seed: 81 });
  const wanted = readBinaryFile(file).map((message) => message.toString('hex'));
  const [udp, soup, glimpse] = [await freePort(), await freePort(), await freePort()];
  const capture = path.join(folder, 'served.pcapng');
  const shark = new Program('tshark', ['-i', 'lo', '-f', `udp port ${udp} or tcp port ${soup} or tcp port ${glimpse}`, '-w', capture]);
  const probe = dgram.createSocket('udp4');
  await until(() => `packets to be captured: ${shark.stderr}`, async () => {
    probe.send(heartbeat('DAY1', 1), udp, '127.0.0.1');
    await sleep(20);
    return statSync(capture, { throwIfNoEntry: false })?.size > 1000;
  });
  probe.close();
  const feed = startTickwire('serve-feed', '--source', `file:${file}`, '--to', `udp://127.0.0.1:${udp}`, '--soup', `127.0.0.1:${soup}`, '--glimpse', `127.0.0.1:${glimpse}`,
    '--user', 'trader', '--password', 'secret', '--session', 'DAY1', '--heartbeat', '20ms', '--rate', '10k', '--linger', '20s');
  await feed.says(/serving session/);
  const clients = [];
  const login = async (port, options) => clients[clients.push(await SoupClient.connect(`127.0.0.1:${port}`, { user: 'trader', password: 'secret', ...options })) - 1];
  const whole = await login(soup);
  const refused = [await login(soup, { password: 'wrong' }), await login(soup, { session: 'DAY2' })];
  for (const client of refused) await client.gone();
  await whole.whole();
  const snapshot = await login(glimpse);
  await snapshot.whole();
  const ends = () => run('tshark', ['-r', capture, '-d', `tcp.port==${glimpse},soupbintcp`, '-Y', `tcp.srcport == ${glimpse} && soupbintcp`, '-T', 'fields', '-e', 'soupbintcp.packet_type']).stdout.includes("'Z'");
  await until('the end of the snapshot to be captured, and with it what was before', () => ends() || sleep(200)); // the kernel hands packets over in blocks
  await shark.stop('SIGINT');
  clients.forEach((client) => client.close());
  await feed.stop();

  const dissect = (filter, ...fields) => execFileSync('tshark', ['-r', capture, '-d', `udp.port==${udp},moldudp64`, '-d', `tcp.port==${soup},soupbintcp`,
    '-d', `tcp.port==${glimpse},soupbintcp`, '-Y', filter, '-T', 'fields', '-E', 'separator=|', ...fields.flatMap((field) => ['-e', field])],
  { encoding: 'latin1', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28 }).split('\n').filter((line) => line !== '').map((line) => line.split('|').map((value) => value.split(',')));
  const all = (rows) => rows.flatMap(([values]) => values);
  const count = (values) => Object.fromEntries([...new Set(values)].sort().map((value) => [value, values.filter((other) => other === value).length]));
  const hex = (values) => values.map((value) => value.replaceAll(':', ''));

  const faults = ['_ws.malformed', 'moldudp64.msglen.invalid', 'moldudp64.count.invalid', 'moldudp64.end_of_session_extra', 'soupbintcp.next_seq_num.invalid', 'soupbintcp.req_seq_num.invalid'];
  assert.deepEqual(dissect(faults.join(' || '), 'frame.number'), []);
  const mold = dissect('moldudp64.msgdata', 'moldudp64.msgdata', 'moldudp64.msgseq');
  assert.deepEqual(hex(all(mold)), wanted);
  assert.deepEqual(mold.flatMap(([, numbers]) => numbers.map(Number)), wanted.map((_, i) => i + 1));
  assert.deepEqual(Object.keys(count(all(dissect('moldudp64', 'moldudp64.session')))), ['DAY1      ']);
  assert.deepEqual(hex(all(dissect(`tcp.srcport == ${soup} && soupbintcp.message`, 'soupbintcp.message'))), wanted);
  const types = (port) => count(all(dissect(`tcp.srcport == ${port} && soupbintcp`, 'soupbintcp.packet_type')).filter((type) => type !== "'H'"));
  assert.deepEqual(types(soup), { "'A'": 1, "'J'": 2, "'S'": wanted.length, "'Z'": 1 });
  assert.deepEqual(all(dissect('soupbintcp.reject_code', 'soupbintcp.reject_code')), ["'A'", "'S'"]);
  assert.deepEqual(types(glimpse), { "'A'": 1, "'S'": snapshot.messages.length, "'Z'": 1 });
  assert.equal(snapshotOf(snapshot.messages).join, BigInt(wanted.length) + 1n);

  const again = startTickwire('serve-feed', '--source', `pcap:${capture}?port=${udp}`, '--soup', '127.0.0.1:0', '--pace', 'max', '--linger', '20s');
  const [, address] = await again.says(/SoupBinTCP on (\S+)/);
  const reader = await SoupClient.connect(address);
  assert.deepEqual((await reader.whole()).map((message) => message.toString('hex')), wanted, 'the capture served again');
  reader.close();
  await again.stop();
});

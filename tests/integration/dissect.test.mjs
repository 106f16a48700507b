// What we send, read by somebody else: tshark's dissectors for MoldUDP64 and SoupBinTCP find every packet whole, and the
// numbers, counts and lengths that were sent. (Its ITCH dissector knows only the old text versions, so messages stay bytes.)
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { writeTcp, writeUdp } from './lib/capture_file.mjs';
import { packet, readBinaryFile } from './lib/itch.mjs';
import { freePort } from './lib/ports.mjs';
import { Program, build, folder, run, simulatedFile, sleep, startTickwire, until } from './lib/programs.mjs';

const skip = spawnSync('tshark', ['--version']).error ? 'no tshark here: scripts/setup check installs it' : false;

/** What is sent to `ports` on loopback while `body` runs, as a capture file; null if this machine lets nobody capture. */
async function captured(ports, body) {
  const file = path.join(folder, `dissect-${ports[0]}.pcapng`);
  const filter = ports.map((port) => `udp port ${port}`).join(' or ');
  const capture = new Program('tshark', ['-i', 'lo', '-q', '-f', filter, '-w', file]);
  await until('tshark to capture or to refuse', () => /Capture started|File: /.test(capture.stderr) || capture.status !== undefined);
  if (capture.status !== undefined) return null;
  await body();
  const size = () => { try { return statSync(file).size; } catch { return 0; } };
  for (let before = -1; before !== size() || before === 0;) { // the last packets are on their way to the file
    before = size();
    await sleep(500);
  }
  await capture.stop('SIGINT');
  return file;
}

/** The same without the right to capture: the payloads that a listener got. */
async function overheard(groups, body) {
  const packets = [], sockets = [];
  for (const { port, group } of groups) {
    const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true });
    socket.on('message', (bytes) => packets.push({ port, bytes }));
    await new Promise((resolve) => socket.bind(port, resolve));
    socket.addMembership(group, '127.0.0.1');
    sockets.push(socket);
  }
  await body();
  await sleep(200);
  sockets.forEach((socket) => socket.close());
  return groups.map(({ port }) =>
    writeUdp(path.join(folder, `heard-${port}.pcap`), packets.filter((one) => one.port === port).map(({ bytes }) => ({ from: 1000, to: port, bytes }))));
}

/** Fields of every packet that `filter` lets through: an array of values each. */
function dissect(file, decodeAs, filter, fields) {
  const read = run('tshark', ['-r', file, ...decodeAs.flatMap((rule) => ['-d', rule]), '-Y', filter, '-T', 'fields', '-E', 'occurrence=a',
    '-E', 'separator=;', ...fields.flatMap((field) => ['-e', field])]);
  assert.equal(read.status, 0, read.stderr);
  return read.stdout.split('\n').filter((line) => line !== '')
    .map((line) => line.split(';').map((value) => value.split(',').filter((one) => one !== '')));
}
const TROUBLE = '_ws.malformed || _ws.expert.severity >= 4194304'; // notes are 4194304, warnings and errors above

describe('MoldUDP64', { skip }, () => {
  const moldFields = ['moldudp64.session', 'moldudp64.sequence', 'moldudp64.count', 'moldudp64.msgseq', 'moldudp64.msglen', 'moldudp64.msgdata'];

  /** Every message of `file` once, in order, then the end. Packets of a line without faults. */
  function isTheDay(packets, messages) {
    let next = 1, ended = 0, data = 0, beats = 0;
    for (const [[session], [sequence], [count], numbers, lengths, payloads] of packets) {
      assert.equal(session, '0000000001');
      assert.equal(Number(sequence), next, 'the sequence number of a packet');
      if (count === '65535') ended++;
      else if (count === '0') beats++;
      else {
        data++;
        assert.equal(ended, 0, 'messages behind the end');
        assert.equal(numbers.length, Number(count));
        numbers.forEach((number, i) => {
          assert.equal(Number(number), next);
          assert.equal(Number(lengths[i]), messages[next - 1].length);
          assert.equal(payloads[i].replaceAll(':', ''), messages[next - 1].toString('hex'));
          next++;
        });
      }
    }
    assert.equal(next, messages.length + 1);
    assert.ok(beats > 0 && ended > 0 && data > 0, `${beats} heartbeats, ${ended} ends, ${data} packets of messages`);
  }

  test('both lines of serve-feed and the answers of its request server dissect without a complaint', async (t) => {
    const [a, b, requests] = [await freePort(), await freePort(), await freePort()];
    const file = simulatedFile('dissect', { symbols: 10, messages: 3000, seed: 5 });
    const messages = readBinaryFile(file);
    const serve = async () => {
      const feed = startTickwire('serve-feed', '--source', `file:${file}`, '--to', `udp://239.255.41.10:${a}@127.0.0.1`, '--to-b', `udp://239.255.41.11:${b}@127.0.0.1`,
        '--requests', `127.0.0.1:${requests}`, '--rate', '20k', '--wait', '200ms', '--heartbeat', '50ms', '--linger', '3s');
      await feed.says(/serving/);
      const asker = dgram.createSocket('udp4'), answered = new Set();
      asker.on('message', (bytes) => answered.add(Number(bytes.readBigUInt64BE(10))));
      const ask = (session, first, count) => {
        const bytes = Buffer.alloc(20);
        bytes.write(session.padEnd(10), 0, 'latin1');
        bytes.writeBigUInt64BE(BigInt(first), 10);
        bytes.writeUInt16BE(count, 18);
        return new Promise((resolve) => asker.send(bytes, requests, '127.0.0.1', resolve));
      };
      await until('the last message to have been sent', async () => {
        await ask('0000000001', messages.length, 1);
        await sleep(20);
        return answered.has(messages.length);
      });
      await ask('0000000001', 1, 1);
      await ask('0000000001', 100, 5);
      await ask('0000000001', 2990, 60000); // more than there are, and than fit
      await ask('ANOTHER', 1, 1); // not answered
      await until('the answers', () => [1, 100, 2990].every((first) => answered.has(first)));
      assert.equal(await feed.end(), 0, feed.stderr);
      asker.close();
    };
    const capture = await captured([a, b, requests], serve);
    if (capture === null) {
      t.diagnostic('nobody may capture on loopback here: the packets are heard by a listener instead');
      const files = await overheard([{ port: a, group: '239.255.41.10' }, { port: b, group: '239.255.41.11' }], serve);
      [a, b].forEach((port, i) => {
        const as = [`udp.port==${port},moldudp64`];
        assert.deepEqual(dissect(files[i], as, TROUBLE, ['_ws.expert.message']), []);
        isTheDay(dissect(files[i], as, 'moldudp64', moldFields), messages);
      });
      return;
    }
    const as = [a, b, requests].map((port) => `udp.port==${port},moldudp64`);
    assert.deepEqual(dissect(capture, as, TROUBLE, ['frame.number', '_ws.expert.message', 'udp.length']), []);
    for (const port of [a, b]) isTheDay(dissect(capture, as, `moldudp64 && udp.dstport == ${port}`, moldFields), messages);

    const others = `moldudp64.sequence != ${messages.length}`; // than those that found out whether all had been sent
    const asked = dissect(capture, as, `moldudp64 && udp.dstport == ${requests} && ${others}`, ['moldudp64.session', 'moldudp64.sequence', 'moldudp64.count']);
    assert.deepEqual(asked.map(([[session], [first], [count]]) => [session.trim(), first, count]),
      [['0000000001', '1', '1'], ['0000000001', '100', '5'], ['0000000001', '2990', '60000'], ['ANOTHER', '1', '1']]);
    const answers = dissect(capture, as, `moldudp64 && udp.srcport == ${requests} && ${others}`, moldFields);
    assert.deepEqual(answers.map(([[session], [first], [count]]) => [session, first, count]),
      [['0000000001', '1', '1'], ['0000000001', '100', '5'], ['0000000001', '2990', '11']]);
    for (const [, [first], [count], numbers, , payloads] of answers) {
      assert.deepEqual(numbers.map(Number), Array.from({ length: Number(count) }, (_, i) => Number(first) + i));
      assert.deepEqual(payloads.map((hex) => hex.replaceAll(':', '')), numbers.map((number) => messages[Number(number) - 1].toString('hex')));
    }
  });

  test('a corrupted packet is seen by the dissector as well: the check above can fail', () => {
    const whole = packet('DAY1', 1, [Buffer.from('A'), Buffer.from('B')]);
    const cut = Buffer.from(whole);
    cut.writeUInt16BE(9, 20); // the first block reaches beyond the packet
    const file = writeUdp(path.join(folder, 'cut.pcap'), [whole, cut].map((bytes) => ({ from: 1000, to: 2000, bytes })));
    assert.deepEqual(dissect(file, ['udp.port==2000,moldudp64'], TROUBLE, ['frame.number']), [[['2']]]);
  });
});

describe('SoupBinTCP', { skip }, () => {
  const COUNT = 300;
  const connections = skip ? [] : run(path.join(build, 'tests/soup_talk'), [`${COUNT}`]).stdout.split(/^# connection \d+\n/m).slice(1);

  /** The packets of one connection as the dissector tells them: objects of its lines "name: value". */
  function packetsOf(connection) {
    const segments = connections[connection - 1].trimEnd().split('\n').map((line) => line.split(' ')).map(([who, hex]) =>
      ({ from: who === 'S' ? 26400 : 40000, to: who === 'S' ? 40000 : 26400, bytes: Buffer.from(hex, 'hex') }));
    const file = writeTcp(path.join(folder, `soup-${connection}.pcap`), segments);
    const as = ['tcp.port==26400,soupbintcp'];
    assert.deepEqual(dissect(file, as, TROUBLE, ['frame.number', '_ws.expert.message']), []);
    const told = run('tshark', ['-r', file, '-d', as[0], '-V', '-O', 'soupbintcp']).stdout;
    return told.split(/^SoupBinTCP, /m).slice(1).map((text) =>
      Object.fromEntries([...text.matchAll(/^ {4}([A-Z][A-Za-z ]*): ?(.*)$/gm)].map(([, name, value]) => [name, value])));
  }
  const types = (packets) => packets.map((packet) => /\('(.)'\)/.exec(packet['Packet Type'])[1]).join('');

  test('logins that are rejected', () => {
    for (const [connection, session, code] of [[1, '', 'A'], [2, 'DAY2', 'S']]) {
      const [login, rejected, ...rest] = packetsOf(connection);
      assert.equal(types([login, rejected]), 'LJ');
      assert.equal(login['Packet Length'], '47');
      assert.equal(login['User Name'].trim(), 'trader');
      assert.equal(login.Session.trim(), session);
      assert.match(rejected['Login Reject Code'], new RegExp(`'${code}'`));
      assert.deepEqual(rest, []);
    }
  });

  test('a login of version 4.00, messages over many segments, heartbeats, text and logout', () => {
    const packets = packetsOf(3);
    assert.equal(types(packets), `LA${'S'.repeat(COUNT)}RH+UO`);
    assert.equal(packets[0]['Packet Length'], '52');
    assert.equal(packets[0]['Requested sequence number'], '1');
    assert.equal(packets[1].Session.trim(), 'DAY1');
    assert.equal(packets[1]['Next sequence number'], '1');
    checkMessages(packets.slice(2, 2 + COUNT), 1);
    assert.equal(packets.at(-3)['Debug Text'], 'hello');
  });

  test('a login of version 3.00 that resumes, and the end of the session', () => {
    const packets = packetsOf(4), first = COUNT / 2 + 1;
    assert.equal(types(packets), `LA${'S'.repeat(COUNT - first + 1)}Z`);
    assert.equal(packets[0]['Packet Length'], '47');
    assert.equal(packets[0].Session.trim(), 'DAY1');
    assert.equal(packets[0]['Requested sequence number'], `${first}`);
    assert.equal(packets[1]['Next sequence number'], `${first}`);
    checkMessages(packets.slice(2, -1), first);
  });

  function checkMessages(packets, first) {
    packets.forEach((packet, i) => {
      const seq = first + i, length = (seq % 200) + 1;
      assert.equal(packet['Sequence number'], `${seq} (Calculated)`);
      assert.equal(packet['Packet Length'], `${length + 1}`);
      const shown = packet.Message.replace(/[^0-9a-f].*$/, ''); // long ones are shown cut
      assert.equal(shown, `3${seq % 10}`.repeat(length).slice(0, shown.length));
      assert.ok(shown.length > 0);
    });
  }
});

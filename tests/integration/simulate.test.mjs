// `tickwire simulate`: files and packets carry the same day, at the rate asked for, with heartbeats and an end.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const tickwire = path.join(process.env.TICKWIRE_BUILD ?? path.join(root, 'build/release'), 'tools/tickwire');
const folder = mkdtempSync(path.join(tmpdir(), 'tickwire-simulate-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const simulate = (...args) => spawnSync(tickwire, ['simulate', ...args], { encoding: 'utf8' });

function frames(file) {
    const bytes = readFileSync(file), found = [];
    let at = 0;
    for (;;) {
        const length = bytes.readUInt16BE(at);
        at += 2;
        if (length === 0) break;
        found.push(bytes.subarray(at, at + length));
        at += length;
    }
    assert.equal(at, bytes.length, 'nothing follows the end mark');
    return found;
}

/* Collects packets on a free loopback port while `tickwire simulate` sends to it. */
async function receive(args, { group, interrupt } = {}) {
    const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true, recvBufferSize: 4 << 20 });
    const packets = [];
    socket.on('message', (bytes) => packets.push({
        ms: performance.now(),
        session: bytes.toString('latin1', 0, 10),
        sequence: bytes.readBigUInt64BE(10),
        count: bytes.readUInt16BE(18),
        bytes,
    }));
    await new Promise((resolve) => socket.bind(0, group ?? '127.0.0.1', resolve));
    if (group) socket.addMembership(group, '127.0.0.1');
    const target = `udp://${group ?? '127.0.0.1'}:${socket.address().port}${group ? '@127.0.0.1' : ''}`;
    const child = spawn(tickwire, ['simulate', '--to', target, ...args]);
    let errors = '';
    child.stderr.on('data', (text) => (errors += text));
    if (interrupt) setTimeout(() => child.kill('SIGINT'), interrupt);
    const began = performance.now(), status = await new Promise((resolve) => child.on('close', resolve));
    const seconds = (performance.now() - began) / 1000;
    for (let had = -1; had !== packets.length;) { // what came is read later than it was sent
        had = packets.length;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    socket.close();
    return { packets, status, errors, seconds };
}

function messages(packets) {
    const found = [];
    for (const packet of packets) {
        if (packet.count === 0 || packet.count === 0xffff) continue;
        let at = 20;
        for (let i = 0; i < packet.count; i++) {
            const length = packet.bytes.readUInt16BE(at);
            found.push(packet.bytes.subarray(at + 2, at + 2 + length));
            at += 2 + length;
        }
        assert.equal(at, packet.bytes.length);
    }
    return found;
}

test('a file holds exactly the messages asked for, the same at any rate', () => {
    const fast = path.join(folder, 'fast'), slow = path.join(folder, 'slow'), other = path.join(folder, 'other');
    for (const [file, ...more] of [[fast], [slow, '--rate', '20k'], [other, '--seed', '2']]) {
        const run = simulate('--to', `file:${file}`, '--messages', '10000', '--symbols', '20', ...more);
        assert.equal(run.status, 0, run.stderr);
        assert.match(run.stderr, /done: 10000 messages/);
    }
    assert.equal(frames(fast).length, 10000);
    assert.ok(readFileSync(fast).equals(readFileSync(slow)));
    assert.ok(!readFileSync(fast).equals(readFileSync(other)));
});

test('packets carry the file\'s messages in sequence, in full packets at a high rate', async () => {
    const file = path.join(folder, 'same');
    const options = ['--messages', '20000', '--symbols', '20', '--seed', '9'];
    assert.equal(simulate('--to', `file:${file}`, ...options).status, 0);
    const { packets, status, errors, seconds } = await receive([...options, '--rate', '40k', '--session', 'DAY7']);
    assert.equal(status, 0, errors);
    let next = 1n;
    for (const packet of packets) {
        assert.equal(packet.session, 'DAY7      ');
        assert.equal(packet.sequence, next);
        assert.ok(packet.bytes.length <= 1400);
        if (packet.count !== 0xffff) next += BigInt(packet.count);
    }
    assert.equal(next, 20001n);
    assert.ok(Buffer.concat(messages(packets)).equals(Buffer.concat(frames(file))));
    const ends = packets.filter((packet) => packet.count === 0xffff);
    assert.ok(ends.length > 1, 'the end is told more than once');
    assert.ok(ends.at(-1).ms - ends[0].ms > 900);
    const data = packets.filter((packet) => packet.count > 0 && packet.count < 0xffff);
    assert.ok(data.length < 20000 / 10, `${data.length} packets`);
    // Of the process: when packets were read says too little, and how slow a machine may be is not its rate's.
    assert.ok(seconds > 0.5 + 0.9, `${seconds} s for 20,000 messages at 40,000 a second, and the end`);
});

test('at a low rate each message goes out at once, with heartbeats between and before', async () => {
    let packets, data, first;
    for (let tries = 1; ; tries++) { // a machine that stalls for a tenth of a second sends two in one: then once more
        const sent = await receive(['--messages', '14', '--symbols', '2', '--rate', '10', '--heartbeat', '40ms', '--wait', '200ms']);
        assert.equal(sent.status, 0);
        packets = sent.packets;
        data = packets.filter((packet) => packet.count > 0 && packet.count < 0xffff);
        assert.equal(messages(packets).length, 14);
        first = packets.findIndex((packet) => packet.count > 0);
        if ((data.length === 14 && first >= 3) || tries === 5) break;
    }
    assert.ok(first >= 3, `${first} heartbeats while waiting`);
    for (const packet of packets.slice(0, first)) assert.equal(packet.sequence, 1n);
    assert.equal(data.length, 14);
    assert.ok(packets.slice(first).some((packet) => packet.count === 0), 'heartbeats between messages');
});

test('one session after another, each with the next name and a day of its own', async () => {
    const { packets, status } = await receive(
        ['--messages', '500', '--symbols', '5', '--rate', '50k', '--sessions', '2', '--session', 'S9',
            '--start-sequence', '101']);
    assert.equal(status, 0);
    const days = ['S9        ', 'S10       '].map((name) => packets.filter((packet) => packet.session === name));
    assert.equal(days[0].length + days[1].length, packets.length);
    assert.equal(days[0][0].sequence, 101n);
    assert.equal(days[1][0].sequence, 1n);
    assert.equal(messages(days[0]).length, 500);
    assert.equal(messages(days[1]).length, 500);
    assert.ok(!Buffer.concat(messages(days[0])).equals(Buffer.concat(messages(days[1]))));
});

test('multicast on an interface arrives', async () => {
    const { packets, status, errors } = await receive(['--messages', '500', '--symbols', '5', '--rate', '50k'],
        { group: '239.255.77.1' });
    assert.equal(status, 0, errors);
    assert.equal(messages(packets).length, 500);
});

test('Ctrl-C stops it at once and says what was sent', async () => {
    const { packets, errors, status } = await receive(['--rate', '1000', '--sessions', '0'], { interrupt: 400 });
    assert.equal(status, 0);
    const told = /stopped: (\d+) messages/.exec(errors);
    assert.ok(told, errors);
    assert.equal(Number(told[1]), messages(packets).length);
    assert.ok(!packets.some((packet) => packet.count === 0xffff));
});

test('mistakes of the command line are told and end with 2', () => {
    for (const args of [[], ['--to', 'pcap:x'], ['--to', 'file:x', '--sessions', '2'],
        ['--to', 'file:x', '--session', 'ELEVENCHARS'], ['--to', 'file:x', '--messages', '10'],
        ['--to', 'file:x', '--symbols', '10001']]) {
        const run = simulate(...args);
        assert.equal(run.status, 2, `${args.join(' ')}: ${run.stderr}`);
    }
    assert.equal(simulate('--to', `file:${folder}/none/x`).status, 1);
});

test('a simulated day makes whole books: nothing unknown, nothing contradictory, never crossed', () => {
    const file = path.join(folder, 'day');
    assert.equal(simulate('--to', `file:${file}`, '--messages', '200000', '--symbols', '30', '--seed', '4').status, 0);
    const run = spawnSync(tickwire, ['book', '--source', `file:${file}`, '--symbol', 'AAPL', '--depth', '1', '--every',
        '--json'], { encoding: 'utf8', maxBuffer: 1 << 30 });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stderr, /200000 messages read/);
    assert.doesNotMatch(run.stderr, /never seen|contradictions|could not be read|unknown types/);
    const lines = run.stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.ok(lines.length > 5000);
    for (const { seq, bids, asks } of lines)
        if (bids.length && asks.length) assert.ok(Number(bids[0][0]) < Number(asks[0][0]), `message ${seq}`);
});

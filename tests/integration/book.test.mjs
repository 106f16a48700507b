// `tickwire book` on real recordings: end states as published with them, LOBSTER rows against their order book
// files, damaged and compressed copies.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const tickwire = path.join(process.env.TICKWIRE_BUILD ?? path.join(root, 'build/release'), 'tools/tickwire');
const data = process.env.TICKWIRE_TEST_DATA ?? path.resolve(root, '../shared/data');
const folder = mkdtempSync(path.join(tmpdir(), 'tickwire-book-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const aapl = path.join(data, 'itch/nasdaq_itch50_20200130_AAPL_first10k.bin');
const without = (file) => (existsSync(file) ? false : `no recording at ${file}`);

function book(...args) {
    const run = spawnSync(tickwire, ['book', ...args], { encoding: 'utf8', maxBuffer: 1 << 30 });
    assert.equal(run.error, undefined);
    assert.equal(run.signal, null, `ended by ${run.signal}: ${run.stderr}`);
    return run;
}
const lines = (text) => text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
const itch = (file, ...args) => book('--source', `file:${file}`, '--symbol', 'AAPL', ...args);

test('the AAPL recording ends in the state that is published with it', { skip: without(aapl) }, () => {
    const run = itch(aapl, '--json', '--depth', '64');
    assert.equal(run.status, 0, run.stderr);
    const [state] = lines(run.stdout);
    assert.deepEqual(Object.keys(state), ['seq', 'event_ns', 'bids', 'asks']);
    assert.deepEqual(state.bids.slice(0, 3).map((l) => l.slice(0, 2)),
        [['320.1400', '25'], ['320.1100', '101'], ['320.0000', '417']]);
    assert.deepEqual(state.asks.map((l) => l.slice(0, 2)).slice(0, 3),
        [['320.3000', '100'], ['320.4000', '100'], ['320.5000', '100']]);
    assert.equal(state.asks.length, 63);
    assert.equal(state.asks.reduce((sum, level) => sum + Number(level[1]), 0), 8211);
    // 07:59:30 in New York, on 30 January 2020, is 12:59:30 UTC
    assert.ok(BigInt(state.event_ns) <= 1580389170516505496n && BigInt(state.event_ns) > 1580371634000000000n);
    assert.match(run.stderr, /10000 messages read/);
    assert.doesNotMatch(run.stderr, /never seen|contradictions/);
});

test('the last line of --every is the final state, and no two lines show the same book', { skip: without(aapl) }, () => {
    const every = lines(itch(aapl, '--json', '--every', '--depth', '5').stdout);
    const [final] = lines(itch(aapl, '--json', '--depth', '5').stdout);
    assert.deepEqual(every.at(-1), final);
    let last = { seq: 0 };
    for (const line of every) {
        assert.ok(line.seq > last.seq);
        assert.notDeepEqual([line.bids, line.asks], [last.bids, last.asks]);
        if (line.bids.length && line.asks.length) assert.ok(Number(line.bids[0][0]) < Number(line.asks[0][0]));
        last = line;
    }
    assert.ok(every.length > 1000);
});

test('the ladder for people has the best prices around the middle', { skip: without(aapl) }, () => {
    const run = itch(aapl, '--depth', '2');
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout, /320\.4000[\s\S]*320\.3000[\s\S]*----[\s\S]*320\.1400[\s\S]*320\.1100/);
});

test('a compressed copy gives the same output', { skip: without(aapl) }, () => {
    const plain = itch(aapl, '--json', '--every', '--session-date', '2020-01-30').stdout;
    const gz = path.join(folder, 'a.gz'), zst = path.join(folder, 'a.zst');
    writeFileSync(gz, gzipSync(readFileSync(aapl)));
    execFileSync('zstd', ['-q', '-f', aapl, '-o', zst]);
    assert.equal(itch(gz, '--json', '--every', '--session-date', '2020-01-30').stdout, plain);
    assert.equal(itch(zst, '--json', '--every', '--session-date', '2020-01-30').stdout, plain);
});

test('a truncated recording is told with its offset, and its good part is shown', { skip: without(aapl) }, () => {
    const bytes = readFileSync(aapl);
    const cut = path.join(folder, 'cut_20200130.bin');
    writeFileSync(cut, bytes.subarray(0, 100001));
    const run = itch(cut, '--json');
    assert.equal(run.status, 3, run.stderr);
    assert.match(run.stderr, /offset \d+/);
    assert.equal(lines(run.stdout).length, 1);

    const gz = path.join(folder, 'cut_20200130.gz');
    writeFileSync(gz, gzipSync(bytes).subarray(0, 60000));
    const packed = itch(gz, '--json');
    assert.equal(packed.status, 3, packed.stderr);
    assert.equal(lines(packed.stdout).length, 1);
});

test('a message of a wrong length is told with its number and offset, the rest goes on', { skip: without(aapl) }, () => {
    const bytes = readFileSync(aapl);
    const first = bytes.readUInt16BE(0) + 2;
    const bad = Buffer.from([0, 3, 0x41, 1, 2]); // an add order of three bytes
    const file = path.join(folder, 'bad_20200130.bin');
    writeFileSync(file, Buffer.concat([bytes.subarray(0, first), bad, bytes.subarray(first)]));
    const run = itch(file, '--json');
    assert.equal(run.status, 3);
    assert.match(run.stderr, new RegExp(`message 2 at offset ${first + 2}`));
    const [good] = lines(itch(aapl, '--json').stdout), [state] = lines(run.stdout);
    assert.deepEqual([state.bids, state.asks], [good.bids, good.asks]);
});

test('an unknown symbol is refused with the nearest names', { skip: without(aapl) }, () => {
    const run = book('--source', `file:${aapl}`, '--symbol', 'AAPK', '--json');
    assert.equal(run.status, 1);
    assert.equal(run.stdout, '');
    assert.match(run.stderr, /AAPK never appears.*did you mean AAPL/);
});

test('times without a date count from midnight, with a warning', { skip: without(aapl) }, () => {
    const file = path.join(folder, 'undated.bin');
    writeFileSync(file, readFileSync(aapl));
    const run = itch(file, '--json');
    assert.equal(run.status, 0);
    assert.match(run.stderr, /midnight/);
    assert.ok(BigInt(lines(run.stdout)[0].event_ns) < 86400000000000n);
});

test('mistakes of the command line are told and end with 2', () => {
    for (const args of [[], ['--source', 'file:x'], ['--source', 'udp://239.0.0.1:1', '--symbol', 'X'],
        ['--source', 'file:x', '--symbol', 'X', '--session-date', '2020-02-30'], ['--source', 'file:x', '--symbol', 'X', '--session-date', '2300-01-01'],
        ['--source', 'file:x', '--symbol', 'X', '--depth', '0'],
        ['--source', 'pcap:x', '--feed', 'lobster'], ['--source', 'file:x', '--symbol', 'X', '--feed', 'itch']]) {
        const run = book(...args);
        assert.equal(run.status, 2, `${args.join(' ')}: ${run.stderr}`);
        assert.match(run.stderr, /tickwire book: /);
    }
    assert.equal(book('--source', 'file:/nowhere', '--symbol', 'X').status, 1);
});

const pcap = path.join(data, 'pcap/Nasdaq.Nasdaq.Equities.TotalView.Itch.v5.0/Multiple.Packets.pcap');
test('a capture that begins in the middle of a session says so', { skip: without(pcap) }, () => {
    const run = book('--source', `pcap:${pcap}`, '--symbol', 'AMC', '--json', '--every', '--session-date', '2023-08-22');
    assert.ok([0, 1].includes(run.status), run.stderr);
    assert.match(run.stderr, /middle of a session/);
    for (const line of lines(run.stdout)) assert.ok(line.seq > 1);
});

const anonymous = path.join(data,
    'pcap/Nasdaq.Nasdaq.Equities.TotalView.Itch.v5.0.20230822/AddOrderNoMPID.pcap');
test('a capture without sequence numbers is numbered by arrival, with a warning', { skip: without(anonymous) }, () => {
    const names = book('--source', `pcap:${anonymous}`, '--symbol', 'ZZZZZ');
    assert.equal(names.status, 1);
    assert.match(names.stderr, /sequence numbers were removed/);
    const symbol = /did you mean ([^,\s]+)|, (\S+) the first/.exec(names.stderr);
    const run = book('--source', `pcap:${anonymous}`, '--symbol', symbol[1] ?? symbol[2], '--json', '--every');
    assert.equal(run.status, 0, run.stderr);
    assert.ok(lines(run.stdout)[0].seq >= 1);
});

// ---- LOBSTER: each printed row is that row of the order book file ----

const price = (text) => {
    const value = BigInt(text), digits = value.toString().padStart(5, '0');
    return `${digits.slice(0, -4)}.${digits.slice(-4)}`;
};
function oracle(row) {
    const cells = row.split(','), asks = [], bids = [];
    for (let i = 0; i + 3 < cells.length; i += 4) {
        if (cells[i] !== '9999999999') asks.push([price(cells[i]), cells[i + 1]]);
        if (cells[i + 2] !== '-9999999999') bids.push([price(cells[i + 2]), cells[i + 3]]);
    }
    return { bids, asks };
}
const read = (file) => (file.endsWith('.gz') ? gunzipSync(readFileSync(file)) : readFileSync(file)).toString().trim().split('\n');

for (const [name, depth] of [['AAPL_2012-06-21_head999_message_10.csv', 10],
    ['AAPL_2012-06-21_34200000_57600000_message_1.csv.gz', 1],
    ['AMZN_2012-06-21_34200000_57600000_message_1.csv.gz', 1],
    ['AMZN_2012-06-21_34200000_57600000_message_5.csv.gz', 5]]) {
    const file = path.join(data, 'lobster', name);
    test(`${name}: every row printed is the order book file's`, { skip: without(file) }, () => {
        const run = book('--feed', 'lobster', '--source', `file:${file}`, '--json', '--every', '--depth', String(depth));
        assert.equal(run.status, 0, run.stderr);
        const rows = read(file.replace('_message_', '_orderbook_')).map(oracle);
        const printed = new Map(lines(run.stdout).map((line) => [line.seq, line]));
        let shown = null;
        for (const [index, row] of rows.entries()) {
            const line = printed.get(index + 1);
            if (line !== undefined)
                shown = { bids: line.bids.map((l) => l.slice(0, 2)), asks: line.asks.map((l) => l.slice(0, 2)) };
            assert.deepEqual(shown, row, `row ${index + 1}`); // a row without a line shows the book of the line before
        }
        assert.ok(printed.size > rows.length / 4);
    });
}

test('a LOBSTER symbol other than the file\'s is refused', { skip: without(path.join(data, 'lobster')) }, () => {
    const file = path.join(data, 'lobster/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz');
    const run = book('--feed', 'lobster', '--source', `file:${file}`, '--symbol', 'AMZM', '--json');
    assert.equal(run.status, 1);
    assert.match(run.stderr, /AMZM never appears: the day is of AMZN/);
});

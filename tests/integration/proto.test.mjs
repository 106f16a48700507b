// The wire seen by a protobuf implementation that is not ours: protobufjs reads the .proto files, makes random
// messages, and judges what the C codec (through the test tool codec_echo) makes of them.
//
// TICKWIRE_BUILD names the build folder (default: build/release). TICKWIRE_SEED repeats a run.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const source = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const build = process.env.TICKWIRE_BUILD ?? join(source, 'build/release');
const echoProgram = join(build, 'tests/codec_echo');
const seed = Number(process.env.TICKWIRE_SEED ?? Date.now() % 1e9);

const root = new protobuf.Root();
root.resolvePath = (_, target) => join(source, 'proto', target);
root.loadSync(['tickwire/v1/market_data.proto', 'tickwire/v1/feed.proto', 'tickwire/v1/venue.proto']);
root.resolveAll();
const type = (name) => root.lookupType(`tickwire.v1.${name}`);

// mulberry32: small, seeded
let state = seed >>> 0;
const random = () => {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
const below = (n) => Math.floor(random() * n);
const randomBig = (bits) => {
  let value = 0n;
  for (let i = below(bits + 1); i > 0; i--) value = (value << 1n) | BigInt(below(2));
  return value;
};
const long = (big, unsigned) => protobuf.util.Long.fromString(big.toString(), unsigned);
const signed = (bits) => (below(2) ? -1n : 1n) * randomBig(bits - 1);
const text = (most) => Array.from({ length: below(most + 1) }, () => String.fromCharCode(33 + below(90))).join('');

// The codec's stated bounds (proto/codec.h), where the schema's types alone allow more.
const textBytes = {
  exchange: 4, symbol: 32, epoch: 39, reason: 7, variation: 1, attribution: 4, detail: 159, line: 7, name: 63,
  market: 1, channel: 23, symbols: 32, notFound: 32, leader: 63, source: 63,
  bidExchanges: 4, askExchanges: 4, venuesStale: 4,
  account: 32, accountName: 32, clientOrderId: 40, correlationId: 64, orderCorrelationId: 64, sender: 63, instance: 63,
};
const bounded = {
  'NamedAccount.name': () => text(32), 'Report.command': () => below(255),
  'BookUpdate.depth': () => below(65), 'Instrument.tick': () => long(randomBig(63), true),
};

function randomValue(field) {
  const own = bounded[`${field.parent.name}.${field.name}`];
  if (own) return own();
  if (field.resolvedType instanceof protobuf.Enum) {
    const values = Object.values(field.resolvedType.values);
    return values[below(values.length)];
  }
  if (field.resolvedType) return randomMessage(field.resolvedType, leftOut[`${field.parent.name}.${field.name}`]);
  switch (field.type) {
    case 'string': return text(textBytes[field.name]);
    case 'bool': return below(2) === 1;
    case 'uint32': case 'fixed32': return Number(randomBig(32));
    case 'sint32': return Number(signed(32));
    case 'uint64': case 'fixed64': return long(randomBig(64), true);
    case 'sint64': case 'sfixed64': return long(signed(64), false);
    default: throw new Error(`no random value for ${field.fullName} of type ${field.type}`);
  }
}

// What the codec leaves out, because it is said elsewhere.
const leftOut = { 'CandleList.candles': ['exchange', 'symbol', 'intervalMs'] };

function randomMessage(messageType, without = []) {
  const message = {};
  const lengths = {};
  for (const field of messageType.fieldsArray) {
    if (without.includes(field.name)) continue;
    if (field.repeated) {
      const side = /^(bid|ask)(Prices|Quantities|Orders)$/.exec(field.name)?.[1]; // three of one length
      const length = side ? (lengths[side] ??= below(129)) : below(5);
      message[field.name] = Array.from({ length }, () => randomValue(field));
    } else if (field.partOf && below(3) === 0) {
      continue; // a price that is absent
    } else {
      message[field.name] = randomValue(field);
    }
  }
  return message;
}

const plain = (messageType, bytes) =>
  messageType.toObject(messageType.decode(bytes), { longs: String, defaults: true, arrays: true, oneofs: true });

function echo(messages) {
  const input = Buffer.concat(messages.flatMap(([name, bytes]) => [Buffer.from(`${name} ${bytes.length}\n`), bytes]));
  const run = spawnSync(echoProgram, { input, maxBuffer: 1 << 28 });
  assert.equal(run.status, 0, `codec_echo: status ${run.status}, ${run.stderr}`);
  const answers = [];
  for (let at = 0; at < run.stdout.length;) {
    const end = run.stdout.indexOf(10, at);
    const [result, length] = run.stdout.toString('latin1', at, end).split(' ');
    at = end + 1 + Number(length);
    answers.push({ result, bytes: run.stdout.subarray(end + 1, at) });
  }
  assert.equal(answers.length, messages.length);
  return answers;
}

const topLevel = [
  'BookUpdate', 'Quote', 'Trades', 'InstrumentStatus', 'Imbalance', 'OrderEvents', 'FeedStatus', 'LineStatus',
  'InstrumentRequest', 'InstrumentList', 'SnapshotRequest', 'SnapshotReply', 'Candle', 'Nbbo', 'CandleRequest', 'CandleList',
  'OrderBatch', 'ControlBatch', 'ExecutionBatch', 'ExecutionReports', 'QueryReply', 'Query', 'StateHash', 'Matcher', 'Fills',
];

test('codec_echo is built', () => {
  assert.ok(existsSync(echoProgram), `${echoProgram} is missing: cmake --build it, or set TICKWIRE_BUILD`);
});

for (const name of topLevel) {
  test(`${name}: every field that protobufjs writes comes back through the codec (seed ${seed})`, () => {
    const sent = Array.from({ length: 200 }, () => {
      const bytes = type(name).encode(type(name).create(randomMessage(type(name)))).finish();
      return [name, Buffer.from(bytes)];
    });
    echo(sent).forEach(({ result, bytes }, i) => {
      assert.equal(result, 'OK', `message ${i}`);
      assert.deepEqual(plain(type(name), bytes), plain(type(name), sent[i][1]), `message ${i}`);
    });
  });
}

test('unpacked arrays, which other writers may send, are taken like packed ones', () => {
  const writer = protobuf.Writer.create();
  for (const [field, values] of [[20, [8, 6]], [21, [1, 2]], [22, [3, 4]]])
    for (const value of values) writer.uint32((field << 3) | 0).uint32(value);
  const [{ result, bytes }] = echo([['BookUpdate', Buffer.from(writer.finish())]]);
  assert.equal(result, 'OK');
  const book = plain(type('BookUpdate'), bytes);
  assert.deepEqual([book.bidPrices, book.bidQuantities, book.bidOrders], [['4', '3'], ['1', '2'], [3, 4]]);
});

test('fields of a newer publisher are passed over', () => {
  const bytes = type('Quote').encode({ exchange: 'XNAS', bidPrice: 5 }).uint32((900 << 3) | 2).string('new').finish();
  const [answer] = echo([['Quote', Buffer.from(bytes)]]);
  assert.equal(answer.result, 'OK');
  assert.equal(plain(type('Quote'), answer.bytes).bidPrice, '5');
});

test('a book state of a newer publisher is refused, a cause of one reads as none', () => {
  const encode = (fields) => Buffer.from(type('BookUpdate').encode(fields).finish());
  const [state, cause] = echo([
    ['BookUpdate', encode({ state: 4 })],
    ['BookUpdate', encode({ state: 3, cause: 77 })],
  ]);
  assert.equal(state.result, 'OUT_OF_RANGE');
  assert.equal(cause.result, 'OK');
  const book = plain(type('BookUpdate'), cause.bytes);
  assert.deepEqual([book.state, book.cause], [3, 0]);
});

test('a JavaScript reader can tell an absent price from a price of 0', () => {
  const answers = echo([
    ['Quote', Buffer.from(type('Quote').encode({ bidPrice: 0, bidQuantity: 7 }).finish())],
    ['Quote', Buffer.from(type('Quote').encode({ bidQuantity: 7 }).finish())],
  ]);
  const [zero, absent] = answers.map(({ bytes }) => type('Quote').decode(bytes));
  assert.equal(zero.bidPriceIfAny, 'bidPrice'); // the oneof's name tells which member is set
  assert.equal(absent.bidPriceIfAny, undefined);
  assert.ok(Object.hasOwn(zero, 'bidPrice'));
  assert.ok(!Object.hasOwn(absent, 'bidPrice'));
  const objects = answers.map(({ bytes }) => plain(type('Quote'), bytes));
  assert.equal(objects[0].bidPrice, '0');
  assert.ok(!('bidPrice' in objects[1])); // toObject leaves it out, even with defaults
});

test('an order without a price and one at 0 are told apart, and a bad one is not taken for a good one', () => {
  const encode = (command) => Buffer.from(type('OrderBatch').encode({ commands: [command] }).finish());
  const [without, zero, unknown] = echo([
    ['OrderBatch', encode({ account: 'alice' })],
    ['OrderBatch', encode({ account: 'alice', price: 0, display: 0 })],
    ['OrderBatch', encode({ account: 'alice', timeInForce: 9 })],
  ]).map(({ bytes }) => type('OrderBatch').decode(bytes).commands[0]);
  assert.equal(without.priceIfAny, undefined);
  assert.equal(zero.priceIfAny, 'price');
  assert.equal(zero.displayIfAny, 'display');
  assert.equal(unknown.timeInForce, 255); // what no version has
});

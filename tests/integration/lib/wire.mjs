// Payloads read by protobufjs from the .proto files, told apart by subject. 64-bit numbers become BigInt, enums their
// names, an absent member of a oneof undefined.
import path from 'node:path';
import protobuf from 'protobufjs';
import { root as source } from './programs.mjs';

const schema = new protobuf.Root();
schema.resolvePath = (_, target) => path.join(source, 'proto', target);
schema.loadSync(['tickwire/v1/market_data.proto', 'tickwire/v1/feed.proto', 'tickwire/v1/usage.proto', 'tickwire/v1/stream.proto', 'tickwire/v1/venue.proto']);
schema.resolveAll();

export const type = (name) => schema.lookupType(`tickwire.v1.${name}`);
export const enumeration = (name) => schema.lookupEnum(`tickwire.v1.${name}`).values;

const big = (value) => {
  if (typeof value === 'number') return BigInt(value);
  const high = value.unsigned ? BigInt(value.high >>> 0) : BigInt(value.high);
  return (high << 32n) | BigInt(value.low >>> 0);
};

// One reader per type, made once: which fields there are and how each becomes plain.
const readers = new Map();
function readerOf(messageType) {
  let reader = readers.get(messageType);
  if (reader) return reader;
  reader = messageType.fieldsArray.map((field) => {
    const wide = /64$/.test(field.type);
    let one = wide ? big : (value) => value;
    if (field.resolvedType instanceof protobuf.Enum)
      one = (value) => field.resolvedType.valuesById[value] ?? value;
    else if (field.resolvedType) one = (value) => plain(field.resolvedType, value);
    return { name: field.name, repeated: field.repeated, optional: Boolean(field.partOf), one };
  });
  readers.set(messageType, reader);
  return reader;
}

function plain(messageType, message) {
  const object = {};
  for (const { name, repeated, optional, one } of readerOf(messageType)) {
    if (repeated) object[name] = message[name].map(one);
    else if (!optional || Object.hasOwn(message, name)) object[name] = one(message[name]);
  }
  return object;
}

export const decodeAs = (name, bytes) => plain(type(name), type(name).decode(bytes));

/** The reverse, for tests that publish: BigInt becomes protobufjs' Long, the name of an enum's value its number. */
export function encodeAs(name, object) {
  return type(name).encode(wireObject(type(name), object)).finish();
}

function wireObject(messageType, object) {
  const one = (field, value) => {
    if (field.resolvedType instanceof protobuf.Enum) return field.resolvedType.values[value] ?? value;
    if (field.resolvedType) return wireObject(field.resolvedType, value);
    return typeof value === 'bigint' ? protobuf.util.Long.fromString(`${value}`, /^u/.test(field.type)) : value;
  };
  return messageType.create(Object.fromEntries(Object.entries(object).map(([key, value]) => {
    const field = messageType.fields[key];
    if (!field) throw new Error(`${messageType.name} has no field ${key}`);
    return [key, field.repeated ? value.map((item) => one(field, item)) : one(field, value)];
  })));
}

const byChannel = {
  orderbook: 'BookUpdate', 'orderbook.100ms': 'BookUpdate', 'orderbook.1s': 'BookUpdate', quote: 'Quote',
  trade: 'Trades', status: 'InstrumentStatus', imbalance: 'Imbalance', order: 'OrderEvents',
  'candle.1s': 'Candle', 'candle.1m': 'Candle', 'candle.5m': 'Candle', 'candle.1h': 'Candle', 'candle.1d': 'Candle',
};
export const bookChannels = ['orderbook', 'orderbook.100ms', 'orderbook.1s'];

/** What a subject of {MIC}.{SYMBOL}.{channel} names; null for any other. */
export function instrumentSubject(subject) {
  const [exchange, token, ...rest] = subject.split('.');
  const channel = rest.join('.');
  if (!/^[A-Z]/.test(exchange) || !(channel in byChannel)) return null;
  return { exchange, symbol: decodeURIComponent(token), token, channel };
}

export function decode(subject, bytes) {
  const of = instrumentSubject(subject);
  if (of) return decodeAs(byChannel[of.channel], bytes);
  const aggregate = /^agg\.[^.]+\.(nbbo|candle\.[^.]+)$/.exec(subject)?.[1];
  if (aggregate) return decodeAs(aggregate === 'nbbo' ? 'Nbbo' : 'Candle', bytes);
  if (/^feed\.[A-Z]+\.\d+\.status$/.test(subject)) return decodeAs('FeedStatus', bytes);
  if (/^feed\.[A-Z]+\.\d+\.line\.[^.]+$/.test(subject)) return decodeAs('LineStatus', bytes);
  if (/^instruments\.[A-Z0-9]{4}\.changes$/.test(subject)) return decodeAs('InstrumentList', bytes);
  throw new Error(`no payload is documented for subject ${subject}`);
}

// A client of the gateway's WebSocket, built on npm's ws: keeps the books it is sent by the rules of docs/stream.md, which
// are those of the bus on another form, and writes down whatever does not hold.
import assert from 'node:assert/strict';
import path from 'node:path';
import WebSocket from 'ws';
import { Book } from './book.mjs';
import { NatsServer, Program, build, logged, until } from './programs.mjs';

export const gatewayProgram = path.join(build, 'gateways/tickwire-gateway');

/** Starts tickwire-gateway on `nats` on a free port: `port`, `url` (http://…) and `stream` (ws://…) are set. */
export async function startGateway(nats, settings = []) {
  const program = new Program(gatewayProgram,
    ['--nats', nats.url, '--port', '0', '--log-format', 'json', '--anonymous', 'XNAS.>,feed.>', '--max-clients', '500', ...settings]);
  await program.says(/"gateway serves"/);
  program.port = (await logged(program, 'the port', (line) => line.message === 'gateway serves')).port;
  program.url = `http://127.0.0.1:${program.port}`;
  program.stream = `ws://127.0.0.1:${program.port}/v1/stream`;
  return program;
}

/** A gateway on a bus of its own, for `body`; it must have logged no error and end by itself. */
export async function withGateway(settings, body) {
  const nats = await NatsServer.start(), gateway = await startGateway(nats, settings);
  try {
    await body(gateway);
    assert.doesNotMatch(gateway.stderr, /"level":"error"/);
  } finally {
    assert.equal(await gateway.stop(), 0, gateway.stderr);
    await nats.stop();
  }
}

const exactly = (text) => BigInt(text.replace('.', ''));
const sideOf = (levels) => ({
  prices: levels.map(([price]) => exactly(price)),
  quantities: levels.map(([, quantity]) => exactly(quantity)),
  orders: levels.map(([, , orders]) => orders),
});

/** The JSON form of a book as lib/book.mjs takes it: scaled integers are the strings without their points. */
export function updateOf(message) {
  const bids = sideOf(message.bids ?? []), asks = sideOf(message.asks ?? []);
  return {
    epoch: message.epoch, term: BigInt(message.term), prevSeq: BigInt(message.prev_seq), seq: BigInt(message.seq),
    snapshot: message.snapshot === true, depth: message.depth, checksum: Number(message.checksum),
    state: message.state, cause: message.cause, priceExponent: message.price_exponent,
    bidPrices: bids.prices, bidQuantities: bids.quantities, bidOrders: bids.orders,
    askPrices: asks.prices, askQuantities: asks.quantities, askOrders: asks.orders,
  };
}

export class StreamClient {
  /** Connects and waits for the greeting. */
  static async connect(gateway, { protocols = ['tickwire.json.v1'], onMessage, ...options } = {}) {
    const self = new StreamClient(gateway.stream, protocols, options);
    self.onMessage = onMessage;
    await until('the gateway to greet', () => self.hello || self.closed);
    if (!self.hello) throw new Error(`closed with ${JSON.stringify(self.closed)}`);
    return self;
  }

  constructor(url, protocols, options) {
    this.books = new Map(); // subject -> Book
    this.latest = new Map(); // subject -> newest message
    this.messages = []; // all but books and heartbeats
    this.faults = [];
    this.counts = { book: 0, snapshots: 0, merged: 0, heartbeat: 0 };
    this.nextId = 1;
    this.socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
    this.socket.on('message', (data) => this.#take(JSON.parse(data.toString())));
    this.socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on('error', (error) => (this.error = error));
    this.socket.on('unexpected-response', (request, response) => {
      this.closed = { status: response.statusCode, challenge: response.headers['www-authenticate'] };
      request.destroy();
    });
  }

  #take(message) {
    if (message.type === 'hello') this.hello = message;
    if (message.subject) this.latest.set(message.subject, message);
    if (message.type === 'book') this.#takeBook(message);
    else if (message.type === 'heartbeat') this.counts.heartbeat++;
    else this.messages.push(message);
    this.onMessage?.(message, message.type === 'book' ? this.books.get(message.subject) : undefined);
  }

  // The gateway's word is law: a snapshot replaces, whatever was held before; every other message must chain on.
  #takeBook(message) {
    const update = updateOf(message);
    this.counts.book++;
    this.counts.merged += message.merged ?? 0;
    if (update.snapshot) {
      this.counts.snapshots++;
      this.books.set(message.subject, new Book());
    }
    const book = this.books.get(message.subject) ?? new Book();
    this.books.set(message.subject, book);
    const outcome = book.take(update);
    if (!['applied', 'state', 'snapshot'].includes(outcome))
      this.faults.push(`${message.subject} ${outcome}: ${JSON.stringify(message).slice(0, 300)}`);
  }

  send(request) {
    this.socket.send(typeof request === 'string' || Buffer.isBuffer(request) ? request : JSON.stringify(request));
  }

  /** Sends and waits for the answer with its id. */
  async ask(request) {
    const id = this.nextId++;
    this.send({ id, ...request });
    return until(() => `an answer to ${JSON.stringify(request)}; ${JSON.stringify(this.closed)}`,
      () => this.messages.find((message) => message.id === id && ['ack', 'error', 'pong'].includes(message.type)));
  }

  async subscribe(subjects, more = {}) {
    const answer = await this.ask({ op: 'subscribe', subjects: [subjects].flat(), ...more });
    if (answer.type !== 'ack') throw new Error(JSON.stringify(answer));
    return answer;
  }

  error_(code) {
    return this.messages.find((message) => message.type === 'error' && message.code === code);
  }

  async close() {
    this.socket.close();
    await until('the connection to end', () => this.closed);
  }

  async gone() {
    return until('the connection to end', () => this.closed);
  }
}

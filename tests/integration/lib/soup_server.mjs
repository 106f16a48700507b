// A SoupBinTCP server and a GLIMPSE service, written from the specifications ("SoupBinTCP" 3.00 and 4.00, "NASDAQ GLIMPSE
// 5.0"), so that nothing in them is shared with the program under test. It can also misbehave, as it is told.
import { once } from 'node:events';
import net from 'node:net';
import * as itch from './itch.mjs';
import { freePort } from './ports.mjs';

/** A packet: length of what follows in two bytes, type, payload. */
export const soup = (type, payload = Buffer.alloc(0)) => {
  const head = Buffer.alloc(3);
  head.writeUInt16BE(payload.length + 1, 0);
  head.write(type, 2, 'latin1');
  return Buffer.concat([head, payload]);
};
const right = (value, width) => Buffer.from(`${value}`.padStart(width), 'latin1');
export const accepted = (session, sequence) => soup('A', Buffer.concat([right(session, 10), right(sequence, 20)]));

class Connection {
  constructor(server, socket) {
    this.server = server;
    this.socket = socket;
    this.received = Buffer.alloc(0);
    this.next = 0; // number of the next message to be sent; 0: not logged in
    this.heard = []; // types of packets
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#on(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(this.beat);
      server.connections.delete(this);
    });
  }

  #on(bytes) {
    this.received = Buffer.concat([this.received, bytes]);
    while (this.received.length >= 2 && this.received.length >= 2 + this.received.readUInt16BE(0)) {
      const length = this.received.readUInt16BE(0);
      const type = this.received.toString('latin1', 2, 3), payload = this.received.subarray(3, 2 + length);
      this.received = this.received.subarray(2 + length);
      this.heard.push(type);
      if (type === 'L') this.#login(payload);
      if (type === 'O') this.socket.end();
    }
  }

  #login(payload) {
    const field = (from, to) => payload.toString('latin1', from, to).trim();
    const login = { user: field(0, 6), password: field(6, 16), session: field(16, 26), sequence: Number(field(26, 46)),
      timeout: payload.length > 46 ? Number(field(46, 51)) : undefined, bytes: payload.length };
    this.server.logins.push(login);
    if (this.server.onLogin?.(this, login)) return;
    this.answer(login);
  }

  /** As a server that works answers. */
  answer({ user, password, session, sequence }) {
    const { server } = this, same = (a, b) => a.toLowerCase() === b.toLowerCase();
    if (!same(user, server.user) || !same(password, server.password)) return this.reject('A');
    if (session !== '' && session !== server.session) return this.reject('S');
    this.stream(sequence);
  }

  reject(reason) {
    this.send(soup('J', Buffer.from(reason)));
    this.socket.end();
  }

  stream(sequence, messages = this.server.messages) {
    this.messages = messages;
    this.next = sequence === 0 ? messages.length + 1 : Math.min(sequence, messages.length + 1);
    this.send(accepted(this.server.session, this.next));
    if (this.server.heartbeatMs > 0) this.beat = setInterval(() => this.send(soup('H')), this.server.heartbeatMs);
    this.pump();
  }

  /** What is new, in pieces of a size that fits no packet. */
  pump() {
    if (this.next === 0) return;
    const { cutAfter } = this.server, last = Math.min(this.messages.length, cutAfter ?? Infinity);
    const bytes = Buffer.concat(this.messages.slice(this.next - 1, last).map((message) => soup('S', message)));
    this.next = Math.max(this.next, last + 1);
    for (let at = 0; at < bytes.length; at += 4001) this.send(bytes.subarray(at, at + 4001));
    if (cutAfter !== undefined && this.next > cutAfter) {
      this.socket.end(soup('S', this.messages[cutAfter] ?? Buffer.from('x')).subarray(0, 7)); // in the middle of a packet
    } else if (this.server.ended && this.messages === this.server.messages) {
      this.socket.end(soup('Z'));
    }
  }

  send(bytes) {
    if (!this.socket.destroyed && !this.socket.writableEnded) this.socket.write(bytes);
  }
}

export class SoupServer {
  /** `onLogin(connection, login)` may answer itself and return true. */
  static async open({ session = 'DAY1', messages = [], user = 'trader', password = 'secret', heartbeatMs = 200, onLogin } = {}) {
    const server = new SoupServer();
    Object.assign(server, { session, messages: [...messages], user, password, heartbeatMs, onLogin });
    await server.listen(await freePort());
    return server;
  }

  constructor() {
    this.connections = new Set();
    this.logins = [];
    this.ended = false;
  }

  async listen(port = this.port) {
    this.server = net.createServer((socket) => this.connections.add(new Connection(this, socket)));
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
  }

  url(session = '', { user = this.user, password = this.password, host = '127.0.0.1' } = {}) {
    return `soup://${user}:${password}@${host}:${this.port}${session === '' ? '' : `/${session}`}`;
  }

  push(...messages) {
    this.messages.push(...messages);
    for (const connection of this.connections) connection.pump();
  }

  end() {
    this.ended = true;
    for (const connection of this.connections) connection.pump();
  }

  /** Another session: who asks for the old one is told that it is not to be had. */
  change(session, messages = []) {
    Object.assign(this, { session, messages: [...messages], ended: false });
    this.cut();
  }

  cut() {
    for (const connection of this.connections) connection.socket.destroy();
  }

  async close() {
    this.cut();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, 'close');
  }
}

/** The state after the first `count` messages of a day, as GLIMPSE tells it: system event, directory, trading action and
 * short-sale restriction of each stock, all resting orders in priority, and where to go on. */
export function snapshotAfter(messages, count, { join = count + 1 } = {}) {
  const day = new itch.ReferenceDay(), last = new Map();
  for (const message of messages.slice(0, count)) {
    day.apply(message);
    const type = String.fromCharCode(message[0]), locate = message.readUInt16BE(1);
    if (type === 'S') last.set('S', message);
    if ('RHY'.includes(type)) last.set(`${type} ${locate}`, message);
  }
  const of = (type) => [...last].filter(([key]) => key[0] === type).map(([, message]) => message);
  const locates = new Map([...day.names].map(([locate, symbol]) => [symbol, locate]));
  const orders = [...day.orders].map(([id, order]) =>
    itch.add(locates.get(order.symbol), order.symbol, id, order.side === 0 ? 'B' : 'S', Number(order.shares), Number(order.price)));
  return [...of('S'), ...of('R'), ...of('H'), ...of('Y'), ...orders, Buffer.concat([Buffer.from('G'), right(join, 20)])];
}

/** A GLIMPSE service: each login gets the snapshot that `take()` gives at that moment. */
export class GlimpseServer extends SoupServer {
  static async open({ take, ...options }) {
    const server = new GlimpseServer();
    Object.assign(server, { session: 'GLIMPSE', messages: [], user: 'trader', password: 'secret', heartbeatMs: 200, take, ...options });
    const own = options.onLogin;
    server.onLogin = (connection, login) => {
      if (own?.(connection, login)) return true;
      if (login.user !== server.user || login.password !== server.password) return false;
      connection.stream(login.sequence, server.take());
      return true;
    };
    await server.listen(await freePort());
    return server;
  }
}

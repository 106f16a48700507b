// SoupBinTCP 3.00 (and the longer login of 4.00) a second time, from the specification alone: framing, login,
// heartbeats, logout; and what GLIMPSE 5.0 puts on top. A client for tests: it keeps what it got.
import net from 'node:net';
import { until } from './programs.mjs';

/** 2 bytes big endian length of what follows, 1 byte type, payload (1.1). */
export function frame(type, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(3);
  head.writeUInt16BE(payload.length + 1, 0);
  head.write(type, 2, 'latin1');
  return Buffer.concat([head, Buffer.from(payload)]);
}

/** User 6, password 10: left justified; session 10, sequence number 20: right justified; 4.00 adds 5 of milliseconds (2.3.1). */
export function loginRequest({ user = '', password = '', session = '', sequence = 1n, timeout }) {
  const fields = [user.padEnd(6), password.padEnd(10), session.padStart(10), `${sequence}`.padStart(20)];
  if (timeout !== undefined) fields.push(`${timeout}`.padStart(5));
  return frame('L', Buffer.from(fields.join(''), 'latin1'));
}

export class SoupClient {
  /** Connects and sends the login request. `options` are loginRequest's, and:
   * beats: false sends no heartbeats; reads: false takes nothing from the socket; login: false sends no login;
   * restMs: so long a rest after each piece read. */
  static async connect(address, options = {}) {
    const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address);
    const client = new SoupClient();
    client.socket = net.connect({ host, port: Number(port) });
    await new Promise((resolve, reject) => client.socket.once('connect', resolve).once('error', reject));
    client.socket.setNoDelay(true);
    client.#listen(options);
    if (options.login !== false) client.socket.write(loginRequest(options));
    return client;
  }

  packets = []; // { type, payload, ms }, but for sequenced data
  messages = []; // sequenced data's payloads, in order
  accepted = undefined; // { session, sequence }
  rejected = undefined; // the reason's letter
  ended = false; // end of session
  closed = false; // the connection
  error = undefined;
  bytes = 0;
  rest = Buffer.alloc(0); // of a packet that is not whole yet

  #listen({ beats = true, reads = true, restMs }) {
    this.socket.on('error', (error) => (this.error = error.code));
    this.socket.on('close', () => {
      this.closed = true;
      clearInterval(this.timer);
    });
    if (reads) this.socket.on('data', (bytes) => this.#take(bytes));
    if (restMs) this.socket.on('data', () => {
      this.socket.pause();
      setTimeout(() => this.socket.resume(), restMs);
    });
    if (beats) this.timer = setInterval(() => this.socket.write(frame('R')), 1000);
  }

  #take(bytes) {
    this.bytes += bytes.length;
    bytes = this.rest.length > 0 ? Buffer.concat([this.rest, bytes]) : bytes;
    let at = 0;
    while (bytes.length - at >= 2) {
      const length = bytes.readUInt16BE(at);
      if (length === 0) throw new Error('a packet of length 0');
      if (bytes.length - at < 2 + length) break;
      this.#packet(bytes.toString('latin1', at + 2, at + 3), bytes.subarray(at + 3, at + 2 + length));
      at += 2 + length;
    }
    this.rest = bytes.subarray(at);
  }

  #packet(type, payload) {
    if (this.ended) throw new Error(`packet ${type} behind the end of the session`);
    if (type === 'S') {
      if (!this.accepted) throw new Error('data before the login was accepted');
      this.messages.push(payload);
      return;
    }
    this.packets.push({ type, payload, ms: performance.now() });
    const text = payload.toString('latin1');
    if (type === 'A') {
      if (payload.length !== 30 || !/^ *[^ ]+$/.test(text.slice(0, 10)) || !/^ *\d+$/.test(text.slice(10)))
        throw new Error(`login accepted says "${text}"`);
      this.accepted = { session: text.slice(0, 10).trim(), sequence: BigInt(text.slice(10).trim()) };
    } else if (type === 'J') {
      this.rejected = text;
    } else if (type === 'Z') {
      this.ended = true;
    } else if (type !== 'H' && type !== '+') {
      throw new Error(`a server does not send ${type}`);
    }
  }

  /** The number the next sequenced message will have. */
  get next() {
    return this.accepted.sequence + BigInt(this.messages.length);
  }

  async answered() {
    await until('the login to be answered', () => this.accepted || this.rejected || this.closed);
    return this.rejected ?? this.accepted;
  }

  async whole() {
    await until(() => `the end of the session; ${this.messages.length} messages, closed: ${this.closed}`, () => this.ended || this.closed);
    if (!this.ended) throw new Error(`the connection closed after ${this.messages.length} messages (${this.error ?? 'in order'})`);
    return this.messages;
  }

  async gone() {
    await until(() => `the connection to be closed; ${this.messages.length} messages`, () => this.closed);
  }

  send(bytes) {
    this.socket.write(bytes);
  }

  logout() {
    this.send(frame('O'));
  }

  close() {
    clearInterval(this.timer);
    this.socket.destroy();
  }
}

/** A GLIMPSE snapshot by its end message: 'G' and 20 characters of a number. { messages: without it, join }. */
export function snapshotOf(messages) {
  const end = messages.at(-1);
  if (!end || end.length !== 21 || end[0] !== 0x47 || !/^ *\d+$/.test(end.toString('latin1', 1))) throw new Error('the snapshot has no end');
  return { messages: messages.slice(0, -1), join: BigInt(end.toString('latin1', 1).trim()) };
}

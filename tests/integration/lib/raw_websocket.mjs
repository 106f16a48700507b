// A WebSocket client written from RFC 6455 and 7692 alone, on a bare socket: it can say whatever a client may say, and what
// none may. Used to see how the gateway takes both.
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import { connect as connectTls } from 'node:tls';
import { deflateRawSync, inflateRawSync, constants } from 'node:zlib';
import { until } from './programs.mjs';

export const TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;

/** A connection that keeps all it is sent, and does not hang up before it is told to. `tls`: over TLS, whatever the certificate. */
export class RawSocket {
  constructor(port, { host = '127.0.0.1', localAddress, tls = false } = {}) {
    this.received = Buffer.alloc(0);
    this.ended = this.over = false;
    const options = { port, host, localAddress, allowHalfOpen: true };
    this.socket = tls ? connectTls({ ...options, rejectUnauthorized: false }) : net.connect(options);
    this.socket.on('data', (data) => (this.received = Buffer.concat([this.received, data])));
    this.socket.on('end', () => (this.ended = true)); // the other side has said all
    this.socket.on('close', () => (this.ended = this.over = true));
    this.socket.on('error', (error) => (this.error = error));
  }

  write(bytes) {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  get text() {
    return this.received.toString('latin1');
  }

  /** Waits for the other side to hang up, and returns all it has said. */
  async hungUp(patience) {
    await until(() => `the other side to hang up; it said ${this.text.slice(0, 300)}`, () => this.ended, patience);
    this.socket.destroy();
    return this.text;
  }

  async says(pattern, patience) {
    return until(() => `${pattern}, not ${this.text.slice(0, 300)}`, () => pattern.exec(this.text) ?? (this.over && ['']), patience);
  }

  destroy() {
    this.socket.destroy();
  }
}

/** The lines of an opening handshake; a header given as null is left out. */
export function handshake(port, { path = '/v1/stream', method = 'GET', version = 'HTTP/1.1', ...headers } = {}) {
  const all = { Host: `127.0.0.1:${port}`, Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'), ...headers };
  const lines = Object.entries(all).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${path} ${version}\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** A frame as a client writes it, or as none may: `masked`, `reserved` (0..7), a length written otherwise than it is. */
export function frame(opcode, payload = '', { final = true, reserved = 0, masked = true, length, wide } = {}) {
  const body = Buffer.from(payload), mask = randomBytes(4), told = length ?? BigInt(body.length);
  const width = wide ?? (told > 65535n ? 8 : told > 125n ? 2 : 0);
  const head = Buffer.alloc(2 + width);
  head[0] = (final ? 0x80 : 0) | reserved << 4 | opcode;
  head[1] = (masked ? 0x80 : 0) | (width === 8 ? 127 : width === 2 ? 126 : Number(told));
  if (width === 2) head.writeUInt16BE(Number(told), 2);
  if (width === 8) head.writeBigUInt64BE(BigInt.asUintN(64, told), 2);
  if (!masked) return Buffer.concat([head, body]);
  return Buffer.concat([head, mask, body.map((byte, index) => byte ^ mask[index % 4])]);
}

export const closeFrame = (code, reason = '') => {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return frame(CLOSE, payload);
};

/** Deflated as RFC 7692 (7.2.1) has it. */
export const deflated = (text) => {
  const bytes = deflateRawSync(Buffer.from(text), { finishFlush: constants.Z_SYNC_FLUSH });
  return bytes.subarray(0, bytes.length - 4);
};
export const inflated = (bytes) =>
  inflateRawSync(Buffer.concat([bytes, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: constants.Z_SYNC_FLUSH });

export class RawWebSocket extends RawSocket {
  /** Connects and reads the answer; `headers` as of handshake(). */
  static async connect(gateway, headers = {}, options = {}) {
    const self = new RawWebSocket(gateway.port, options);
    const request = handshake(gateway.port, headers);
    self.write(request);
    await self.says(/\r\n\r\n/);
    self.answer = self.text.slice(0, self.text.indexOf('\r\n\r\n'));
    self.offset = self.answer.length + 4;
    const key = /Sec-WebSocket-Key: (\S+)/.exec(request)[1];
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    if (!/^HTTP\/1\.1 101 /.test(self.answer) || !self.answer.includes(`Sec-WebSocket-Accept: ${accept}`)) throw new Error(self.answer);
    self.deflates = /permessage-deflate/.test(self.answer);
    return self;
  }

  /** All whole frames so far. Throws at one that no server may send. */
  frames() {
    const list = [], bytes = this.received;
    for (let at = this.offset; at + 2 <= bytes.length;) {
      const first = bytes[at], short = bytes[at + 1];
      if (short & 0x80) throw new Error('a server does not mask');
      if ((first & 0x30) !== 0 || (!this.deflates && first & 0x40)) throw new Error(`reserved bits: ${first}`);
      const width = short === 127 ? 8 : short === 126 ? 2 : 0;
      if (at + 2 + width > bytes.length) break;
      const length = width === 8 ? Number(bytes.readBigUInt64BE(at + 2)) : width === 2 ? bytes.readUInt16BE(at + 2) : short;
      if (width > 0 && length < (width === 2 ? 126 : 65536)) throw new Error('a length in more bytes than it needs');
      const start = at + 2 + width;
      if (start + length > bytes.length) break;
      list.push({ opcode: first & 0x0f, final: (first & 0x80) !== 0, packed: (first & 0x40) !== 0, payload: bytes.subarray(start, start + length) });
      at = start + length;
    }
    return list;
  }

  /** The JSON messages so far. */
  messages() {
    return this.frames().filter(({ opcode }) => opcode === TEXT).map(({ packed, payload }) => JSON.parse(packed ? inflated(payload) : payload));
  }

  async message(what, condition) {
    return until(() => `${what}; ${this.text.slice(-300)}`, () => this.messages().find(condition));
  }

  async framed(opcode, condition = () => true) {
    return until(() => `a frame with opcode ${opcode}; ${this.over ? 'closed' : 'open'}, ${this.frames().length} frames`,
      () => this.frames().find((one) => one.opcode === opcode && condition(one)));
  }

  /** Waits for the gateway's close frame and the end of the connection: { code, reason }. */
  async closed(patience) {
    await until(() => `the gateway to hang up; ${this.frames().length} frames`, () => this.ended, patience);
    this.socket.destroy();
    const close = this.frames().find(({ opcode }) => opcode === CLOSE);
    if (!close) return { code: 1006, reason: '' };
    if (close.payload.length === 0) return { code: 1005, reason: '' };
    return { code: close.payload.readUInt16BE(0), reason: close.payload.subarray(2).toString() };
  }

  send(request) {
    this.write(frame(TEXT, typeof request === 'string' ? request : JSON.stringify(request)));
  }
}

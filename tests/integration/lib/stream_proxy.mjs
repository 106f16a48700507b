// A wire between a browser and the gateway that knows WebSocket frames: it can change or drop one message on its way to the
// browser, hold everything back, cut everything, and lead to another gateway. Pages pass as they are.
import net from 'node:net';

export class StreamProxy {
  static async open(port) {
    const self = new StreamProxy();
    self.target = port; // of the gateway, may be changed at any time
    self.stalled = false;
    self.pairs = new Set();
    self.sent = []; // texts that browsers sent, newest last
    self.server = net.createServer((browser) => self.#accept(browser));
    await new Promise((resolve) => self.server.listen(0, '127.0.0.1', resolve));
    self.url = `http://127.0.0.1:${self.server.address().port}`;
    return self;
  }

  #accept(browser) {
    const gateway = net.connect(this.target, '127.0.0.1'), pair = { browser, gateway };
    this.pairs.add(pair);
    const down = new Frames((frame) => this.#pass(frame, browser)), up = new Frames((frame) => {
      if (frame.opcode === 1) this.sent.push(unmasked(frame).toString());
      gateway.write(frame.bytes);
    });
    gateway.on('data', (bytes) => down.take(bytes, (plain) => browser.write(plain)));
    browser.on('data', (bytes) => up.take(bytes, (plain) => gateway.write(plain)));
    for (const [from, to] of [[browser, gateway], [gateway, browser]]) {
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        this.pairs.delete(pair);
      });
    }
    if (this.stalled) this.#pause(pair);
  }

  #pass(frame, browser) {
    const changed = this.tamper && frame.opcode === 1 ? this.tamper(frame.body.toString()) : undefined;
    if (changed === undefined) {
      browser.write(frame.bytes);
      return;
    }
    this.tamper = undefined;
    if (changed !== null) browser.write(frameOf(Buffer.from(changed)));
  }

  /** Changes one message: `choose(text)` gives undefined (not this one), another text, or null (drop it). Resolves with its text. */
  tamperWithOne(choose) {
    return new Promise((resolve) => {
      this.tamper = (text) => {
        const changed = choose(text);
        if (changed !== undefined) resolve(text);
        return changed;
      };
    });
  }

  #pause({ browser, gateway }) {
    browser.pause();
    gateway.pause();
  }

  /** Nothing passes any more, nobody is told. */
  stall() {
    this.stalled = true;
    for (const pair of this.pairs) this.#pause(pair);
  }

  resume() {
    this.stalled = false;
    for (const { browser, gateway } of this.pairs) {
      browser.resume();
      gateway.resume();
    }
  }

  /** Every connection ends now; new ones are welcome. */
  cut() {
    for (const { browser, gateway } of this.pairs) {
      browser.destroy();
      gateway.destroy();
    }
  }

  close() {
    this.cut();
    this.server.close();
  }
}

const unmasked = ({ body, mask }) => (mask ? Buffer.from(body.map((byte, i) => byte ^ mask[i % 4])) : body);

function frameOf(body) {
  const head = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([head, body]);
}

/** One direction of a connection: HTTP until an upgrade was answered, then WebSocket frames. */
class Frames {
  constructor(onFrame) {
    this.onFrame = onFrame;
    this.rest = Buffer.alloc(0);
    this.upgraded = false;
  }

  take(bytes, onPlain) {
    if (!this.upgraded) {
      const text = bytes.toString('latin1'), end = text.indexOf('\r\n\r\n');
      const upgrade = /^HTTP\/1\.1 101/.test(text) || /^GET \/v1\/stream /.test(text);
      onPlain(upgrade ? bytes.subarray(0, end + 4) : bytes);
      if (!upgrade) return;
      this.upgraded = true;
      bytes = bytes.subarray(end + 4);
    }
    this.rest = Buffer.concat([this.rest, bytes]);
    for (let frame; (frame = this.#next());) this.onFrame(frame);
  }

  #next() {
    const { rest } = this;
    if (rest.length < 2) return undefined;
    const short = rest[1] & 127, lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0, maskBytes = rest[1] & 128 ? 4 : 0;
    const start = 2 + lengthBytes + maskBytes;
    if (rest.length < start) return undefined;
    const length = lengthBytes === 0 ? short : lengthBytes === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (rest.length < start + length) return undefined;
    this.rest = rest.subarray(start + length);
    return { opcode: rest[0] & 15, mask: maskBytes ? rest.subarray(start - 4, start) : undefined, body: rest.subarray(start, start + length), bytes: rest.subarray(0, start + length) };
  }
}

// A hand-made exchange: MoldUDP64 datagrams on loopback, packet by packet, as a test wants them.
import dgram from 'node:dgram';
import { endOfSession, heartbeat, packet } from './itch.mjs';

export class MoldSender {
  /** `host` may be a multicast group: it is then sent on the loopback interface. */
  static async open(port, { host = '127.0.0.1', session = 'DAY1', next = 1 } = {}) {
    const self = new MoldSender();
    Object.assign(self, { port, host, session, next });
    self.socket = dgram.createSocket('udp4');
    await new Promise((resolve) => self.socket.bind(0, host.startsWith('127.') ? '127.0.0.1' : undefined, resolve));
    if (!host.startsWith('127.')) self.socket.setMulticastInterface('127.0.0.1');
    return self;
  }

  raw(bytes) {
    return new Promise((resolve, reject) =>
      this.socket.send(bytes, this.port, this.host, (error) => (error ? reject(error) : resolve())));
  }

  /** The next messages of the session in one packet. */
  async send(...messages) {
    await this.raw(packet(this.session, this.next, messages));
    this.next += messages.length;
  }

  /** A packet that is not sent now: call what is returned to send it late. */
  withhold(...messages) {
    const late = packet(this.session, this.next, messages);
    this.next += messages.length;
    return () => this.raw(late);
  }

  heartbeat() {
    return this.raw(heartbeat(this.session, this.next));
  }

  end() {
    return this.raw(endOfSession(this.session, this.next));
  }

  /** Heartbeats from now on; returns what stops them. `gaps` collects the pauses between them in ms. */
  beat(everyMs = 50) {
    const gaps = [];
    let last = performance.now();
    const timer = setInterval(() => {
      gaps.push(performance.now() - last);
      last = performance.now();
      this.heartbeat().catch(() => {});
    }, everyMs);
    return { gaps, stop: () => clearInterval(timer) };
  }

  close() {
    this.socket.close();
  }
}

// A wire between two TCP ends that a test can stall, slow down, or cut without a word.
import net from 'node:net';

export class TcpProxy {
  /** Listens on a free port of 127.0.0.1 and forwards to `target` (a URL). */
  static async open(target) {
    const self = new TcpProxy();
    self.target = new URL(target);
    self.mode = 'forward'; // 'stalled': nothing is read; 'swallow': all is read, nothing arrives; a number: bytes a second
    self.pairs = new Set();
    self.carried = 0;
    self.server = net.createServer((client) => self.#accept(client));
    await new Promise((resolve) => self.server.listen(0, '127.0.0.1', resolve));
    self.url = `nats://127.0.0.1:${self.server.address().port}`;
    return self;
  }

  #accept(client) {
    const server = net.connect(Number(this.target.port), this.target.hostname);
    const pair = [client, server];
    this.pairs.add(pair);
    for (const [from, to] of [[client, server], [server, client]]) {
      from.on('data', (bytes) => this.#carry(from, to, bytes));
      from.on('error', () => {});
      from.on('close', () => {
        if (this.mode !== 'swallow') to.destroy(); // a cut wire does not carry the end of a connection either
        if (client.destroyed && server.destroyed) this.pairs.delete(pair);
      });
      if (this.mode === 'stalled') from.pause();
    }
  }

  #carry(from, to, bytes) {
    if (this.mode === 'swallow') return;
    this.carried += bytes.length;
    to.write(bytes);
    if (typeof this.mode !== 'number') return;
    from.pause();
    setTimeout(() => this.mode !== 'stalled' && from.resume(), (1000 * bytes.length) / this.mode);
  }

  #each(act) {
    for (const pair of this.pairs) pair.forEach(act);
  }

  /** Nothing is read any more: the senders' buffers fill. */
  stall() {
    this.mode = 'stalled';
    this.#each((socket) => socket.pause());
  }

  /** About so many bytes a second and direction. */
  slow(bytesPerSecond) {
    this.mode = bytesPerSecond;
    this.#each((socket) => socket.resume());
  }

  /** The wire is cut: what is sent is acknowledged by the kernel and arrives nowhere, nobody is told. New connections likewise. */
  swallow() {
    this.mode = 'swallow';
  }

  /** As in the beginning. Connections that lost bytes end. */
  mend() {
    const cut = this.mode === 'swallow';
    this.mode = 'forward';
    this.#each((socket) => (cut ? socket.destroy() : socket.resume()));
  }

  close() {
    this.#each((socket) => socket.destroy());
    this.server.close();
  }
}

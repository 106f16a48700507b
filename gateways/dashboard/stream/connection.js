// One connection to /v1/stream that is always being kept up: greets, proves who is there, pings, notices silence, comes
// back after an end. It has no timers of its own: whoever composes it calls tick() several times a second. What is
// subscribed over it is not its business (subscriptions.js).
import { Backoff } from './backoff.js';
import { ServerClock } from './server_clock.js';

export const PROTOCOL = 'tickwire.json.v1';
const PING_MS = 1000;      // between pings
const SILENT_MS = 3000;    // nothing heard, not even a pong, for so long: what is shown is not live
const GIVE_UP_MS = 10_000; // likewise: the connection is given up and another one tried
const OPENING_MS = 10_000; // for the handshake and the greeting
const CLOSED_UNAUTHORIZED = 4401;

/** What a socket of this kind gives: WebSocket's onopen, onmessage, onclose, send, close. */
const browserSocket = (url) => new WebSocket(url, PROTOCOL);

export class Connection {
  /**
   * `onMessage(message, at)` gets every message but pongs, `onPhase()` is called after any change of `phase` or `silent`.
   * `now()` gives milliseconds since 1970 with a fraction.
   */
  constructor({ url, onMessage, onPhase = () => {}, now = () => performance.timeOrigin + performance.now(), open = browserSocket, random = Math.random }) {
    Object.assign(this, { url, onMessage, onPhase, now, open });
    this.backoff = new Backoff({ random });
    this.clock = new ServerClock();
    this.phase = 'idle'; // 'connecting', 'open', 'waiting' (until retryAt), 'refused' (a token is needed)
    this.silent = false;
    this.since = this.now(); // of the phase
    this.heardAt = undefined; // anything at all
    this.reason = '';
    this.hello = undefined;
    this.token = undefined;
    this.counts = { opened: 0, lost: 0, messages: 0, malformed: 0, bytes: 0 };
    this.pings = new Map(); // id -> when
    this.nextPing = 0;
    this.hint = undefined;
  }

  get live() {
    return this.phase === 'open' && !this.silent;
  }

  start() {
    this.#dropSocket();
    this.hint = undefined;
    this.#enter('connecting');
    let socket;
    try {
      socket = this.open(this.url);
    } catch (error) {
      this.#lost(`the address can't be used: ${error.message}`);
      return;
    }
    this.socket = socket;
    const mine = (act) => (event) => this.socket === socket && act(event);
    socket.onmessage = mine((event) => this.#take(event.data));
    socket.onclose = mine((event) => this.#closed(event));
    socket.onerror = () => {}; // a close follows
  }

  stop() {
    this.#dropSocket();
    this.#enter('idle');
  }

  /** From now on, and with a new connection at once if there was one. */
  authenticate(token) {
    this.token = token;
    if (this.phase !== 'idle') this.start();
  }

  /** False where there is no connection to send over. */
  send(request) {
    if (this.phase !== 'open') return false;
    this.socket.send(JSON.stringify(request));
    return true;
  }

  tick() {
    const now = this.now();
    if (this.phase === 'waiting' && now >= this.retryAt) this.start();
    if (this.phase === 'connecting' && now - this.since > OPENING_MS) this.#lost('no answer');
    if (this.phase !== 'open') return;
    if (now - this.heardAt > GIVE_UP_MS) {
      this.#lost('nothing was heard');
      return;
    }
    this.#setSilent(now - this.heardAt > SILENT_MS);
    if (now - this.lastPing >= (this.clock.samples.length < 3 ? PING_MS / 4 : PING_MS)) this.#ping(now);
  }

  #ping(now) {
    const id = `ping-${this.nextPing++}`;
    if (this.pings.size > 100) this.pings.clear();
    this.pings.set(id, this.now());
    this.lastPing = now;
    this.send({ id, op: 'ping' });
  }

  #take(data) {
    const at = this.now();
    this.heardAt = at;
    this.counts.messages++;
    this.counts.bytes += data.length;
    if (this.silent) this.#setSilent(false);
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      this.counts.malformed++; // whatever it was, the chain of its subject will show the loss
      return;
    }
    if (message.type === 'pong') this.#pong(message, at);
    else if (message.type === 'hello') this.#greeted(message, at);
    else if (message.type === 'closing') this.hint = message;
    else this.onMessage(message, at);
  }

  #pong({ id, time_ns }, at) {
    const sent = this.pings.get(id);
    if (sent === undefined) return;
    this.pings.delete(id);
    this.clock.take(sent, at, Number(time_ns) / 1e6);
  }

  #greeted(hello, at) {
    this.hello = hello;
    this.counts.opened++;
    this.backoff.succeeded();
    this.clock = new ServerClock(); // it may be another server
    this.lastPing = -Infinity;
    this.pings.clear();
    this.#enter('open', '', () => {
      if (this.token) this.send({ id: 'auth', op: 'auth', token: this.token });
    });
    this.#ping(at);
  }

  #closed({ code, reason }) {
    if (code === CLOSED_UNAUTHORIZED) {
      this.#dropSocket();
      this.#enter('refused', reason || 'not signed in');
      return;
    }
    const words = this.hint ? `the gateway is going away: ${this.hint.reason}` : reason || (code === 1006 ? 'the gateway can\'t be reached' : `closed (${code})`);
    this.#lost(words);
  }

  #lost(reason) {
    this.#dropSocket();
    if (this.phase === 'open') this.counts.lost++;
    this.retryAt = this.now() + this.backoff.next(this.hint?.reconnect_after_ms);
    this.hint = undefined;
    this.#enter('waiting', reason);
  }

  #dropSocket() {
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  #setSilent(silent) {
    if (silent === this.silent) return;
    this.silent = silent;
    this.onPhase();
  }

  #enter(phase, reason = '', before = () => {}) {
    this.phase = phase;
    this.reason = reason;
    this.since = this.now();
    this.silent = false;
    before();
    this.onPhase();
  }
}

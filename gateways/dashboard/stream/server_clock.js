// How far the server's clock is from the browser's, by pings: the answer was written somewhere between sending and hearing,
// so the quickest ping of the last minute knows best, to half its way there and back.

const WINDOW_MS = 60_000;

export class ServerClock {
  constructor() {
    this.samples = []; // { at, roundTrip, offset }, the quickest first
  }

  /** A ping sent at `sent`, answered at `heard` (browser's clock, ms), by a server whose clock said `server` (ms). */
  take(sent, heard, server) {
    const sample = { at: heard, roundTrip: heard - sent, offset: server - (sent + heard) / 2 };
    this.last = sample;
    this.samples = this.samples.filter((one) => heard - one.at < WINDOW_MS && one.roundTrip < sample.roundTrip);
    this.samples.push(sample);
  }

  /** Server's clock minus the browser's, ms; undefined before the first answer. */
  get offset() {
    return this.samples[0]?.offset;
  }

  /** The most that `offset` can be wrong, ms. */
  get uncertainty() {
    return this.samples.length > 0 ? this.samples[0].roundTrip / 2 : undefined;
  }

  get roundTrip() {
    return this.last?.roundTrip;
  }
}

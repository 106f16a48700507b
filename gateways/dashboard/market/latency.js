// How long each hop took: exchange's event, receipt by the ingest, publication, gateway, browser. The newest few hundred
// messages are kept; clocks that differ by more than a minute are said to differ rather than measured.

export const HOPS = [
  { name: 'exchange → ingest', from: 'event_ns', to: 'receive_ns' },
  { name: 'ingest → bus', from: 'receive_ns', to: 'publish_ns' },
  { name: 'bus → gateway', from: 'publish_ns', to: 'gateway_ns' },
  { name: 'gateway → browser', from: 'gateway_ns', to: 'browser' },
  { name: 'ingest → browser', from: 'receive_ns', to: 'browser', total: true },
];
const KEPT = 512;
const OTHER_CLOCK_MS = 60_000;

export class Latency {
  constructor(most = 400) {
    this.most = most; // samples a second
    this.hops = HOPS.map(() => ({ samples: new Float64Array(KEPT), count: 0, differs: undefined }));
    this.second = 0;
    this.taken = 0;
  }

  /** A live message heard at `at` (browser's clock, ms) while the server's clock was `offset` ms ahead (undefined: not known yet). */
  take(message, at, offset) {
    if (message.snapshot === true || message.prev_seq === message.seq) return; // tells of an earlier time
    const second = Math.floor(at / 1000);
    if (second !== this.second) [this.second, this.taken] = [second, 0];
    if (this.taken++ >= this.most) return;
    for (let i = 0; i < HOPS.length; i++) this.#takeHop(HOPS[i], this.hops[i], message, offset === undefined ? undefined : at + offset);
  }

  #takeHop(hop, kept, message, browser) {
    const from = message[hop.from], to = hop.to === 'browser' ? browser : message[hop.to];
    if (from === undefined || to === undefined) return;
    const took = (hop.to === 'browser' ? to : Number(to) / 1e6) - Number(from) / 1e6;
    if (Math.abs(took) > OTHER_CLOCK_MS) {
      kept.differs = took;
      return;
    }
    kept.differs = undefined;
    kept.samples[kept.count++ % KEPT] = took;
  }

  /** Per hop { name, p50, p99, count, differs } in ms; p50 and p99 undefined where nothing was measured. */
  read() {
    return HOPS.map(({ name, total }, i) => {
      const { samples, count, differs } = this.hops[i], sorted = samples.slice(0, Math.min(count, KEPT)).sort();
      const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
      return { name, total, p50: at(0.5), p99: at(0.99), count, differs };
    });
  }
}

// What an operator looks at: feeds, latency hop by hop, counters.
import { grouped, short } from '../format/decimal.js';
import { latencyOf, spanOf, wallClock } from '../format/time.js';
import { causeWords } from '../market/state.js';
import { TextCell, el } from './dom.js';

/** Feed status per partition. */
export class FeedsView {
  constructor(app, loop) {
    this.app = app;
    this.element = document.getElementById('feeds');
    this.body = document.getElementById('feeds-rows');
    this.every = 250;
    this.rows = new Map();
    this.mark = loop.add(this);
  }

  #row(subject) {
    let row = this.rows.get(subject);
    if (row) return row;
    const names = ['name', 'state', 'seq', 'lost', 'instruments', 'term', 'leader'];
    row = { cells: Object.fromEntries(names.map((name) => [name, new TextCell(el('td', { class: name }))])) };
    row.cells.cause = new TextCell(el('td', { class: 'cause', colspan: `${names.length}` }));
    row.element = el('tr', {}, ...names.map((name) => row.cells[name].element));
    this.rows.set(subject, row);
    this.body.append(row.element, el('tr', {}, row.cells.cause.element));
    document.getElementById('feeds-empty').hidden = true;
    return row;
  }

  draw() {
    const { market, away } = this.app;
    for (const [subject, { message, parts, since, heard }] of market.feeds) {
      const { cells, element } = this.#row(subject), state = away ? 'STALE' : heard ? message.state : 'RECOVERING';
      const cause = away ? away.cause : heard ? message.cause : 'PAGE_WAITING';
      cells.name.set(`${parts.mic} ${parts.partition}`);
      cells.state.set(state);
      cells.cause.set(state === 'OK' ? `seen OK since ${wallClock(since)}` : `${causeWords(cause)}${message.detail && !away ? ` (${message.detail})` : ''}, since ${wallClock(away?.since ?? since)}`);
      cells.term.set(message.term);
      cells.leader.set(message.leader ?? '');
      cells.seq.set(grouped(message.seq));
      cells.lost.set(message.gap_from ? `gap ${message.gap_from}–${message.gap_to}` : message.lost);
      cells.instruments.set(message.instruments_not_ok > 0 ? `${message.instruments} (${message.instruments_not_ok} not ok)` : `${message.instruments}`);
      element.dataset.state = state.toLowerCase();
    }
    market.feedsDirty = false;
  }
}

/** Latency per hop, the median as a bar and the 99th percentile beside it. */
export class LatencyView {
  constructor(app, loop) {
    this.app = app;
    this.element = document.getElementById('latency');
    this.every = 500;
    const body = document.getElementById('latency-rows');
    this.rows = app.market.latency.read().map(({ name, total }) => {
      const row = { p50: new TextCell(el('td', { class: 'number' })), p99: new TextCell(el('td', { class: 'number' })), bar: el('div', { class: 'bar' }) };
      body.append(el('tr', { class: total ? 'total' : undefined }, el('th', { scope: 'row' }, name), row.p50.element, row.p99.element, el('td', { class: 'meter' }, row.bar)));
      return row;
    });
    this.clock = new TextCell(document.getElementById('latency-clock'));
    this.mark = loop.add(this);
  }

  draw() {
    const read = this.app.market.latency.read();
    read.forEach(({ p50, p99, differs }, i) => {
      const { bar, ...cells } = this.rows[i];
      const apart = differs !== undefined;
      cells.p50.set(apart ? 'clocks' : p50 === undefined ? '–' : latencyOf(p50));
      cells.p99.set(apart ? `${spanOf(Math.abs(differs))} apart` : p99 === undefined ? '–' : latencyOf(p99));
      bar.style.transform = `scaleX(${apart || p50 === undefined ? 0 : barShare(p50)})`;
    });
    const { offset, uncertainty, roundTrip } = this.app.connection.clock;
    this.clock.set(offset === undefined ? 'this clock: not compared yet'
      : `this clock: ${latencyOf(Math.abs(offset))} ${offset >= 0 ? 'behind' : 'ahead of'} the server's, ± ${latencyOf(uncertainty)}`);
    this.clock.element.title = `compared by pings: half of the quickest round trip of the last minute is how far this can be wrong; the last one took ${latencyOf(roundTrip ?? 0)}`;
  }
}

// 10 µs to 1 s on a logarithmic scale.
const barShare = (ms) => Math.min(1, Math.max(0.02, (Math.log10(Math.max(ms, 0.001)) + 2) / 5)).toFixed(3);

/** Counters of the page, and how well it draws. */
export class CountersView {
  constructor(app, loop) {
    this.app = app;
    this.loop = loop;
    this.element = document.getElementById('counters');
    this.every = 500;
    const list = document.getElementById('counters-list');
    this.cells = {};
    for (const [name, words] of [['rate', 'messages / s'], ['messages', 'messages'], ['merged', 'updates merged'], ['chainFaults', 'chain faults'],
      ['checksumFaults', 'checksum faults'], ['resyncs', 'resyncs'], ['reconnects', 'reconnects'], ['frames', 'frames / s'], ['busy', 'busy']]) {
      const value = el('dd', { id: `counter-${name}` });
      list.append(el('div', {}, el('dt', {}, words), value));
      this.cells[name] = new TextCell(value);
    }
    this.before = undefined;
    this.mark = loop.add(this);
  }

  draw(now) {
    const { counts } = this.app.market, { connection } = this.app, { cells, loop } = this;
    const work = loop.scriptMs + loop.messageMs;
    if (this.before) {
      const span = now - this.before.now;
      cells.rate.set(short(((counts.messages - this.before.messages) * 1000) / span));
      cells.busy.set(`${((100 * (work - this.before.work)) / span).toFixed(0)} %`);
    }
    this.before = { now, messages: counts.messages, work };
    cells.messages.set(grouped(`${counts.messages}`));
    for (const name of ['merged', 'chainFaults', 'checksumFaults', 'resyncs']) cells[name].set(grouped(`${counts[name]}`));
    for (const name of ['chainFaults', 'checksumFaults']) cells[name].element.dataset.kind = counts[name] > 0 ? 'bad' : 'good';
    cells.reconnects.set(`${Math.max(0, connection.counts.opened - 1)}`);
    cells.frames.set(loop.read(now).framesPerSecond.toFixed(0));
  }
}

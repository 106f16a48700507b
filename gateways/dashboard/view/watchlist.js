// The watchlist: one row an instrument, a grid for the keyboard and for screen readers.
import { changePercent, trimmed } from '../format/decimal.js';
import { causeWords, isHalted, isLive } from '../market/state.js';
import { Mark, TextCell, el } from './dom.js';
import { Rows } from './rows.js';
import { Sparkline } from './sparkline.js';

const ROW_HEIGHT = 30, TOUCHED_HEIGHT = 40; // as in the style sheet
const NARROW = '(max-width: 760px)';
const FLASH_MS = 220;
const SHORT_PRICE = 8, SHORT_ON_PHONE = 7; // characters that the columns hold; where a price is longer they get wider at the cost of the change
// In place of the sparkline, so short.
const BADGES = { STALE: 'STALE', RECOVERING: 'RECOVERS', CLOSED: 'CLOSED', HALTED: 'HALTED', PAUSED: 'PAUSED', QUOTATION_ONLY: 'QUOTING' };

export class WatchlistView {
  /** `app`: { market, watchlist, selected, select(key), remove(key), move(key, by), trustOf(instrument), colours } */
  constructor(app, loop) {
    this.app = app;
    this.element = document.getElementById('watchlist');
    this.scroller = document.getElementById('watchlist-rows');
    this.body = el('div', { class: 'rows-body', role: 'presentation' });
    this.scroller.append(this.body);
    this.empty = document.getElementById('watchlist-empty');
    this.count = new TextCell(document.getElementById('watchlist-count'));
    this.editing = false;
    this.changed = true; // which instruments there are
    this.sampled = false;
    this.flashing = new Set();
    this.mark = loop.add(this);
    this.rows = new Rows({ scroller: this.scroller, body: this.body, height: this.#rowHeight(), make: () => this.#makeRow(), onScroll: () => this.mark() });
    matchMedia(NARROW).addEventListener('change', () => {
      this.rows.setHeight(this.#rowHeight());
      this.listChanged();
    });
    this.scroller.addEventListener('keydown', (event) => this.#key(event));
    const edit = document.getElementById('watchlist-edit');
    edit.addEventListener('click', () => {
      this.editing = !this.editing;
      edit.setAttribute('aria-pressed', `${this.editing}`);
      this.element.classList.toggle('editing', this.editing);
    });
  }

  #rowHeight() {
    return matchMedia(NARROW).matches ? TOUCHED_HEIGHT : ROW_HEIGHT;
  }

  #makeRow() {
    const cell = (name, ...children) => el('span', { class: `cell ${name}`, role: 'gridcell' }, ...children);
    const row = { symbol: el('span', { class: 'symbol' }), mic: el('span', { class: 'mic' }), badge: el('span', { class: 'badge' }), spark: new Sparkline(),
      bid: cell('bid'), ask: cell('ask'), last: cell('last'), change: cell('change') };
    const act = (label, words, doIt) => el('button', { type: 'button', class: 'icon small', tabindex: '-1', 'aria-label': label, title: label, onclick: (event) => {
      event.stopPropagation();
      doIt(row.key);
    } }, words);
    row.tools = el('span', { class: 'tools' }, act('Move up', '↑', (key) => this.app.move(key, -1)), act('Move down', '↓', (key) => this.app.move(key, 1)),
      act('Remove from the watchlist', '×', (key) => this.app.remove(key)));
    row.element = el('div', { class: 'row', role: 'row', draggable: 'true' }, cell('name', row.symbol, row.mic), cell('trend', row.spark.element, row.badge), row.bid, row.ask, row.last, row.change, row.tools);
    for (const name of ['symbol', 'mic', 'badge', 'bid', 'ask', 'last', 'change']) row[`${name}Text`] = new TextCell(row[name]);
    for (const [name, element, attribute] of [['classes', row.element, 'class'], ['badgeKind', row.badge, 'data-kind'], ['changeWay', row.change, 'data-way'],
      ['lastWay', row.last, 'data-way'], ['chosen', row.element, 'aria-selected'], ['id', row.element, 'id'], ['place', row.element, 'aria-rowindex'], ['title', row.element, 'title']])
      row[name] = new Mark(element, attribute);
    row.element.addEventListener('click', () => this.app.open(row.key));
    this.#makeDraggable(row);
    return row;
  }

  #makeDraggable(row) {
    const { element } = row;
    element.addEventListener('dragstart', (event) => {
      this.dragged = row.key;
      event.dataTransfer.effectAllowed = 'move';
      event.dataTransfer.setData('text/plain', row.key);
    });
    element.addEventListener('dragover', (event) => this.dragged && event.preventDefault());
    element.addEventListener('drop', (event) => {
      event.preventDefault();
      const { keys } = this.app.watchlist;
      if (this.dragged && this.dragged !== row.key) this.app.move(this.dragged, keys.indexOf(row.key) - keys.indexOf(this.dragged));
      this.dragged = undefined;
    });
    element.addEventListener('dragend', () => (this.dragged = undefined));
  }

  #key(event) {
    const { watchlist, selected } = this.app, { keys } = watchlist, at = keys.indexOf(selected);
    const go = (to) => keys.length > 0 && this.app.select(keys[Math.min(keys.length - 1, Math.max(0, to))]);
    const page = Math.max(1, Math.floor(this.rows.sight / this.rows.height) - 1);
    if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) this.app.move(selected, event.key === 'ArrowUp' ? -1 : 1);
    else if (event.key === 'ArrowDown') go(at + 1);
    else if (event.key === 'ArrowUp') go(at < 0 ? 0 : at - 1);
    else if (event.key === 'PageDown') go(at + page);
    else if (event.key === 'PageUp') go(at - page);
    else if (event.key === 'Home') go(0);
    else if (event.key === 'End') go(keys.length - 1);
    else if ((event.key === 'Delete' || event.key === 'Backspace') && at >= 0) this.app.remove(selected);
    else return;
    event.preventDefault();
  }

  /** Instruments were added, removed, moved, or another one is selected. */
  listChanged() {
    this.redraw();
    const at = this.app.watchlist.keys.indexOf(this.app.selected);
    if (at >= 0) this.rows.reveal(at);
  }

  /** Every row anew, wherever it is scrolled to. */
  redraw() {
    this.changed = true;
    this.mark();
  }

  /** Sparklines have a new point. */
  sampleTaken() {
    this.sampled = true;
    this.mark();
  }

  draw(now) {
    const { watchlist, market } = this.app, { keys } = watchlist;
    if (this.changed) this.#drawList(keys);
    this.rows.each((row, index, moved) => {
      const one = market.instrument(keys[index]);
      const all = moved || this.changed;
      if (all) this.#assign(row, one, index);
      if (all || market.dirty.has(one)) this.#fill(row, one, now, !all);
      if (all || this.sampled) row.spark.draw(one.spark, one.sparkCount);
    });
    this.#endFlashes(now);
    market.dirty.clear();
    this.changed = this.sampled = false;
  }

  #drawList(keys) {
    this.rows.setCount(keys.length);
    this.scroller.setAttribute('aria-rowcount', `${keys.length}`);
    this.count.set(`${keys.length}`);
    this.empty.hidden = keys.length > 0;
    this.element.classList.remove('long'); // each row is filled anew
    if (!keys.includes(this.app.selected)) this.scroller.removeAttribute('aria-activedescendant');
  }

  #assign(row, one, index) {
    row.key = one.key;
    row.symbolText.set(one.symbol);
    row.micText.set(this.app.directories.size > 1 ? one.mic : '');
    row.id.set(`watch-${index}`);
    row.place.set(`${index + 1}`);
    row.element.dataset.key = one.key;
    const chosen = this.app.selected === one.key;
    row.chosen.set(`${chosen}`);
    if (chosen) this.scroller.setAttribute('aria-activedescendant', `watch-${index}`);
  }

  #fill(row, one, now, mayFlash) {
    const { bid, ask } = one.quote ?? {}, trust = this.app.trustOf(one);
    const live = isLive(trust.state), halted = isHalted(one.status?.trading);
    row.bidText.set(bid ? trimmed(bid[0]) : '–');
    row.askText.set(ask ? trimmed(ask[0]) : '–');
    const last = one.last ? trimmed(one.last.price) : '–';
    const short = this.rows.height === TOUCHED_HEIGHT ? SHORT_ON_PHONE : SHORT_PRICE;
    if (Math.max(row.bidText.text.length, row.askText.text.length, last.length) > short) this.element.classList.add('long');
    if (mayFlash && live && row.lastText.text !== last) this.#flash(row, now);
    row.lastText.set(last);
    row.lastWay.set(one.direction > 0 ? 'up' : one.direction < 0 ? 'down' : undefined);
    const change = one.last && one.reference ? changePercent(one.last.price, one.reference.price) : '';
    row.changeText.set(change || '–');
    row.changeWay.set(change[0] === '+' ? 'up' : change[0] === '-' ? 'down' : undefined);
    const badge = !live ? (trust.cause === 'PAGE_WAITING' ? '…' : BADGES[trust.state] ?? trust.state) : halted ? BADGES[one.status.trading] : '';
    row.badgeText.set(badge);
    row.spark.element.hidden = badge !== '';
    row.badgeKind.set(badge === '' ? undefined : !live ? trust.state.toLowerCase() : 'halt');
    row.stale = !live && trust.state !== 'CLOSED';
    row.title.set(!live ? `${one.key}: ${trust.state}, ${causeWords(trust.cause)}` : undefined);
    this.#class(row);
  }

  #class(row) {
    row.classes.set(`row${row.stale ? ' stale' : ''}${row.flashUntil !== undefined ? ' flash' : ''}${row.key === this.app.selected ? ' selected' : ''}`);
  }

  #flash(row, now) {
    row.flashUntil = now + FLASH_MS;
    this.flashing.add(row);
  }

  #endFlashes(now) {
    for (const row of this.flashing) {
      if (now < row.flashUntil) continue;
      row.flashUntil = undefined;
      this.flashing.delete(row);
      this.#class(row);
    }
    if (this.flashing.size > 0) this.mark();
  }
}

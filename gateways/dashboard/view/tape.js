// The trade tape, newest on top.
import { grouped, trimmed } from '../format/decimal.js';
import { clockOf } from '../format/time.js';
import { Mark, TextCell, el } from './dom.js';
import { Rows } from './rows.js';

const ROW_HEIGHT = 20;
const KINDS = { TRADE: '', HIDDEN: 'hidden', CROSS: 'cross', BREAK: 'break' };

export class TapeView {
  constructor(app, loop) {
    this.app = app;
    this.element = document.getElementById('tape');
    this.every = 50;
    const scroller = document.getElementById('tape-rows'), body = el('div', { class: 'rows-body' });
    scroller.append(body);
    this.missed = new TextCell(document.getElementById('tape-missed'));
    this.mark = loop.add(this);
    this.rows = new Rows({ scroller, body, height: ROW_HEIGHT, make: () => this.#makeRow(), onScroll: () => this.mark() });
  }

  #makeRow() {
    const row = { time: el('span', { class: 'time' }), price: el('span', { class: 'price' }), quantity: el('span', { class: 'quantity' }), kind: el('span', { class: 'kind' }) };
    row.element = el('div', { class: 'print' }, row.time, row.price, row.quantity, row.kind);
    for (const name of ['time', 'price', 'quantity', 'kind']) row[`${name}Text`] = new TextCell(row[name]);
    row.way = new Mark(row.element, 'data-way');
    row.void = new Mark(row.element, 'data-void');
    return row;
  }

  draw() {
    const tape = this.app.current?.tape, prints = tape?.prints ?? [];
    this.rows.setCount(prints.length);
    this.missed.set(tape?.passedOver > 0 ? `${tape.passedOver} passed over` : '');
    this.rows.each((row, index) => this.#fill(row, prints[prints.length - 1 - index]));
  }

  #fill(row, print) {
    row.timeText.set(print.event_ns ? clockOf(print.event_ns, 3) : '');
    row.priceText.set(print.price ? trimmed(print.price) : '');
    row.quantityText.set(grouped(trimmed(print.quantity, 0)));
    row.kindText.set(print.void ? 'void' : KINDS[print.kind] ?? print.kind.toLowerCase());
    row.way.set(print.aggressor === 'BUY' ? 'up' : print.aggressor === 'SELL' ? 'down' : undefined);
    row.void.set(print.void || print.kind === 'BREAK' ? 'true' : undefined);
  }
}

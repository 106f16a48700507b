// The order ticket: what the trader types, what is wrong with it, what stands against it, and what became of it. It sends nothing that was
// not pressed for, and asks again where the order is far from a market that is live.
import { grouped, trimmed } from '../format/decimal.js';
import { readDecimal } from '../format/exact.js';
import { cautionsOf } from '../trading/caution.js';
import { priceText, quantityText, stepped } from '../trading/terms.js';
import { TIMES, TYPES, changeable, fieldsOf, readChange, readTicket } from '../trading/ticket.js';
import { begin, orderWords } from '../trading/words.js';
import { Mark, TextCell, el } from './dom.js';

const NAMES = ['side', 'type', 'time_in_force', 'quantity', 'price', 'stop_price', 'display', 'expires', 'post_only', 'cancel_on_disconnect'];
const AMOUNTS = ['quantity', 'price', 'stop_price', 'display'];
const TWICE_MS = 500; // two presses so close together are one
const SIDES = { buy: 'Buy', sell: 'Sell' };

export class TicketView {
  /** `trader`: { desk, current, terms, ticketMarket(side), connected, obstacle, warnings(), place(order), change(order, change), showTrade(), confirm } */
  constructor(trader, loop) {
    this.trader = trader;
    this.element = document.getElementById('ticket');
    this.form = document.getElementById('ticket-form');
    this.fields = Object.fromEntries(NAMES.map((name) => [name, this.form.elements[name]]));
    this.fieldset = document.getElementById('ticket-fields');
    this.sendButton = document.getElementById('ticket-send');
    this.leaveButton = document.getElementById('ticket-leave');
    this.none = document.getElementById('ticket-none');
    for (const name of ['title', 'symbol', 'note', 'said']) this[name] = new TextCell(document.getElementById(`ticket-${name}`));
    this.noteKind = new Mark(this.note.element, 'data-kind');
    this.saidKind = new Mark(this.said.element, 'data-kind');
    this.sendText = new TextCell(this.sendButton);
    this.sideMark = new Mark(this.element, 'data-side');
    this.liveMark = new Mark(this.element, 'data-live');
    this.tried = false; // faults of what was never touched are not told before
    this.changing = undefined; // the order that is being changed
    this.sentAt = -Infinity;
    this.drafts = new Map(); // what was typed for other instruments
    this.#fill(this.fields.type, TYPES);
    this.#fill(this.fields.time_in_force, TIMES);
    this.fields.time_in_force.value = 'day';
    this.#listen();
    this.mark = loop.add({ draw: () => this.draw(), every: 50 });
  }

  #fill(select, words) {
    select.replaceChildren(...Object.entries(words).map(([value, text]) => el('option', { value }, text)));
  }

  #listen() {
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.form.addEventListener('input', (event) => {
      if (event.target.name === 'type') this.#offerTimes();
      this.said.set('');
      this.mark();
    });
    this.form.addEventListener('keydown', (event) => this.#key(event));
    this.leaveButton.addEventListener('click', () => this.leave());
    document.addEventListener('keydown', (event) => {
      const typing = event.target.closest?.('input:not([type=radio]), textarea, select, dialog');
      const side = { b: 'buy', s: 'sell' }[event.key];
      if (!side || typing || event.ctrlKey || event.metaKey || event.altKey || this.element.hidden || this.form.hidden || this.fieldset.disabled) return;
      event.preventDefault();
      this.begin(side);
    });
  }

  /** The ticket, for a new order of this side. */
  begin(side) {
    if (this.changing) this.leave();
    this.trader.showTrade();
    this.fields.side.value = side;
    this.fields.quantity.focus();
    this.fields.quantity.select();
    this.mark();
  }

  // A type may not have the time in force that was chosen for another one: the first that it may have, then.
  #offerTimes() {
    const { times } = fieldsOf(this.fields.type.value, this.fields.time_in_force.value);
    for (const option of this.fields.time_in_force.options) option.disabled = !times.includes(option.value);
    if (!times.includes(this.fields.time_in_force.value)) this.fields.time_in_force.value = times.includes('day') ? 'day' : times[0];
  }

  #key(event) {
    const { target, key, altKey } = event, up = key === 'ArrowUp';
    if (key === 'Escape') {
      if (this.changing) this.leave();
      target.blur();
      return;
    }
    if ((!up && key !== 'ArrowDown') || !AMOUNTS.includes(target.name)) return;
    event.preventDefault();
    if (altKey) this.#bestInto(target, up);
    else this.#step(target, up ? 1 : -1);
    this.mark();
  }

  #bestInto(field, ask) {
    const { bid, ask: offer } = this.trader.current?.quote ?? {}, level = ask ? offer : bid;
    if (level && field.name.endsWith('price')) field.value = trimmed(level[0]);
  }

  #step(field, by) {
    const { terms } = this.trader, isPrice = field.name.endsWith('price');
    if (!terms) return;
    const { value } = readDecimal(field.value, isPrice ? terms.priceDigits : terms.quantityDigits);
    if (value === undefined && field.value.trim() !== '') return;
    const next = stepped(value ?? 0n, isPrice ? terms.tick : terms.lot, by);
    field.value = isPrice ? trimmed(priceText(next, terms)) : trimmed(quantityText(next, terms), 0);
  }

  /** A price that was pressed in the book. */
  takePrice(text) {
    if (this.form.hidden || this.fieldset.disabled) return;
    const { type, price, stop_price } = this.fields;
    if (type.value === 'market') {
      type.value = 'limit';
      this.#offerTimes();
    }
    (type.value === 'stop' ? stop_price : price).value = text;
    this.trader.showTrade();
    this.said.set('');
    this.mark();
  }

  /** An order that closes a position, to be looked at and sent. */
  offer({ side, quantity }) {
    this.leave();
    this.fields.side.value = side;
    this.fields.type.value = 'market';
    this.#offerTimes();
    this.fields.quantity.value = quantity;
    this.trader.showTrade();
    this.sendButton.focus();
    this.mark();
  }

  /* ---- changing an order ---- */

  edit(order) {
    this.changing = order;
    this.tried = false;
    this.trader.showTrade();
    for (const name of ['side', 'type', 'time_in_force']) this.fields[name].value = order[name];
    for (const name of AMOUNTS) this.fields[name].value = order[name] === undefined || (name === 'display' && /^[0.]+$/.test(order[name])) ? '' : trimmed(order[name], name.endsWith('price') ? 2 : 0);
    this.fields.quantity.focus();
    this.fields.quantity.select();
    this.mark();
  }

  leave() {
    if (!this.changing) return;
    this.changing = undefined;
    this.tried = false;
    for (const name of AMOUNTS) this.fields[name].value = '';
    this.fields.type.value = 'limit';
    this.#offerTimes();
    this.mark();
  }

  /** Another instrument is looked at: what was typed for the one before is kept, and not taken for this one. */
  instrumentChanged(before, now) {
    if (before !== undefined && !this.changing) this.drafts.set(before, Object.fromEntries(AMOUNTS.map((name) => [name, this.fields[name].value])));
    this.changing = undefined;
    this.tried = false;
    const draft = this.drafts.get(now) ?? {};
    for (const name of AMOUNTS) this.fields[name].value = draft[name] ?? '';
    this.said.set('');
    this.mark();
  }

  /* ---- what it says ---- */

  /** What became of an order: { kind, text }. */
  tell({ kind, text }) {
    this.said.set(text);
    this.saidKind.set(kind);
  }

  #typed() {
    const { fields } = this, typed = { side: fields.side.value, type: fields.type.value, time_in_force: fields.time_in_force.value };
    for (const name of AMOUNTS) typed[name] = fields[name].value;
    for (const name of ['post_only', 'cancel_on_disconnect']) typed[name] = fields[name].checked;
    const until = fields.expires.value === '' ? NaN : new Date(fields.expires.value).getTime();
    if (!Number.isNaN(until)) typed.expires = until;
    return typed;
  }

  #read() {
    const { terms } = this.trader, typed = this.#typed();
    if (!terms) return { typed, problems: { '': 'The directory has not told this instrument\'s tick and lot yet.' }, values: {} };
    return { typed, ...(this.changing ? readChange(typed, this.changing, terms) : readTicket(typed, terms, this.trader.desk.now())) };
  }

  draw() {
    const { trader, changing } = this, { current, obstacle } = trader;
    if (changing && !trader.desk.account?.orders.isLive(changing)) {
      this.leave();
      this.tell({ kind: 'fair', text: 'The order that was being changed has ended.' });
    }
    this.form.hidden = obstacle !== '';
    this.none.hidden = obstacle === '';
    this.none.textContent = obstacle;
    this.symbol.set(changing ? changing.symbol : current?.symbol ?? '');
    this.title.set(changing ? 'Change order' : 'Order');
    this.fieldset.disabled = !trader.connected;
    if (obstacle === '') this.#drawForm();
  }

  #drawForm() {
    const { fields, changing, trader } = this, read = this.#read(), has = changing ? { ...changeable(changing), times: [] } : fieldsOf(fields.type.value, fields.time_in_force.value);
    for (const name of ['price', 'stop_price', 'display', 'expires']) fields[name].closest('label').hidden = !has[name];
    for (const name of ['post_only', 'cancel_on_disconnect']) fields[name].closest('label').hidden = Boolean(changing) || has[name] === false;
    for (const name of ['type', 'time_in_force']) fields[name].disabled = Boolean(changing);
    for (const radio of fields.side) radio.disabled = Boolean(changing);
    this.leaveButton.hidden = !changing;
    this.sideMark.set(read.typed.side);
    this.#drawFaults(read);
    this.liveMark.set(trader.ticketMarket(read.typed.side).live ? undefined : 'no');
    this.sendText.set(this.#sendWords(read));
    this.sendButton.disabled = !trader.connected;
  }

  #drawFaults({ problems, typed }) {
    const told = (name) => problems[name] !== undefined && (this.tried || (AMOUNTS.includes(name) && typed[name].trim() !== '') || name === '');
    for (const name of [...AMOUNTS, 'expires']) {
      if (told(name)) this.fields[name].setAttribute('aria-invalid', 'true');
      else this.fields[name].removeAttribute('aria-invalid');
    }
    const first = Object.keys(problems).find(told), against = this.trader.warnings();
    const words = first === undefined ? against : { kind: 'bad', text: problems[first] };
    this.note.set(words?.text ?? '');
    this.note.element.hidden = !words;
    this.noteKind.set(words?.kind);
  }

  #sendWords({ order, change, typed }) {
    if (this.changing) return change ? `Change to ${Object.entries(change).map(([name, value]) => `${{ price: 'price', stop_price: 'stop', quantity: 'quantity', display: 'shown' }[name]} ${grouped(trimmed(value, name.endsWith('price') ? 2 : 0))}`).join(', ')}` : 'Change';
    if (!order) return SIDES[typed.side];
    return begin(orderWords({ ...order, symbol: this.trader.current?.symbol }));
  }

  async #submit() {
    const { trader, changing } = this, read = this.#read();
    this.tried = true;
    this.mark();
    if (trader.desk.now() - this.sentAt < TWICE_MS) return;
    if (!trader.connected) {
      this.tell({ kind: 'bad', text: 'Not sent: there is no connection.' });
      return;
    }
    if (!read.order && !read.change) {
      const first = Object.keys(read.problems)[0];
      this.fields[first]?.focus();
      return;
    }
    const what = changing ? { ...changing, ...read.change } : read.order, { current } = trader;
    const reasons = cautionsOf({ side: what.side, type: what.type }, read.values, trader.ticketMarket(what.side), trader.terms);
    if (reasons.length > 0 && !(await trader.confirm.ask({ title: `${begin(`${changing ? 'change to ' : ''}${orderWords({ ...what, symbol: current.symbol })}`)}?`, reasons, yes: changing ? 'Change it' : `${SIDES[what.side]} all the same` }))) return;
    if (current !== trader.current || changing !== this.changing) return; // meanwhile something else is looked at
    this.tried = false;
    this.sentAt = trader.desk.now();
    if (changing) {
      trader.change(changing, read.change);
      this.leave();
    } else {
      trader.place(read.order);
    }
  }
}

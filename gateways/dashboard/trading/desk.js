// The trading desk of a page: sends what the trader asks for, keeps what is known of each account, and never takes silence for an answer.
// It is pure: `send` is the connection, `ask` the questions over HTTP (wire.js), tick() the time.
//
// An account begins with a question (which shards there are), then its reports are subscribed to, behind the last one of each shard that was
// had, and once that is in force its open orders and positions are asked for. So nothing is missed in between, and on every new connection
// it goes the same way. Until the answer has come what is shown is not known to be true.
import { Fills } from './fills.js';
import { Orders } from './orders.js';
import { Positions } from './positions.js';
import { Seen } from './seen.js';
import { reportsOf, targetOf } from './wire.js';

const ASK_AGAIN_MS = 3000; // what could not be had
const STOPS = new Set(['KILLED', 'KILL_SWITCH', 'ACCOUNT_BLOCKED', 'NO_LIMITS']); // reasons after which the account's limits are looked at again
const NAME_CHARACTERS = 12;
const LOST = 'The connection was lost before an answer came.';

/** What is known of one account. */
class Account {
  constructor(name) {
    this.name = name;
    this.orders = new Orders();
    this.fills = new Fills();
    this.positions = new Positions();
    this.seen = new Seen();
    this.limits = [];
    this.state = 'unknown'; // 'known' once the venue has told what is open after the reports began to come
    this.why = '';
    this.heard = false; // its reports come, over this connection
    this.barred = false; // they were refused on it
    this.asking = false;
    this.askAt = -Infinity;
    this.doubted = false; // its limits may be others than was told
    this.kept = 0; // orders that are kept for the next page of this tab
    this.incomplete = false; // the venue does not hold all reports any more that were missed
  }

  /** It may send nothing but cancels, as far as is known. */
  get stopped() {
    return this.limits.some(({ killed, blocked, limits_known }) => killed || blocked || limits_known === false);
  }
}

export class Desk {
  /**
   * `send(request)`: false without a connection. `ask(account)`: a promise of fetchState's answer. `want(subject)`, `drop(subject)`: of the stream.
   * `changed()`: something is to be drawn. `said(event)`: { report } or { error, op } and its { order }, to be told to the trader.
   * `keep(account, list)`: orders that nobody has confirmed, to be given to recall() by the next page of this tab.
   */
  constructor({ send, ask, want, drop, changed = () => {}, said = () => {}, keep = () => {}, now = Date.now, name = randomName }) {
    Object.assign(this, { send, ask, want, drop, changed, said, keep, now });
    this.prefix = name(NAME_CHARACTERS);
    this.accounts = new Map(); // name -> Account, those that were ever chosen
    this.may = { accounts: [], exchanges: [] };
    this.waiting = new Map(); // id of a request -> { op, account, order }
    this.nextId = 1;
    this.nextOrder = 1;
    this.chosen = undefined;
    this.turn = 0; // of the connection: what was asked on an earlier one does not count
  }

  /** Who is there may trade { accounts, exchanges }. The first account is chosen unless one is. */
  admitted(may) {
    this.may = may;
    for (const name of [...this.accounts.keys()]) if (!may.accounts.includes(name)) this.#leave(name);
    if (this.chosen === undefined && may.accounts.length > 0) this.choose(may.accounts[0]);
    this.changed();
  }

  get trades() {
    return this.chosen !== undefined;
  }

  takesOrders(mic) {
    return this.trades && this.may.exchanges.includes(mic);
  }

  get account() {
    return this.accounts.get(this.chosen);
  }

  choose(name) {
    this.chosen = name;
    this.#open(name);
    this.changed();
  }

  #open(name) {
    if (!this.accounts.has(name)) this.accounts.set(name, new Account(name));
    const account = this.accounts.get(name);
    if (!account.heard) this.#ask(account);
    return account;
  }

  #leave(name) {
    this.accounts.delete(name);
    this.drop(reportsOf(name));
    if (this.chosen === name) this.chosen = undefined;
  }

  /* ---- the connection ---- */

  /** What was sent over it and not answered may be at the venue or not. */
  disconnected() {
    this.turn++;
    for (const { account, order, op } of this.waiting.values()) {
      if (op === 'order.new') account.orders.unanswered(order, LOST);
      else if (order) account.orders.problem(order, LOST);
    }
    this.waiting.clear();
    for (const account of this.accounts.values()) Object.assign(account, { heard: false, asking: false, barred: false, state: 'unknown', why: 'this page is not connected' });
    this.changed();
  }

  /** The stream has taken the subscription to an account's reports. */
  subscribed(subject) {
    const account = this.#ofSubject(subject);
    if (!account) return;
    account.heard = true;
    this.#ask(account);
  }

  /** The stream refuses an account's reports, or ends them. */
  refused(subject, { message }) {
    const account = this.#ofSubject(subject);
    if (!account) return;
    Object.assign(account, { heard: false, barred: true, state: 'unknown', why: message });
    this.changed();
  }

  resumePoint(subject) {
    return this.#ofSubject(subject)?.seen.resumePoint();
  }

  #ofSubject(subject) {
    return [...this.accounts.values()].find(({ name }) => reportsOf(name) === subject);
  }

  async #ask(account) {
    const { turn } = this, { heard } = account;
    account.asking = true;
    const state = await this.ask(account.name);
    if (turn !== this.turn || this.accounts.get(account.name) !== account) return;
    account.asking = false;
    account.askAt = this.now() + ASK_AGAIN_MS;
    account.why = state.why ?? '';
    if (state.why === undefined) this.#told(account, state, heard);
    this.#keep(account);
    this.changed();
  }

  #told(account, { orders, positions, limits, shards, orderSeqOf, positionSeqOf }, heard) {
    for (const exchange of this.may.exchanges) for (const shard of shards) account.seen.meet(exchange, shard);
    account.orders.snapshot(orders, orderSeqOf, this.now());
    account.positions.snapshot(positions, positionSeqOf, account.fills.list);
    account.limits = limits;
    account.doubted = false;
    if (heard) account.state = 'known';
    else this.want(reportsOf(account.name));
  }

  /* ---- what the trader asks for ---- */

  /** `fields`: what readTicket gives, and exchange and symbol. Gives the order; without a connection it is refused at once. */
  place(fields) {
    const { account } = this, request = { ...fields, account: account.name, client_order_id: `${this.prefix}-${this.nextOrder++}` };
    const order = account.orders.sent(request, this.now());
    if (!this.#request('order.new', request, account, order)) account.orders.refused(order, { code: 'NOT_CONNECTED', message: 'There is no connection.' }, this.now());
    this.#keep(account);
    this.changed();
    return order;
  }

  /** The same once more, word for word: the venue remembers its name for the trading day, so it can't happen twice. */
  again(order) {
    const { account } = this;
    if (!account.orders.mayAgain(order, this.now()) || !this.#request('order.new', order.request, account, order)) return false;
    account.orders.again(order, this.now());
    this.changed();
    return true;
  }

  cancel(order) {
    return this.#change('order.cancel', 'cancel', {}, order);
  }

  /** `change`: what readChange gives. */
  replace(order, change) {
    return this.#change('order.replace', 'replace', change, order);
  }

  #change(op, what, change, order) {
    const { account } = this;
    if (!this.#request(op, { account: account.name, ...targetOf(order), ...change }, account, order)) return false;
    account.orders.asked(order, what, this.now());
    this.changed();
    return true;
  }

  /** Every open order of the account at the exchange, or of one symbol. */
  cancelAll(exchange, symbol) {
    const { account } = this;
    return this.#request('order.mass_cancel', { exchange, account: account.name, ...(symbol === undefined ? {} : { symbol }) }, account);
  }

  #request(op, fields, account, order) {
    const id = `order-${this.nextId++}`;
    if (!this.send({ op, id, ...fields })) return false;
    this.waiting.set(id, { op, account, order });
    return true;
  }

  /** Takes an order off the list that nobody knows the end of, or that has ended. */
  forget(order) {
    this.account.orders.forget(order);
    this.#keep(this.account);
    this.changed();
  }

  /* ---- what comes ---- */

  /** Any message; true where it was the desk's. */
  take(message) {
    if (message.type === 'execution') this.#report(message);
    else if (this.waiting.has(message.id)) this.#answer(message);
    else if (message.type === 'error' && message.subject !== undefined) return this.#fault(message);
    else return message.type === 'order';
    this.changed();
    return true;
  }

  #answer(message) {
    const { op, account, order } = this.waiting.get(message.id), isNew = op === 'order.new', failed = message.type === 'error';
    this.waiting.delete(message.id);
    if (!failed && isNew) account.orders.acknowledged(order, message, this.now());
    if (failed && !isNew && order) account.orders.problem(order, message.message);
    if (failed && isNew && message.code === 'NOT_ACKNOWLEDGED') account.orders.unanswered(order, message.message);
    else if (failed && isNew) account.orders.refused(order, message, this.now());
    if (failed) this.said({ op, order, error: message });
    this.#keep(account);
  }

  #report(report) {
    const account = this.accounts.get(report.account);
    if (!account || !account.seen.take(report)) return;
    const order = account.orders.report(report, this.now());
    if (report.kind === 'FILL') account.positions.take(account.fills.take(report));
    account.doubted ||= STOPS.has(report.reason);
    this.#keep(account);
    this.said({ report, order });
  }

  // Without an id: the venue holds no longer all that was missed, or the account is not this user's any more.
  #fault({ code, subject, message }) {
    const account = this.#ofSubject(subject);
    if (!account) return false;
    if (code === 'REPORTS_LOST') {
      account.incomplete = true;
      if (!account.asking) this.#ask(account);
    } else {
      this.refused(subject, { message });
    }
    this.changed();
    return true;
  }

  /** Call it several times a second. `live`: there is a connection that is heard. */
  tick(live) {
    const now = this.now();
    for (const account of this.accounts.values()) {
      const { version } = account.orders;
      account.orders.tick(now);
      if (account.orders.version !== version) this.changed();
      if (live && now >= account.askAt && this.#isWorthAsking(account)) this.#ask(account);
    }
  }

  // What could not be had, and what may have changed without a report: that an operator stopped the account, or lets it go on.
  #isWorthAsking({ state, asking, barred, doubted, stopped }) {
    return !asking && !barred && (state === 'unknown' || doubted || stopped);
  }

  /* ---- what outlives the page ---- */

  // What the venue has not confirmed must not be forgotten with the page: it may be there.
  #keep(account) {
    if (account.orders.unsure.size === 0 && account.kept === 0) return;
    account.kept = account.orders.unsure.size;
    this.keep(account.name, [...account.orders.unsure].map(({ request, sentAt, order_id }) => ({ request, since: sentAt, order_id })));
  }

  /** Orders of an earlier page of this tab, which nobody knows the end of. */
  recall(name, list) {
    if (!this.may.accounts.includes(name) || list.length === 0) return;
    const { orders } = this.#open(name);
    for (const { request, since, order_id } of list) {
      const order = orders.sent(request, since);
      if (order_id !== undefined) orders.acknowledged(order, { order_id }, since);
      orders.unanswered(order, 'The page was loaded anew before an answer came.');
    }
    this.changed();
  }
}

function randomName(length) {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join('');
}

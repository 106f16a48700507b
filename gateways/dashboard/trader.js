// The trading part of the page: composes the desk (trading/) with its views, and is what the page (main.js) knows of trading. It is there
// only where the gateway takes orders and whoever looks at the page has an account.
import { causeWords, isLive } from './market/state.js';
import { decimalOf, trimmed } from './format/decimal.js';
import { absolute, exactly } from './format/exact.js';
import { Desk } from './trading/desk.js';
import { termsOf } from './trading/terms.js';
import { errorWords, reportWords } from './trading/words.js';
import { fetchMay, fetchState } from './trading/wire.js';
import { Confirm } from './view/confirm.js';
import { Mark, TextCell } from './view/dom.js';
import { FillsView, PositionsView } from './view/fills.js';
import { OrdersView } from './view/orders.js';
import { TicketView } from './view/ticket.js';

const ASK_AGAIN_MS = 3000;
const NEWS_MS = 15_000; // what happened longer ago is in the lists, and no news
const MOST_HELD = 100; // positions whose quotes are asked for beyond the watchlist
export const HELD_SUBSCRIPTIONS = MOST_HELD + 16;
const NO_PRICES = new Set();
const LISTS = ['orders', 'fills', 'positions', 'system'];

export class Trader {
  /** `app`: { connection, subscriptions, market, directory, settings, current, token(), trustOf(one), select(key), hold(keys) } */
  constructor(app, loop) {
    this.app = app;
    this.confirm = new Confirm();
    this.desk = new Desk({
      send: (request) => app.connection.live && app.connection.send(request), ask: (account) => fetchState(account, app.token()), now: () => app.connection.now(),
      want: (subject) => app.subscriptions.want(subject, { optional: true }), drop: (subject) => app.subscriptions.drop(subject),
      changed: () => this.#changed(), said: (event) => this.#said(event), keep: (account, list) => app.settings.keepOrders(account, list),
    });
    this.turn = 0;
    this.mayKnown = false;
    this.askAt = -Infinity;
    this.views = { ticket: new TicketView(this, loop), orders: new OrdersView(this, loop), fills: new FillsView(this, loop), positions: new PositionsView(this, loop) };
    this.note = new TextCell(document.getElementById('desk-note'));
    this.counts = Object.fromEntries(['orders', 'fills', 'positions'].map((name) => [name, new TextCell(document.getElementById(`${name}-count`))]));
    this.cancelAllButton = document.getElementById('cancel-all');
    this.unknown = new Mark(document.body, 'data-desk');
    this.mark = loop.add({ draw: () => this.#draw(), every: 50 });
    this.#listen();
    this.showList(app.settings.choice('list', 'orders', LISTS));
  }

  #listen() {
    const tabs = (this.tabs = [...document.querySelectorAll('#choose-list [role=tab]')]);
    for (const tab of tabs) tab.addEventListener('click', () => this.showList(tab.value));
    document.getElementById('choose-list').addEventListener('keydown', ({ key }) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[key], shown = tabs.filter((tab) => tab.offsetParent !== null);
      if (by === undefined) return;
      const next = shown[(shown.indexOf(document.activeElement) + by + shown.length) % shown.length];
      next.focus();
      this.showList(next.value);
    });
    this.cancelAllButton.addEventListener('click', () => this.cancelAll());
    document.getElementById('ladder').addEventListener('click', (event) => {
      const price = event.target.closest('.level')?.querySelector('.price').textContent;
      if (price && this.obstacle === '') this.views.ticket.takePrice(price);
    });
    const accounts = (this.choice = document.getElementById('choose-account'));
    accounts.addEventListener('change', () => this.desk.choose(accounts.value));
  }

  showList(name) {
    document.body.dataset.list = name;
    for (const tab of this.tabs) {
      tab.setAttribute('aria-selected', `${tab.value === name}`);
      tab.tabIndex = tab.value === name ? 0 : -1;
      if (tab.value !== 'system') document.getElementById(`list-${tab.value}`).hidden = tab.value !== name;
    }
    this.app.settings.keep('list', name);
    this.#changed();
  }

  /** On a narrow page the ticket comes into sight. */
  showTrade() {
    if (matchMedia('(max-width: 760px)').matches) this.app.settings.showTab('trade');
  }

  /* ---- who is there ---- */

  /** A new connection, or another user on it: what may be traded is asked for. */
  async admitted() {
    const turn = ++this.turn, { app } = this;
    this.mayKnown = true; // it is on its way
    this.askAt = app.connection.now() + ASK_AGAIN_MS;
    const may = await fetchMay(app.token());
    if (turn !== this.turn) return;
    if (!may) {
      this.mayKnown = false;
      return;
    }
    this.desk.admitted(may);
    for (const name of may.accounts) if (!this.recalled?.has(name)) this.desk.recall(name, app.settings.orders(name));
    this.recalled = new Set([...(this.recalled ?? []), ...may.accounts]);
    this.choice.replaceChildren(...may.accounts.map((name) => new Option(name, name, false, name === this.desk.chosen)));
    this.choice.hidden = may.accounts.length < 2;
    this.#show();
  }

  #show() {
    const { trades } = this.desk;
    document.body.toggleAttribute('data-trading', trades);
    for (const id of ['desk', 'ticket']) document.getElementById(id).hidden = !trades;
    document.querySelector('#tabs [value=trade]').hidden = !trades;
    this.app.tradingChanged();
    if (!trades && document.body.dataset.tab === 'trade') this.app.settings.showTab('watch');
    this.#changed();
  }

  disconnected() {
    this.turn++;
    this.mayKnown = false;
    this.askAt = -Infinity;
    this.desk.disconnected();
  }

  /* ---- what the page tells ---- */

  take(message) {
    return this.desk.take(message);
  }


  /** Quotes, books or states have changed. */
  marketChanged() {
    if (!this.desk.trades) return;
    this.views.positions.mark();
    this.views.ticket.mark();
  }

  instrumentChanged(before, now) {
    this.views.ticket.instrumentChanged(before, now);
  }

  tick() {
    const { app, desk } = this, now = app.connection.now();
    if (app.connection.live && !this.mayKnown && now >= this.askAt) this.admitted();
    if (!desk.trades) return;
    desk.tick(app.connection.live);
    for (const view of [this.views.ticket, this.views.orders, this]) view.mark(); // time alone makes something unknown
  }

  #changed() {
    if (!this.views) return;
    for (const view of Object.values(this.views)) view.mark();
    this.app.views?.ladder.mark(); // own orders are marked in it
    this.mark();
  }

  #draw() {
    const { account } = this.desk;
    this.unknown.set(account !== undefined && (account.state !== 'known' || !this.connected) ? 'unknown' : undefined);
    this.note.set(account ? noteOf(account, this.connected) : '');
    this.cancelAllButton.disabled = !this.connected || !account || account.orders.open === 0;
    this.#hold(account);
    for (const [name, count] of [['orders', account?.orders.open], ['fills', account?.fills.list.length], ['positions', this.held]]) this.counts[name].set(count > 0 ? `${count}` : '');
  }

  /** At which prices the account has orders in what is looked at: "buy 187.20", … as the order book writes prices. */
  get pricesHere() {
    const { account } = this.desk, key = this.current?.key, { version } = account?.orders ?? {};
    if (!account || !key || !this.connected) return NO_PRICES;
    if (this.marks?.key !== key || this.marks.version !== version || this.marks.account !== account) {
      const here = [...account.orders.live].filter(({ exchange, symbol, state, price }) => state === 'OPEN' && price !== undefined && `${exchange}.${symbol}` === key);
      this.marks = { key, version, account, prices: new Set(here.map(({ side, price }) => `${side} ${trimmed(price)}`)) };
    }
    return this.marks.prices;
  }

  // Positions are valued by quotes, so those are wanted, too.
  #hold(account) {
    if (account?.positions === this.heldOf && account?.positions.version === this.heldAt) return;
    this.heldOf = account?.positions;
    this.heldAt = account?.positions.version;
    const held = (account?.positions.list() ?? []).filter(({ quantity }) => quantity !== 0n);
    this.held = held.length;
    this.app.hold(held.slice(0, MOST_HELD).map(({ key }) => key));
  }

  #said({ report, order, error }) {
    const fresh = !report || order?.mine || Number(report.event_ns) / 1e6 > this.app.connection.now() + (this.app.connection.clock.offset ?? 0) - NEWS_MS;
    const words = error ? errorWords(error, order) : fresh ? reportWords(report, order) : undefined;
    if (words) this.views.ticket.tell(words);
  }

  /* ---- what the views ask ---- */

  get market() {
    return this.app.market;
  }

  get current() {
    return this.app.current;
  }

  get connected() {
    return this.app.connection.live;
  }

  get terms() {
    const { current, app } = this;
    return current && termsOf(app.directory.byKey.get(current.key));
  }

  trustOf(one) {
    return this.app.trustOf(one);
  }

  /** Why there can be no ticket for what is looked at; '' where there can. */
  get obstacle() {
    const { current, desk } = this;
    if (!current) return 'Select an instrument.';
    return desk.takesOrders(current.mic) ? '' : `${current.mic} takes no orders here. Instruments of ${desk.may.exchanges.join(', ')} do.`;
  }

  /** What an order of this side is compared with: see caution.js. */
  ticketMarket(side) {
    const { current, terms } = this, trust = this.trustOf(current);
    return {
      live: isLive(trust.state), why: `${trust.state}: ${causeWords(trust.cause)}`, bid: current.quote?.bid, ask: current.quote?.ask,
      get shown() {
        return terms && current.book?.[side === 'buy' ? 'asks' : 'bids'].reduce((sum, { quantity }) => sum + exactly(quantity, terms.quantityDigits), 0n);
      },
    };
  }

  /** What stands against an order now, the worst first: { kind, text }, or undefined. */
  warnings() {
    const { current, desk, connected } = this, { account } = desk, { state, cause } = this.trustOf(current), trading = current.status?.trading;
    if (!connected) return { kind: 'bad', text: 'Not connected: nothing can be sent. Open orders stay, but for those to be cancelled on a disconnect.' };
    if (account.limits.some(({ killed }) => killed)) return { kind: 'bad', text: 'The kill switch is on: only cancels are taken.' };
    if (account.limits.some(({ blocked }) => blocked)) return { kind: 'bad', text: 'The account is blocked: only cancels are taken.' };
    if (account.limits.length > 0 && account.limits.every(({ limits_known }) => limits_known === false)) return { kind: 'bad', text: 'The venue knows no limits for this account and will refuse its orders.' };
    if (trading === 'HALTED' || trading === 'CLOSED') return { kind: 'fair', text: `${current.symbol} is ${trading.toLowerCase()}: only cancels are taken.` };
    if (!isLive(state)) return { kind: 'bad', text: `The book is not live (${state}: ${causeWords(cause)}). Its prices may be old.` };
    if (account.state !== 'known') return { kind: 'fair', text: 'Your open orders and positions are not known at the moment.' };
    if (trading === 'PRE_OPEN') return { kind: 'note', text: 'Before the open: orders gather and nothing trades yet.' };
    return undefined;
  }

  /* ---- what the trader does ---- */

  place(order) {
    const { current, views } = this;
    views.ticket.tell({ kind: 'fair', text: 'Sent. The venue has not answered yet.' });
    this.desk.place({ exchange: current.mic, symbol: current.symbol, ...order });
  }

  change(order, change) {
    this.views.ticket.tell(this.desk.replace(order, change) ? { kind: 'fair', text: 'The change was sent.' } : { kind: 'bad', text: 'Not sent: there is no connection.' });
  }

  cancel(order) {
    if (!this.desk.cancel(order)) this.views.ticket.tell({ kind: 'bad', text: 'Not sent: there is no connection.' });
  }

  again(order) {
    this.desk.again(order);
  }

  forget(order) {
    this.desk.forget(order);
  }

  edit(order) {
    this.app.select(`${order.exchange}.${order.symbol}`);
    this.views.ticket.edit(order);
  }

  open(key) {
    this.app.select(key);
  }

  /** A ticket that closes a position, by what can be had at once. */
  flatten(position) {
    this.app.select(position.key);
    this.views.ticket.offer({ side: position.quantity > 0n ? 'sell' : 'buy', quantity: trimmed(decimalOf(absolute(position.quantity), position.quantityDigits), 0) });
  }

  async cancelAll() {
    const { desk } = this, { account } = desk, { open } = account.orders;
    if (!(await this.confirm.ask({ title: `Cancel all orders of ${account.name}?`, reasons: [`${open} ${open === 1 ? 'order is' : 'orders are'} open or on the way.`], yes: 'Cancel all', ready: true }))) return;
    for (const exchange of desk.may.exchanges) if (!desk.cancelAll(exchange)) this.views.ticket.tell({ kind: 'bad', text: 'Not sent: there is no connection.' });
  }
}

/** How far the lists may be believed. */
function noteOf({ state, asking, why, incomplete }, connected) {
  if (state === 'known' && !connected) return 'What is listed may not be true any more: nothing is heard from the gateway.';
  if (state === 'known') return incomplete ? 'The venue holds no longer all that this page missed: some fills are not listed. Orders and positions are right.' : '';
  return asking && why === '' ? 'Orders and positions are being asked for.' : `What is listed may not be true any more: ${why || 'the account\'s reports do not come yet'}.`;
}

// The open orders of an account, those on their way and those nobody knows of, with what can be done about them; below, the ones that have ended.
import { grouped, trimmed } from '../format/decimal.js';
import { clockOf } from '../format/time.js';
import { TIMES, TYPES } from '../trading/ticket.js';
import { stateWords } from '../trading/words.js';
import { Table, tool } from './table.js';

const SHORT_TIMES = { gtc: 'GTC', day: 'Day', gtd: 'GTD', ioc: 'IOC', fok: 'FOK' };
const amount = (text) => (text === undefined ? '' : grouped(trimmed(text, 0)));

export class OrdersView {
  /** `trader`: { desk, cancel(order), again(order), forget(order), edit(order), connected } */
  constructor(trader, loop) {
    this.trader = trader;
    this.element = document.getElementById('list-orders');
    this.every = 50;
    this.mark = loop.add(this);
    this.table = new Table(this.element, {
      name: 'orders', label: 'Orders: arrows choose, Enter changes, or sends again what is unknown, Delete cancels', onScroll: () => this.mark(), onPick: ({ exchange, symbol }) => trader.open(`${exchange}.${symbol}`), onKey: (event, order) => this.#key(event, order),
      columns: [['symbol', 'Symbol'], ['side', 'Side'], ['quantity', 'Quantity'], ['executed', 'Done'], ['price', 'Price'], ['type', 'Type'], ['time', 'In force'], ['state', 'State'], ['why', ''], ['at', 'Since']],
      tools: (row) => this.#tools(row),
    });
  }

  #tools(row) {
    row.edit = tool('Change', '✎', 'Change price or quantity', () => this.trader.edit(row.item));
    row.cancel = tool('Cancel', '✕', 'Cancel this order', () => this.trader.cancel(row.item));
    row.again = tool('Send again', '↻', 'Send the same order again: it can\'t happen twice', () => this.trader.again(row.item));
    row.forget = tool('Clear', '–', 'Take it off this list', () => this.trader.forget(row.item));
    return [row.again, row.edit, row.cancel, row.forget];
  }

  #key({ key }, order) {
    const live = this.trader.desk.account?.orders.isLive(order);
    if (key === 'Delete' || key === 'Backspace') live ? this.trader.cancel(order) : this.trader.forget(order);
    else if (key === 'Enter' && order.unknown) this.trader.again(order);
    else if (key === 'Enter' && live) this.trader.edit(order);
    else return false;
    return true;
  }

  draw() {
    const { account } = this.trader.desk, orders = account?.orders.list() ?? [], now = this.trader.desk.now();
    this.table.draw(orders, (row, order) => this.#fill(row, order, account.orders, now), account?.state === 'known' ? 'No orders.' : 'Open orders are not known yet.');
  }

  #fill(row, order, orders, now) {
    const { cells } = row, state = stateWords(order, now), live = orders.isLive(order), { connected } = this.trader;
    cells.symbol.set(order.symbol ?? '');
    cells.side.set(order.side === 'buy' ? 'Buy' : order.side === 'sell' ? 'Sell' : '');
    row.side.set(order.side);
    cells.quantity.set(amount(order.quantity));
    cells.executed.set(amount(order.executed));
    cells.price.set([order.stop_price && `stop ${trimmed(order.stop_price)}`, order.type === 'market' ? 'market' : order.type === 'stop' ? '' : order.price && trimmed(order.price)].filter(Boolean).join(' → '));
    cells.type.set(TYPES[order.type] ?? order.type ?? '');
    cells.time.set(SHORT_TIMES[order.time_in_force] ?? '');
    cells.time.element.title = TIMES[order.time_in_force] ?? '';
    cells.state.set(state.text);
    row.marks.state.set(state.kind);
    cells.why.set(state.title ?? '');
    row.title.set(state.title || undefined);
    cells.at.set(clockOf(order.event_ns ?? `${Math.round(order.since)}000000`));
    row.kind.set(order.unknown ? 'unknown' : live ? undefined : 'ended');
    row.edit.hidden = !live || order.unknown || order.asked === 'cancel' || order.state === 'SENDING';
    row.cancel.hidden = !live;
    row.again.hidden = !orders.mayAgain(order, now);
    row.forget.hidden = live && !order.unknown;
    for (const button of [row.edit, row.cancel, row.again]) button.disabled = !connected;
  }
}

// What was executed, the newest on top, and what is held of it with what closing it would bring.
import { decimalOf, grouped, trimmed } from '../format/decimal.js';
import { clockOf } from '../format/time.js';
import { isLive } from '../market/state.js';
import { amountText, averageOf, unrealisedOf } from '../trading/positions.js';
import { Table, tool } from './table.js';

const amount = (text) => grouped(trimmed(text, 0));
const money = (text) => grouped(trimmed(text));

export class FillsView {
  constructor(trader, loop) {
    this.trader = trader;
    this.element = document.getElementById('list-fills');
    this.every = 50;
    this.mark = loop.add(this);
    this.table = new Table(this.element, {
      name: 'fills', label: 'Fills, newest first', onScroll: () => this.mark(),
      columns: [['time', 'Time'], ['symbol', 'Symbol'], ['side', 'Side'], ['quantity', 'Quantity'], ['price', 'Price'], ['liquidity', ''], ['fee', 'Fee'], ['execution', 'Execution']],
    });
  }

  draw() {
    const { account } = this.trader.desk, fills = account?.fills.list ?? [];
    this.table.draw(fills.toReversed(), (row, fill) => this.#fill(row, fill), 'Nothing was executed.');
  }

  #fill({ cells, side }, fill) {
    cells.time.set(clockOf(fill.event_ns, 3));
    cells.symbol.set(fill.symbol);
    cells.side.set(fill.side === 'buy' ? 'Buy' : 'Sell');
    side.set(fill.side);
    cells.quantity.set(amount(fill.quantity));
    cells.price.set(trimmed(fill.price));
    cells.liquidity.set(fill.liquidity ?? '');
    cells.fee.set(fill.fee === undefined ? '' : money(fill.fee));
    cells.execution.set(fill.execution_id);
  }
}

export class PositionsView {
  /** `trader`: { desk, market, trustOf(instrument), open(key), flatten(position) } */
  constructor(trader, loop) {
    this.trader = trader;
    this.element = document.getElementById('list-positions');
    this.every = 250;
    this.mark = loop.add(this);
    this.table = new Table(this.element, {
      name: 'positions', label: 'Positions: arrows choose, Enter shows the instrument', onScroll: () => this.mark(), onPick: (position) => trader.open(position.key),
      onKey: ({ key }, position) => key === 'Enter' && (trader.open(position.key), true),
      columns: [['symbol', 'Symbol'], ['quantity', 'Quantity'], ['average', 'Average'], ['price', 'Closes at'], ['unrealised', 'Unrealised'], ['realised', 'Realised'], ['stale', '']],
      tools: (row) => [(row.flatten = tool('Close', '⇥', 'Fill the ticket with an order that closes it', () => trader.flatten(row.item)))],
    });
  }

  draw() {
    const { account } = this.trader.desk, positions = account?.positions.list() ?? [];
    this.table.draw(positions, (row, position) => this.#fill(row, position, account), account?.positions.known ? 'No positions.' : 'Positions are not known yet.');
  }

  #fill(row, position, account) {
    const { cells, marks } = row, one = this.trader.market.instruments.get(position.key), trust = one && this.trader.trustOf(one);
    const live = trust !== undefined && isLive(trust.state), gain = unrealisedOf(position, one?.quote), flat = position.quantity === 0n;
    cells.symbol.set(position.symbol);
    cells.quantity.set(amount(decimalOf(position.quantity, position.quantityDigits)));
    const average = averageOf(position);
    cells.average.set(average === undefined ? '' : trimmed(average));
    cells.price.set(flat ? '' : gain ? trimmed(gain.price) : '–');
    cells.price.element.title = position.quantity > 0n ? 'the best bid' : 'the best ask';
    cells.unrealised.set(flat ? '' : gain ? money(gain.amount) : '–');
    marks.unrealised.set(gain && live ? (gain.sign > 0 ? 'up' : gain.sign < 0 ? 'down' : undefined) : undefined);
    cells.realised.set(money(amountText(position.realised, position)));
    marks.realised.set(position.realised > 0n ? 'up' : position.realised < 0n ? 'down' : undefined);
    cells.stale.set(flat || live ? (account.state === 'known' ? '' : 'not confirmed') : !trust || trust.cause === 'PAGE_WAITING' ? 'waiting for a quote' : `quote ${trust.state.toLowerCase()}`);
    row.kind.set(flat ? 'ended' : live && account.state === 'known' ? undefined : 'stale');
    row.flatten.hidden = flat;
  }
}

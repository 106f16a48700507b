// The depth ladder: asks above, bids below, the best of both in the middle, with what rests up to each price as bars.
import { decimalOf, difference, digitsOf, grouped, trimmed } from '../format/decimal.js';
import { Mark, TextCell, el } from './dom.js';

/** Levels with the sum of quantities up to each: exact, and as a share of `most` for the bar. */
export function cumulated(levels, count) {
  let sum = 0;
  return levels.slice(0, count).map((level) => {
    sum = typeof sum === 'number' && typeof level.scaledQuantity === 'number' ? sum + level.scaledQuantity : BigInt(sum) + BigInt(level.scaledQuantity);
    return { ...level, sum };
  });
}

export class LadderView {
  constructor(app, loop) {
    this.app = app;
    this.element = document.getElementById('ladder');
    this.asks = [];
    this.bids = [];
    this.spread = new TextCell(document.getElementById('ladder-spread'));
    this.verified = new TextCell(document.getElementById('ladder-verified'));
    this.verifiedKind = new Mark(document.getElementById('ladder-verified'), 'data-kind');
    this.mark = loop.add(this);
    new ResizeObserver(() => this.#center()).observe(this.element.parentElement);
  }

  setDepth(depth) {
    for (const [side, rows] of [['asks', this.asks], ['bids', this.bids]]) {
      const body = document.getElementById(`ladder-${side}`);
      body.replaceChildren();
      rows.length = 0;
      for (let i = 0; i < depth; i++) rows.push(this.#makeRow(side));
      body.append(...(side === 'asks' ? [...rows].reverse() : rows).map((row) => row.element));
    }
    this.mark();
    this.#center();
  }

  // The best prices are in the middle.
  #center() {
    const box = this.element.parentElement;
    requestAnimationFrame(() => (box.scrollTop = (box.scrollHeight - box.clientHeight) / 2));
  }

  #makeRow(side) {
    const cell = (name) => el('td', { class: name });
    const row = { orders: cell('orders'), quantity: cell('quantity'), price: cell('price'), total: cell('total'), bar: el('div', { class: 'bar' }), filled: undefined };
    row.element = el('tr', { class: `level ${side}` }, row.price, row.quantity, row.orders, row.total);
    for (const name of ['orders', 'quantity', 'price', 'total']) row[`${name}Text`] = new TextCell(row[name]);
    row.total.append(row.bar);
    row.mine = new Mark(row.element, 'data-mine');
    row.share = '';
    return row;
  }

  draw() {
    const one = this.app.current, book = one?.book;
    const bids = book ? cumulated(book.bids, this.bids.length) : [], asks = book ? cumulated(book.asks, this.asks.length) : [];
    const most = Math.max(Number(bids.at(-1)?.sum ?? 0), Number(asks.at(-1)?.sum ?? 0), 1);
    const mine = this.app.trader.pricesHere;
    this.#fillSide(this.bids, bids, most, mine, 'buy');
    this.#fillSide(this.asks, asks, most, mine, 'sell');
    const [bid, ask] = [bids[0], asks[0]];
    this.spread.set(bid && ask ? `spread ${trimmed(difference(ask.price, bid.price).replace(/^\+/, ''))}` : book && (bid || ask) ? 'one side only' : book ? 'no orders' : '');
    this.#tellVerified(one, book);
  }

  #tellVerified(one, book) {
    const good = book?.verified && one.stateOf('orderbook').cause !== 'PAGE_WAITING';
    this.verified.set(!book ? '' : good ? '✓ verified' : book.checksumFault ? 'checksum fault' : book.chain.broken ? 'chain fault' : 'waiting');
    this.verified.element.hidden = !book;
    this.verifiedKind.set(!book ? undefined : good ? 'good' : 'bad');
    this.element.dataset.seq = book?.chain.seq ?? '';
  }

  #fillSide(rows, levels, most, mine, side) {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i], level = levels[i];
      row.priceText.set(level ? trimmed(level.price) : '');
      row.mine.set(level && mine.size > 0 && mine.has(`${side} ${row.priceText.text}`) ? 'true' : undefined);
      row.quantityText.set(level ? grouped(trimmed(level.quantity, 0)) : '');
      row.ordersText.set(level ? `${level.orders}` : '');
      row.totalText.set(level ? grouped(decimalOf(level.sum, digitsOf(level.quantity))) : '');
      const share = level ? ((100 * Number(level.sum)) / most).toFixed(1) : '0';
      if (share === row.share) continue;
      row.share = share;
      row.bar.style.backgroundSize = `${share}% 100%`; // painted anew, without a layer or a place in the layout
    }
  }
}

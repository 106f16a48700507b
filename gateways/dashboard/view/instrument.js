// The head of the selected instrument: name, last, change, quote, volume, trading state; and whether it may be trusted.
import { changePercent, difference, grouped, trimmed } from '../format/decimal.js';
import { isHalted, tradingWords } from '../market/state.js';
import { Mark, NumberCell, TextCell } from './dom.js';

const NUMBERS = ['last', 'change', 'bid', 'bid-size', 'ask', 'ask-size', 'volume'];
const WORDS = ['symbol', 'name', 'trading', 'short-sale', 'collar', 'reason'];

export class InstrumentView {
  constructor(app, loop) {
    this.app = app;
    this.element = document.getElementById('instrument');
    for (const [names, Cell] of [[NUMBERS, NumberCell], [WORDS, TextCell]])
      for (const name of names) this[name] = new Cell(document.getElementById(`instrument-${name}`));
    this.way = new Mark(this.change.element, 'data-way');
    this.lastWay = new Mark(this.last.element, 'data-way');
    this.tradingKind = new Mark(this.trading.element, 'data-kind');
    this.mark = loop.add(this);
  }

  draw() {
    const one = this.app.current;
    if (one !== this.shown) for (const name of NUMBERS) this[name].forget();
    this.shown = one;
    this.symbol.set(one?.symbol ?? '');
    const listed = one && this.app.directory.byKey.get(one.key);
    this.name.set(one ? [listed?.name, one.mic].filter(Boolean).join(' · ') : 'Select an instrument');
    this.#drawPrices(one);
    this.#drawStatus(one);
  }

  #drawPrices(one) {
    const { bid, ask } = one?.quote ?? {}, last = one?.last?.price;
    this.last.set(last ? trimmed(last) : '–');
    this.lastWay.set(one?.direction > 0 ? 'up' : one?.direction < 0 ? 'down' : undefined);
    const from = one?.reference?.price, percent = last && from ? changePercent(last, from) : '';
    this.change.set(percent ? `${trimmed(difference(last, from))} (${percent})` : '');
    this.change.element.title = one?.reference?.words ?? '';
    this.way.set(percent[0] === '+' ? 'up' : percent[0] === '-' ? 'down' : undefined);
    this.bid.set(bid ? trimmed(bid[0]) : '–');
    this['bid-size'].set(bid ? grouped(trimmed(bid[1], 0)) : '');
    this.ask.set(ask ? trimmed(ask[0]) : '–');
    this['ask-size'].set(ask ? grouped(trimmed(ask[1], 0)) : '');
    this.volume.set(one?.volume ? grouped(trimmed(one.volume, 0)) : '–');
  }

  #drawStatus(one) {
    const status = one?.status, trading = status?.trading;
    this.trading.set(status ? tradingWords(trading) || '–' : '–');
    this.tradingKind.set(isHalted(trading) ? 'halt' : trading === 'OPEN' ? 'good' : undefined);
    this.reason.set(status?.reason ? `reason ${status.reason}` : '');
    const restricted = status?.short_sale === 'INTRADAY' || status?.short_sale === 'CARRIED';
    this['short-sale'].set(restricted ? `short sale restricted (${status.short_sale.toLowerCase()})` : '');
    this.collar.set(status?.collar_lower && status?.collar_upper ? `collar ${trimmed(status.collar_lower)} – ${trimmed(status.collar_upper)}` : '');
  }
}

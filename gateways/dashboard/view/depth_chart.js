// What rests on both sides up to each price, as two staircases.
import { short, trimmed } from '../format/decimal.js';
import { fitCanvas } from './dom.js';
import { cumulated } from './ladder.js';

export class DepthChartView {
  constructor(app, loop) {
    this.app = app;
    this.element = document.getElementById('depth-chart');
    this.every = 100;
    this.mark = loop.add(this);
    this.size = fitCanvas(this.element, () => this.mark());
  }

  draw() {
    const { width, height, ratio } = this.size, context = this.element.getContext('2d'), book = this.app.current?.book;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const colours = this.app.colours;
    context.font = `11px ${colours.font}`;
    const sides = book ? [cumulated(book.bids, 50), cumulated(book.asks, 50)] : [[], []];
    if (sides[0].length + sides[1].length === 0) return this.#say(context, book ? 'no orders' : 'no book yet', colours);
    const prices = sides.flat().map((level) => Number(level.price));
    const low = Math.min(...prices), high = Math.max(...prices), pad = (high - low) * 0.04 || 0.01;
    const most = Math.max(...sides.flat().map((level) => Number(level.sum)));
    const bottom = height - 18, top = 8;
    const x = (price) => ((price - low + pad) / (high - low + 2 * pad)) * width;
    const y = (sum) => bottom - (sum / most) * (bottom - top);
    this.#grid(context, colours, most, y, width, sides[0][0] ?? sides[1][0]);
    this.#side(context, sides[0], x, y, 0, bottom, colours.bid, colours.bidFill);
    this.#side(context, sides[1], x, y, width, bottom, colours.ask, colours.askFill);
    this.#axis(context, sides, x, width, height, colours);
  }

  #say(context, words, colours) {
    context.fillStyle = colours.muted;
    context.textAlign = 'center';
    context.fillText(words, this.size.width / 2, this.size.height / 2);
  }

  #grid(context, colours, most, y, width, sample) {
    const scale = Number(sample.quantity) / Number(sample.scaledQuantity);
    context.strokeStyle = colours.grid;
    context.fillStyle = colours.muted;
    context.lineWidth = 1;
    context.textAlign = 'right';
    for (const share of [0.5, 1]) {
      const at = Math.round(y(most * share)) + 0.5;
      context.beginPath();
      context.moveTo(0, at);
      context.lineTo(width, at);
      context.stroke();
      context.fillText(short(most * share * scale), width - 4, at + 12);
    }
  }

  #side(context, levels, x, y, edge, bottom, line, fill) {
    if (levels.length === 0) return;
    context.beginPath();
    context.moveTo(x(Number(levels[0].price)), bottom);
    let height = bottom;
    for (const level of levels) {
      const at = x(Number(level.price));
      context.lineTo(at, height);
      height = y(Number(level.sum));
      context.lineTo(at, height);
    }
    context.lineTo(edge, height);
    context.strokeStyle = line;
    context.lineWidth = 1.5;
    context.stroke();
    context.lineTo(edge, bottom);
    context.closePath();
    context.fillStyle = fill;
    context.fill();
  }

  #axis(context, [bids, asks], x, width, height, colours) {
    context.fillStyle = colours.muted;
    const ends = [bids.at(-1), asks.at(-1)];
    context.textAlign = 'left';
    if (ends[0]) context.fillText(trimmed(ends[0].price), 4, height - 5);
    context.textAlign = 'right';
    if (ends[1]) context.fillText(trimmed(ends[1].price), width - 4, height - 5);
    if (!bids[0] || !asks[0]) return;
    context.textAlign = 'center';
    context.fillStyle = colours.text;
    const middle = (x(Number(bids[0].price)) + x(Number(asks[0].price))) / 2;
    context.fillText(`${trimmed(bids[0].price)} · ${trimmed(asks[0].price)}`, Math.min(width - 70, Math.max(70, middle)), height - 5);
  }
}

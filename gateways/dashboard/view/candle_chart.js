// Candles with volume, by lightweight-charts. Prices become floating point here and nowhere else: for pixels.
import { CandlestickSeries, CrosshairMode, HistogramSeries, createChart } from '../vendor/lightweight-charts.js';
import { isShown } from './dom.js';

const pointOf = ({ start, open, high, low, close }) => ({ time: start, open: Number(open), high: Number(high), low: Number(low), close: Number(close) });

export class CandleChartView {
  constructor(app, loop) {
    this.app = app;
    this.element = document.getElementById('candle-chart');
    this.note = document.getElementById('candle-note');
    this.every = 200; // it paints itself whole each time
    this.shownOf = undefined; // what was drawn whole: the series and its version
    this.shownCount = 0;
    this.mark = loop.add(this);
  }

  #open() {
    this.chart = createChart(this.element, { autoSize: true, layout: { attributionLogo: false }, crosshair: { mode: CrosshairMode.Normal },
      timeScale: { timeVisible: true, secondsVisible: true, rightOffset: 4, borderVisible: false, minBarSpacing: 1, lockVisibleTimeRangeOnResize: true },
      rightPriceScale: { borderVisible: false } });
    this.candles = this.chart.addSeries(CandlestickSeries, {});
    this.volumes = this.chart.addSeries(HistogramSeries, { priceScaleId: '', priceFormat: { type: 'volume' }, lastValueVisible: false, priceLineVisible: false });
    this.volumes.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.22 } });
    this.coloursChanged();
  }

  coloursChanged() {
    if (!this.chart) return;
    const { up, down, text, grid, panel, font, muted } = this.app.colours;
    this.chart.applyOptions({ layout: { background: { color: panel }, textColor: muted, fontFamily: font, fontSize: 11 },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } }, crosshair: { vertLine: { color: text, labelBackgroundColor: muted }, horzLine: { color: text, labelBackgroundColor: muted } } });
    this.candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false });
    this.shownOf = undefined;
    this.mark();
  }

  draw() {
    if (!isShown(this.element)) return;
    if (!this.chart) this.#open();
    const series = this.app.candles();
    this.note.textContent = this.app.candleNote;
    if (this.shownOf !== series || this.shownVersion !== series.version || this.shownCount > series.list.length) this.#drawWhole(series);
    else this.#drawEnd(series);
    this.shownCount = series.list.length;
  }

  #volumePoint(candle) {
    const { upFill, downFill } = this.app.colours;
    return { time: candle.start, value: Number(candle.volume), color: Number(candle.close) >= Number(candle.open) ? upFill : downFill };
  }

  #drawWhole(series) {
    const sameKind = this.shownOf !== undefined && this.shownName === this.app.candleName;
    this.#digits(series);
    this.candles.setData(series.list.map(pointOf));
    this.volumes.setData(series.list.map((candle) => this.#volumePoint(candle)));
    this.chart.timeScale().applyOptions({ secondsVisible: series.seconds < 60 });
    if (!sameKind) {
      this.candles.priceScale().applyOptions({ autoScale: true });
      this.chart.timeScale().setVisibleLogicalRange({ from: series.list.length - 90, to: series.list.length + 4 });
    }
    this.shownOf = series;
    this.shownName = this.app.candleName;
    this.shownVersion = series.version;
  }

  #digits(series) {
    const sample = series.last?.close ?? '0.00', digits = Number(sample) >= 1 ? 2 : Math.max(2, sample.length - sample.indexOf('.') - 1);
    this.candles.applyOptions({ priceFormat: { type: 'price', precision: digits, minMove: 10 ** -digits } });
  }

  // The last one that was drawn may have grown; those behind it are new.
  #drawEnd({ list }) {
    for (let i = Math.max(0, this.shownCount - 1); i < list.length; i++) {
      this.candles.update(pointOf(list[i]));
      this.volumes.update(this.#volumePoint(list[i]));
    }
  }
}

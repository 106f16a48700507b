// The dashboard: composes stream, market and views. What each part does is in its own file; here is only who tells whom.
import { ChartFeed } from './market/chart_feed.js';
import { Directories } from './market/directories.js';
import { Directory } from './market/directory.js';
import { candleSubject, fetchInstruments } from './market/history.js';
import { Market } from './market/market.js';
import { Watchlist } from './market/watchlist.js';
import { Connection } from './stream/connection.js';
import { SIGN_IN, standingOf } from './stream/standing.js';
import { subjectOf } from './stream/subject.js';
import { Subscriptions } from './stream/subscriptions.js';
import { HELD_SUBSCRIPTIONS, Trader } from './trader.js';
import { CandleChartView } from './view/candle_chart.js';
import { readColours } from './view/colours.js';
import { ConnectionView, SignIn } from './view/connection.js';
import { DepthChartView } from './view/depth_chart.js';
import { InstrumentView } from './view/instrument.js';
import { LadderView } from './view/ladder.js';
import { Loop } from './view/loop.js';
import { SearchView } from './view/search.js';
import { Settings } from './view/settings.js';
import { CountersView, FeedsView, LatencyView } from './view/system.js';
import { TapeView } from './view/tape.js';
import { WatchlistView } from './view/watchlist.js';

const TICK_MS = 250;
const SAMPLE_MS = 1000;
const FIRST_LIST = 24; // instruments for who comes with an empty list
const CHANNELS = ['quote', 'trade', 'status'];
const DAY_MS = 5000; // how often the day's candle comes, from which the change is measured
const PATTERNS_EACH = CHANNELS.length + 1;
const FEEDS = 'feed.>';
const isReports = (subject) => subject.startsWith('exec.');

class App {
  constructor() {
    this.settings = new Settings();
    this.directory = new Directory();
    this.directories = new Directories({ fetch: (mic) => fetchInstruments(mic, this.token()), take: (mic, instruments) => this.#takeDirectory(mic, instruments) });
    this.market = new Market({
      onFault: (subject) => this.subscriptions.again(subject, this.connection.now()),
      onEarly: (subject) => this.subscriptions.early(subject, this.connection.now()),
      onSnapshot: (subject) => this.subscriptions.arrived(subject),
      onCandle: (parts, message) => this.#takeCandle(parts, message),
      onFeed: (mic) => this.#learn(mic),
    });
    this.connection = new Connection({
      url: new URL('/v1/stream', location.href.replace(/^http/, 'ws')).href,
      onMessage: (message, at) => this.#take(message, at), onPhase: () => this.#phase(),
    });
    this.subscriptions = new Subscriptions({
      send: (request) => this.connection.send(request), resumePoint: (subject) => (isReports(subject) ? this.trader.desk : this.market).resumePoint(subject),
      onTaken: (subject, resumed) => this.#taken(subject, resumed), onRefused: (subject, error) => this.#refused(subject, error),
    });
    this.chartFeed = new ChartFeed({
      want: (subject) => this.#wantChart(subject), drop: (subject) => this.#dropChart(subject),
      token: () => this.token(), changed: () => this.views?.candleChart.mark(),
    });
    this.stored = this.settings.watchlist();
    this.watchlist = this.stored ?? new Watchlist();
    this.away = { state: 'STALE', cause: 'PAGE_AWAY', since: this.connection.now() };
    this.depth = this.settings.number('depth', 10, [5, 10, 20, 50]);
    this.interval = this.settings.choice('interval', '1m', ['1s', '1m', '5m', '1h', '1d']);
    this.pace = this.settings.number('pace', matchMedia('(max-width: 760px)').matches ? 100 : 0, [0, 50, 100, 250, 1000]);
    this.refusal = '';
    this.tokenRefused = false;
    this.heard = false; // data, over this connection
    this.colours = readColours();
    this.selected = undefined;
    this.held = new Set(); // instruments whose quotes value positions
    this.#makeViews();
    this.#wire();
  }

  #makeViews() {
    const loop = (this.loop = new Loop());
    this.views = {
      watchlist: new WatchlistView(this, loop), instrument: new InstrumentView(this, loop), ladder: new LadderView(this, loop), depthChart: new DepthChartView(this, loop),
      candleChart: new CandleChartView(this, loop), tape: new TapeView(this, loop), feeds: new FeedsView(this, loop), latency: new LatencyView(this, loop),
      counters: new CountersView(this, loop), connection: new ConnectionView(this, loop),
    };
    this.trader = new Trader(this, loop);
    this.search = new SearchView(this);
    this.signInView = new SignIn(this);
    this.views.ladder.setDepth(Math.min(this.depth, 20));
  }

  #wire() {
    document.addEventListener('themechange', () => {
      this.colours = readColours();
      this.views.candleChart.coloursChanged();
      this.views.watchlist.redraw();
      this.loop.markAll();
    });
    this.settings.bind({
      depth: [this.depth, (value) => this.#setDepth(value)], pace: [this.pace, (value) => this.#setPace(value)],
      interval: [this.interval, (value) => this.#setInterval(value)],
    });
    setInterval(() => this.#tick(), TICK_MS);
    setInterval(() => this.#sample(), SAMPLE_MS);
  }

  start() {
    for (const key of this.watchlist.keys) this.#follow(key);
    this.subscriptions.want(FEEDS);
    this.select(this.settings.text('selected') ?? this.watchlist.keys[0]);
    this.connection.token = this.token();
    this.connection.start();
  }

  /* ---- what is wanted ---- */

  #follow(key) {
    const one = this.market.instrument(key);
    for (const channel of CHANNELS) this.subscriptions.want(subjectOf(one.mic, one.symbol, channel), { interval_ms: channel === 'quote' ? this.pace : 0 });
    this.subscriptions.want(this.#daySubject(one), { interval_ms: DAY_MS, optional: true });
  }

  #daySubject(one) {
    return candleSubject(one.mic, one.symbol, '1d');
  }

  #unfollow(key) {
    const one = this.market.instrument(key);
    this.subscriptions.drop(this.#daySubject(one));
    for (const channel of CHANNELS) if (channel !== 'quote' || !this.held.has(key)) this.subscriptions.drop(subjectOf(one.mic, one.symbol, channel));
    if (!this.held.has(key)) this.market.forget(key);
  }

  #isFollowed(key) {
    return key === this.selected || this.watchlist.has(key);
  }

  /** The quotes of these are wanted, in the list or not. */
  hold(keys) {
    const before = this.held;
    this.held = new Set(keys);
    for (const key of before) if (!this.held.has(key) && !this.#isFollowed(key)) this.#unfollow(key);
    for (const key of keys) if (!before.has(key) && !this.#isFollowed(key)) this.#followQuote(key);
  }

  #followQuote(key) {
    const one = this.market.instrument(key);
    this.subscriptions.want(subjectOf(one.mic, one.symbol, 'quote'), { interval_ms: this.pace });
  }

  #bookSubject(one) {
    return subjectOf(one.mic, one.symbol, 'orderbook');
  }

  get current() {
    return this.selected === undefined ? undefined : this.market.instruments.get(this.selected);
  }

  select(key) {
    if (key === undefined || key === this.selected) return;
    const before = this.selected;
    this.#deselect();
    this.selected = key;
    const one = this.market.instrument(key);
    this.#follow(key);
    one.openBook();
    this.subscriptions.want(this.#bookSubject(one), { depth: this.depth });
    this.settings.keep('selected', key);
    this.chartFeed.show(one, this.interval);
    document.title = `${one.symbol} · Tickwire`;
    this.trader.instrumentChanged(before, key);
    this.views.watchlist.listChanged();
    this.#markCurrent();
  }

  #deselect() {
    const before = this.current;
    if (!before) return;
    this.subscriptions.drop(this.#bookSubject(before));
    before.closeBook();
    this.market.dirty.add(before);
    this.chartFeed.hide();
    if (!this.watchlist.has(before.key)) this.#unfollow(before.key);
  }

  /** Selected, and in sight: on a narrow page the list makes way. */
  open(key) {
    this.select(key);
    if (document.body.dataset.tab === 'watch') this.settings.showTab('chart');
  }

  /** Into the list, and selected. */
  add(key) {
    if (this.watchlist.add(key, 0)) {
      this.#follow(key);
      this.#listChanged();
    }
    this.open(key);
  }

  remove(key) {
    const at = this.watchlist.keys.indexOf(key);
    if (!this.watchlist.remove(key)) return;
    const { keys } = this.watchlist, next = keys[Math.min(at, keys.length - 1)];
    if (this.selected === key && next !== undefined) this.select(next);
    else if (this.selected !== key) this.#unfollow(key);
    this.#listChanged();
  }

  move(key, by) {
    if (this.watchlist.move(key, by)) this.#listChanged();
  }

  #listChanged() {
    this.settings.keep('watchlist', `${this.watchlist}`);
    this.views.watchlist.listChanged();
  }

  #setDepth(depth) {
    this.depth = depth;
    this.views.ladder.setDepth(Math.min(depth, 20));
    if (this.current) this.subscriptions.want(this.#bookSubject(this.current), { depth });
  }

  #setPace(pace) {
    this.pace = pace;
    for (const key of this.market.instruments.keys()) this.#isFollowed(key) ? this.#follow(key) : this.#followQuote(key);
  }

  #setInterval(interval) {
    this.interval = interval;
    if (this.current) this.chartFeed.show(this.current, interval);
  }

  /* ---- what comes ---- */

  #take(message, at) {
    const began = performance.now();
    if (this.trader.take(message)) this.loop.request();
    else if (message.type === 'ack' || message.type === 'error' || message.type === 'session') this.#takeAnswer(message);
    else this.#takeData(message, at);
    this.loop.messageMs += performance.now() - began;
  }

  #takeAnswer(message) {
    if (message.user !== undefined) this.#admitted(message);
    else if (this.subscriptions.take(message)) this.loop.request();
    else if (message.type === 'error') this.#error(message);
  }

  /** The server knows who is there. */
  #admitted({ user, limits }) {
    this.user = user;
    this.#limit(limits);
    this.signInView.told();
    this.trader.admitted();
  }

  #limit(limits = this.limits) {
    this.limits = limits;
    this.watchlist.most = Math.max(1, Math.min(1000, Math.floor(((limits?.subscriptions ?? 1024) - 16 - (this.trader.desk.trades ? HELD_SUBSCRIPTIONS : 0)) / PATTERNS_EACH)));
  }

  /** There is trading now, or there is not any more: positions need subscriptions, too. */
  tradingChanged() {
    this.#limit();
  }

  #takeData(message, at) {
    const { market, views } = this, one = this.current;
    if (message.subject !== undefined) this.heard = true;
    market.take(message, at, this.connection.clock.offset);
    if (market.dirty.size > 0) views.watchlist.mark(), this.trader.marketChanged();
    if (!one) return;
    if (market.dirty.has(one)) views.instrument.mark();
    if (market.dirtyBooks.delete(one)) views.ladder.mark(), views.depthChart.mark();
    if (market.dirtyTapes.delete(one)) views.tape.mark(), views.candleChart.mark();
  }

  #error({ code, message }) {
    const nobody = code === 'UNAUTHORIZED';
    this.refusal = nobody || code === 'FORBIDDEN' ? message : `${code}: ${message}`;
    if (nobody) this.settings.keepToken(undefined); // one that is not accepted is of no use
    this.tokenRefused ||= nobody; // and that is what there is to say, whatever else is then refused
    if (nobody) this.signInView.ask(message);
    else if (code === 'FORBIDDEN' && !this.user && !this.tokenRefused) this.signInView.ask(this.subscriptions.nothingGiven ? SIGN_IN : `Sign in to see more: ${message}.`);
    this.signInView.told();
    this.views.connection.mark();
  }

  #taken(subject, resumed) {
    if (isReports(subject)) {
      this.trader.desk.subscribed(subject);
      return;
    }
    if (subject === this.chartFeed.subject) this.chartFeed.taken(subject);
    if (resumed) this.market.resumed(subject);
    if (subject !== FEEDS) this.refusal = '';
    this.#markCurrent();
  }

  // The chart and the day's candle may want the same subject; the one of the chart is wanted at its own pace.
  #wantChart(subject) {
    this.subscriptions.want(subject, { optional: true });
  }

  #dropChart(subject) {
    const one = this.chartFeed.instrument;
    if (one && subject === this.#daySubject(one)) this.subscriptions.want(subject, { interval_ms: DAY_MS, optional: true });
    else this.subscriptions.drop(subject);
  }

  #takeCandle(parts, message) {
    this.chartFeed.take(parts, message);
    const one = parts && this.market.instruments.get(parts.key);
    if (!one || !one.takeDay(message)) return;
    this.market.dirty.add(one);
    this.views.watchlist.mark();
    if (one === this.current) this.views.instrument.mark();
  }

  #refused(subject, { code, message }) {
    if (isReports(subject)) {
      this.trader.desk.refused(subject, { message });
      return;
    }
    if (subject.includes('.candle.') && !this.subscriptions.nothingGiven) return; // there may be no aggregator: prints go on to make the candles
    this.#error({ code, message });
  }

  #phase() {
    if (!this.views) return;
    const { connection } = this, { phase, silent } = connection;
    if (phase === 'open' && !silent) this.away = undefined;
    else if (phase === 'open') this.away = { state: 'STALE', cause: 'PAGE_SILENT', since: connection.heardAt };
    else if (!this.away || this.away.cause === 'PAGE_SILENT') this.away = { state: 'STALE', cause: 'PAGE_AWAY', since: connection.heardAt ?? connection.now() };
    if (phase === 'open' && this.phaseBefore !== 'open') this.#opened();
    if (phase !== 'open' && this.phaseBefore === 'open') this.market.disconnected(), this.trader.disconnected();
    this.phaseBefore = phase;
    if (phase === 'refused') this.#error({ code: 'UNAUTHORIZED', message: connection.reason });
    this.market.markAll();
    this.loop.markAll();
  }

  #opened() {
    this.user = undefined;
    this.heard = false;
    this.#limit(this.connection.hello.limits);
    this.signInView.told();
    this.subscriptions.reset();
    this.subscriptions.flush(this.connection.now());
    this.trader.admitted();
  }

  #learn(mic) {
    if (this.directories.learn(mic)) this.views?.watchlist.redraw(); // symbols of several exchanges are told apart
    this.directories.tick(this.connection.now());
  }

  #takeDirectory(mic, instruments) {
    this.directory.take(mic, instruments);
    this.#offerFirst(mic, instruments);
    this.views.instrument.mark();
  }

  // Who has never chosen sees something live.
  #offerFirst(mic, instruments) {
    if (this.stored || this.watchlist.keys.length > 0) return;
    for (const { symbol, test } of instruments.filter((one) => !one.test).slice(0, FIRST_LIST))
      if (!test && this.watchlist.add(`${mic}.${symbol}`)) this.#follow(`${mic}.${symbol}`);
    this.select(this.watchlist.keys[0]);
    this.views.watchlist.listChanged();
  }

  /* ---- what is shown ---- */

  /** How the page stands with the gateway: { kind, text, said, note }. */
  get standing() {
    const { connection, subscriptions, heard, user } = this;
    return standingOf(connection, { heard, user, nothingGiven: subscriptions.nothingGiven }, connection.now());
  }

  /** How far an instrument may be trusted, whatever the reason: { state, cause, since }. */
  trustOf(one) {
    return one.judge(this.away, this.connection.now());
  }

  candles() {
    return this.chartFeed.series ?? { list: [], seconds: 60, version: 0 };
  }

  get candleName() {
    return `${this.selected} ${this.interval}`;
  }

  get candleNote() {
    return this.chartFeed.note ?? '';
  }

  #markCurrent() {
    const { instrument, ladder, depthChart, tape, candleChart, connection } = this.views;
    for (const view of [instrument, ladder, depthChart, tape, candleChart, connection]) view.mark();
  }

  #tick() {
    this.connection.tick();
    this.subscriptions.flush(this.connection.now());
    this.chartFeed.tick();
    this.trader.tick();
    if (this.connection.live) this.directories.tick(this.connection.now());
    const { feeds, latency, counters, connection } = this.views;
    for (const view of [feeds, latency, counters, connection]) view.mark();
  }

  #sample() {
    for (const key of this.watchlist.keys) this.market.instrument(key).sample();
    this.views.watchlist.sampleTaken();
  }

  /* ---- who is there ---- */

  token() {
    return this.settings.token();
  }

  signIn(token) {
    this.settings.keepToken(token);
    this.refusal = '';
    this.tokenRefused = false;
    this.directories.askAll();
    this.connection.authenticate(token);
    this.signInView.told();
  }
}

const app = new App();
globalThis.tickwire = app; // for the console and for tests
app.start();

// The dashboard in Chromium, on a feed that the test sends by hand: what it shows is what the bus has, what is not live does not
// look live, and what was changed on the way is found.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Browser, buildDashboard, complaintsOf, dashboardFolder, screenshots } from './lib/browser.mjs';
import { startGateway } from './lib/gateway.mjs';
import { newKey, signed } from './lib/issuer.mjs';
import * as itch from './lib/itch.mjs';
import { MoldSender } from './lib/mold_sender.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, Program, build, folder, launchIngest, simulatedFile, sleep, startTickwire, until } from './lib/programs.mjs';
import { PlainChromium } from './lib/plain_chromium.mjs';
import { StreamProxy } from './lib/stream_proxy.mjs';
import { Subscriber } from './lib/subscriber.mjs';

const LIST = ['XNAS.AAPL', 'XNAS.MSFT', 'XNAS.NVDA'];
const ODD = ['<img>', '"&\'<b>'];
const listed = (keys = LIST) => ({ 'tickwire.watchlist': JSON.stringify(keys) });
const shoot = (page, name) => page.screenshot({ path: path.join(screenshots, `dashboard-${name}.png`) });

let browser, nats, feed, beat, ingest, gateway, proxy, witness, day;
let open; // the page of a test, which a test that failed may have left behind

before(async () => {
  buildDashboard();
  nats = await NatsServer.start();
  witness = await Subscriber.connect(nats, ['XNAS.>', 'feed.>']);
  gateway = await serve();
  proxy = await StreamProxy.open(gateway.port);
  const port = await freePort(), group = '239.255.41.61';
  feed = await MoldSender.open(port, { host: group });
  ingest = launchIngest(nats, ['--source', `udp://${group}:${port}@127.0.0.1`, '--session-date', '2020-01-30', '--silence', '600ms']);
  await ingest.says(/"leads/);
  beat = feed.beat();
  day = itch.readBinaryFile(simulatedFile('dashboard', { symbols: 20, messages: 20_000, seed: 5 }));
  await send(4000);
  const locate = 60;
  for (const [i, symbol] of ODD.entries())
    await feed.send(itch.directory(locate + i, symbol), itch.action(locate + i, symbol), itch.add(locate + i, symbol, 9_000_001 + i, 'B', 100, 10_000));
  browser = await Browser.start();
});

after(async () => {
  beat?.stop();
  feed?.close();
  proxy?.close();
  await witness?.close();
  await Promise.all([ingest?.stop('SIGKILL'), gateway?.stop('SIGKILL')]);
  await nats?.stop();
});

const serve = (settings = []) => startGateway(nats, ['--dashboard', dashboardFolder, '--reconnect-latest', '300ms', ...settings]);

/** The next messages of the day. */
async function send(count) {
  for (let left = count; left > 0; left -= 20) {
    await feed.send(...day.splice(0, Math.min(left, 20)));
    if (left % 400 < 20) await sleep(5); // the kernel's buffer is not endless
  }
}

const text = (page, selector) => page.locator(selector).innerText();
const counts = (page) => page.evaluate(() => globalThis.tickwire.market.counts);
async function countsAre(page, wanted) {
  let now;
  await until(() => `the counters to be ${JSON.stringify(wanted)}: ${JSON.stringify(now)}`, async () => {
    now = await counts(page);
    return Object.entries(wanted).every(([name, value]) => now[name] === value);
  });
}
const shown = (page) => page.evaluate(() => globalThis.tickwire.current?.symbol);
const isLive = (page) => page.evaluate(() => !document.body.dataset.stale && globalThis.tickwire.connection.live);
const select = (page, key) => page.evaluate((wanted) => globalThis.tickwire.select(wanted), key);

/** The ladder as a reader sees it, best first: ["48.67 10,941 60", …]. */
const ladder = (page) => page.evaluate(() => {
  const side = (name) => [...document.querySelectorAll(`#ladder-${name} tr`)].map((row) => ['price', 'quantity', 'orders'].map((cell) => row.querySelector(`.${cell}`).innerText).join(' ')).filter((row) => row.trim() !== '');
  return { bids: side('bids'), asks: side('asks').reverse() };
});

/** The same of the bus. */
function busLadder(symbol) {
  const book = witness.books.get(`XNAS.${encodeURIComponent(symbol).replace(/[.'!()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}.orderbook`);
  const decimal = (price) => `${price / 10_000n}.${`${price % 10_000n}`.padStart(4, '0')}`.replace(/(\.\d\d\d*?)0+$/, '$1');
  const side = (levels) => levels.map(({ price, quantity, orders }) => `${decimal(price)} ${quantity.toLocaleString('en')} ${orders}`);
  return { bids: side(book.bids), asks: side(book.asks) };
}

async function ladderIsTheBus(page, symbol) {
  let mine;
  await until(() => `the ladder of ${symbol} to be that of the bus: ${JSON.stringify([mine, busLadder(symbol)])}`, async () => {
    mine = await ladder(page);
    return (await shown(page)) === symbol && JSON.stringify(mine) === JSON.stringify(busLadder(symbol)) && (await text(page, '#ladder-verified')) === '✓ verified';
  });
}

async function openPage(options = {}) {
  await open?.context().close();
  const page = (open = await browser.open(proxy.url, { storage: listed(), ...options }));
  await until('the page to be live', () => isLive(page));
  return page;
}

async function closePage(page) {
  assert.deepEqual(await complaintsOf(page), []);
  open = undefined;
  await page.context().close();
}

describe('the dashboard', { concurrency: false }, () => {
  test('it loads without a complaint and shows the books, quotes, trades and feeds of the bus', async () => {
    const page = await openPage({ storage: listed([...LIST, ...ODD.map((symbol) => `XNAS.${symbol}`), 'XNAS.BRK.B']) });
    await send(3000); // live, then frozen
    for (const symbol of ['AAPL', 'MSFT', 'BRK.B', ...ODD]) {
      await select(page, `XNAS.${symbol}`);
      await ladderIsTheBus(page, symbol);
    }
    const { bids: [best], asks: [worst] } = busLadder('AAPL'), row = page.locator('[data-key="XNAS.AAPL"]');
    await until('the row to show the best prices', async () => (await row.locator('.bid').innerText()) === best.split(' ')[0] && (await row.locator('.ask').innerText()) === worst.split(' ')[0]);
    await select(page, 'XNAS.AAPL');
    const { price, quantity } = witness.latest.get('XNAS.AAPL.trade').prints.at(-1);
    await until(() => 'the newest trade on top of the tape', async () => (await page.locator('.print').first().innerText()).replaceAll(',', '').includes(`${quantity}`));
    await until('the last price', async () => Number(await text(page, '#instrument-last')) === Number(price) / 10_000);
    const feeds = await text(page, '#feeds-rows');
    for (const word of ['XNAS 1', 'OK', `${witness.feed.term}`, witness.feed.leader]) assert.ok(feeds.includes(word), `${word} in ${feeds}`);
    await until('a latency', async () => /µs|ms/.test(await text(page, '#latency-rows')));
    assert.match(await text(page, '#latency-clock'), /ahead|behind/);
    await countsAre(page, { chainFaults: 0, checksumFaults: 0 });
    for (const symbol of ODD) assert.equal(await page.locator(`.row .symbol`, { hasText: symbol }).first().innerText(), symbol);
    assert.equal(await page.locator('main img, main b').count(), 0);
    assert.deepEqual(await page.locator('#ticket, #desk, #tabs [value=trade]').evaluateAll((parts) => parts.map((part) => part.hidden)), [true, true, true], 'no venue, no trading');
    await shoot(page, 'dark');
    await page.selectOption('#choose-theme', 'light');
    await sleep(300);
    await shoot(page, 'light');
    await closePage(page);
  });

  test('pages come with headers that keep them safe, and are not sent twice', async () => {
    const page = await fetch(`${proxy.url}/`), policy = page.headers.get('content-security-policy');
    for (const words of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]) assert.ok(policy.includes(words), policy);
    assert.doesNotMatch(policy, /unsafe/);
    assert.deepEqual(['x-content-type-options', 'referrer-policy', 'cache-control'].map((name) => page.headers.get(name)), ['nosniff', 'no-referrer', 'no-cache']);
    const again = await fetch(`${proxy.url}/`, { headers: { 'if-none-match': page.headers.get('etag') } });
    assert.deepEqual([again.status, await again.text()], [304, '']);
    assert.equal((await fetch(`${proxy.url}/`, { headers: { 'if-none-match': '"another"' } })).status, 200);
    assert.equal((await fetch(`${proxy.url}/main.js`, { method: 'HEAD' })).headers.get('content-type'), 'text/javascript; charset=utf-8');
  });

  test('keyboard: search finds and adds, arrows select, Alt and arrows move, Delete removes, and the list is kept', async () => {
    const page = await openPage();
    await until('the directory', () => page.evaluate(() => globalThis.tickwire.directory.byKey.size >= 20));
    await page.keyboard.press('/');
    await page.keyboard.type('brk');
    await page.locator('#search-results [role=option]').first().waitFor();
    assert.equal(await page.locator('#search').getAttribute('aria-expanded'), 'true');
    await page.keyboard.press('Enter');
    assert.equal(await shown(page), 'BRK.B');
    await ladderIsTheBus(page, 'BRK.B');
    await page.keyboard.press('/');
    await page.keyboard.type('<img');
    await page.locator('#search-results .symbol', { hasText: '<img>' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#watchlist-rows').focus();
    await page.keyboard.press('ArrowDown');
    assert.equal(await shown(page), 'AAPL');
    await page.keyboard.press('Alt+ArrowDown');
    await page.keyboard.press('End');
    await page.keyboard.press('Delete');
    const keys = () => page.evaluate(() => globalThis.tickwire.watchlist.keys);
    assert.deepEqual(await keys(), ['XNAS.BRK.B', 'XNAS.MSFT', 'XNAS.AAPL']);
    await page.reload();
    assert.deepEqual(await keys(), ['XNAS.BRK.B', 'XNAS.MSFT', 'XNAS.AAPL']);
    await page.locator('#choose-interval [aria-checked=true]').focus();
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.locator('#choose-interval [aria-checked=true]').innerText(), '5m');
    await closePage(page);
  });

  test('candles are those of the aggregator where one runs, else of the trades that the page has seen; it says which', async () => {
    let page = await openPage();
    await until('the note', async () => (await text(page, '#candle-note')) === 'from the trades this page has seen');
    await closePage(page);
    const aggregator = new Program(path.join(build, 'publisher/aggregator/tickwire-aggregator'), ['--nats', nats.url, '--redis', 'redis://127.0.0.1:1', '--log-format', 'json']);
    await aggregator.says(/connected to the bus/);
    await send(1500); // it makes candles of these
    page = await openPage();
    await until('the aggregator\'s candles', async () => (await text(page, '#candle-note')) === 'by the aggregator');
    const ofServer = async () => (await (await fetch(`${proxy.url}/v1/candles/XNAS/AAPL?interval=1m&limit=500`)).json()).candles.map(({ start_ns, open, high, low, close }) => [Number(start_ns.slice(0, -9)), open, high, low, close]);
    const ofPage = () => page.evaluate(() => globalThis.tickwire.candles().list.map(({ start, open, high, low, close }) => [start, open, high, low, close]));
    await send(1500); // live
    let both;
    await until(() => `the page's candles to be the server's: ${JSON.stringify(both)}`, async () => {
      both = [await ofServer(), await ofPage()];
      return both[0].length > 1 && JSON.stringify(both[0]) === JSON.stringify(both[1]);
    });
    const [[, first]] = (await (await fetch(`${proxy.url}/v1/candles/XNAS/AAPL?interval=1d`)).json()).candles.map(({ start_ns, open }) => [start_ns, open]);
    await until('the change since the day\'s first price', () => page.evaluate((open) => globalThis.tickwire.current.reference?.price === open, first));
    await closePage(page);
    await aggregator.stop();
  });

  test('a halt is shown where the instrument is, and goes when trading goes on', async () => {
    const page = await openPage(), row = page.locator('[data-key="XNAS.AAPL"]'), locate = locateOf('AAPL');
    await feed.send(itch.action(locate, 'AAPL', 'H', 'T1'));
    await until('the halt', async () => (await text(page, '#instrument-trading')) === 'Halted' && (await row.locator('.badge').innerText()) === 'HALTED');
    assert.equal(await text(page, '#instrument-reason'), 'reason T1');
    await feed.send(itch.action(locate, 'AAPL', 'T'));
    await until('trading', async () => (await text(page, '#instrument-trading')) === 'Open' && (await row.locator('.badge').innerText()) === '');
    await closePage(page);
  });

  test('a message that was changed, and one that was lost, on the way to the page is found, counted, and made up for', async () => {
    const page = await openPage();
    await ladderIsTheBus(page, 'AAPL');
    const isUpdate = (message) => message.type === 'book' && message.subject === 'XNAS.AAPL.orderbook' && !message.snapshot;
    const changed = proxy.tamperWithOne((words) => {
      const message = JSON.parse(words), level = isUpdate(message) && [...message.bids, ...message.asks].find(([, quantity]) => quantity !== '0');
      if (!level) return undefined;
      level[1] = `${Number(level[1]) + 1}`;
      return JSON.stringify(message);
    });
    await send(1000);
    await changed;
    await countsAre(page, { checksumFaults: 1, chainFaults: 0, resyncs: 1 });
    await ladderIsTheBus(page, 'AAPL');
    const dropped = proxy.tamperWithOne((words) => (isUpdate(JSON.parse(words)) ? null : undefined));
    await send(1000);
    await dropped;
    await countsAre(page, { checksumFaults: 1, chainFaults: 1, resyncs: 2 });
    await ladderIsTheBus(page, 'AAPL');
    await until('the counters to be shown', async () => (await Promise.all(['chainFaults', 'checksumFaults', 'resyncs'].map((name) => text(page, `#counter-${name}`)))).join() === '1,1,2');
    await closePage(page);
  });

  test('what is not live does not look live: a silent line, a frozen publisher, a frozen wire, a gateway that is gone', async () => {
    const page = await openPage(), row = page.locator('[data-key="XNAS.MSFT"]');
    await ladderIsTheBus(page, 'AAPL');
    const isStale = async (what, words) => {
      await until(async () => `${what} to be shown`, async () => words.test(await page.evaluate(() => document.getElementById('banner').innerText)) && /stale/.test(await row.getAttribute('class')));
      assert.match(await text(page, '#banner'), /since \d\d:\d\d:\d\d/);
      assert.ok(await page.evaluate(() => Boolean(document.body.dataset.stale)));
      assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('#ladder .price')).textDecorationLine), 'line-through');
    };
    const isLiveAgain = () => until('the page to be live again', async () => (await isLive(page)) && !/stale/.test(await row.getAttribute('class')) && !(await page.locator('#banner').isVisible()));
    beat.stop();
    await isStale('the silent line', /STALE.*line is silent/);
    await shoot(page, 'stale-line');
    beat = feed.beat();
    await isLiveAgain();
    await ingest.freeze();
    await isStale('the frozen publisher', /STALE.*FEED_SILENT/);
    ingest.kill('SIGCONT');
    await isLiveAgain();
    proxy.stall();
    await isStale('the silent gateway', /nothing is heard from the gateway/);
    assert.match(await text(page, '#connection'), /Silent/);
    proxy.resume();
    await isLiveAgain();
    proxy.sent.length = 0;
    proxy.cut();
    await send(300); // missed, and made up for
    await isLiveAgain();
    await ladderIsTheBus(page, 'AAPL');
    assert.ok(proxy.sent.some((request) => JSON.parse(request).resume?.['XNAS.AAPL.orderbook']?.seq), 'it goes on where it was');
    await gateway.stop();
    await isStale('the gateway that is gone', /not connected/);
    await shoot(page, 'stale-gateway');
    await send(500);
    gateway = await serve();
    proxy.target = gateway.port;
    await isLiveAgain();
    await ladderIsTheBus(page, 'AAPL');
    assert.ok((await page.evaluate(() => globalThis.tickwire.connection.counts.opened)) >= 3);
    await countsAre(page, { chainFaults: 0, checksumFaults: 0 });
    page.complaints = page.complaints.filter((words) => !/WebSocket connection|ERR_|Failed to load resource/.test(words));
    await closePage(page);
  });

  test('instruments that nobody tells in time are asked for again, and can be searched then', async () => {
    const page = await openPage();
    let asked = 0;
    await page.route('**/v1/instruments?*', (route) => (++asked === 1 ? route.fulfill({ status: 504, json: { error: { code: 'TIMEOUT' } } }) : route.continue()));
    await page.reload();
    await page.locator('#search').fill('AAPL');
    await page.locator('#search-results', { hasText: 'The directory has not come yet' }).waitFor();
    await until('the page to ask again', () => asked > 1);
    await until('AAPL to be found', async () => {
      await page.locator('#search').fill('AAPL');
      return page.locator('#search-results [role=option] .symbol', { hasText: 'AAPL' }).first().isVisible();
    });
    assert.ok(page.complaints.some((words) => /504/.test(words)), 'it was refused once');
    await closePage(page);
  });

  test('on a phone every part fits; both themes can be read', async () => {
    for (const colours of ['dark', 'light']) {
      const page = await openPage({ width: 390, height: 844, colours });
      for (const tab of ['watch', 'chart', 'book', 'tape', 'system']) {
        await page.click(`#tabs button[value=${tab}]`);
        await sleep(150);
        assert.deepEqual(await page.evaluate(() => [document.documentElement.scrollWidth, document.body.scrollWidth]), [390, 390], tab);
        const wide = await page.evaluate(() => [...document.querySelectorAll('main > :not(.system), .system > section')].filter((part) => part.offsetParent && part.getBoundingClientRect().right > innerWidth).map((part) => part.id || part.className));
        assert.deepEqual(wide, [], tab);
        await shoot(page, `phone-${colours}-${tab}`);
      }
      await page.click('#tabs button[value=watch]');
      await page.locator('[data-key="XNAS.NVDA"]').click();
      assert.deepEqual([await shown(page), await page.evaluate(() => document.body.dataset.tab)], ['NVDA', 'chart']);
      const contrast = await page.evaluate(contrasts);
      for (const [name, value] of Object.entries(contrast)) assert.ok(value >= 4.5, `${name} in ${colours}: ${value}`);
      await closePage(page);
    }
  });

  test('on a screen in between nothing is cut off', async () => {
    const page = await openPage({ width: 1000, height: 760 });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 1000);
    const cut = await page.evaluate(() => ['instrument', 'ladder'].filter((id) => {
      const part = document.getElementById(id), box = part.closest('.panel');
      return part.scrollHeight > box.clientHeight + 1 || box.scrollHeight > box.clientHeight + 1;
    }));
    assert.deepEqual(cut, []);
    await shoot(page, 'tablet');
    await closePage(page);
  });

  test('who may not read is asked to sign in; a token that is not accepted is forgotten, one that is opens everything and stays in the tab', async () => {
    const key = await newKey('HS256'), file = path.join(folder, 'dashboard-secret'), others = proxy.target;
    writeFileSync(file, key.secret);
    const closed = await startGateway(nats, ['--dashboard', dashboardFolder, '--anonymous', 'XETR.>', '--auth-secret', file, '--auth-leeway', '0s']);
    proxy.target = closed.port;
    const page = await browser.open(proxy.url, { storage: listed() });
    const signIn = async (token) => {
      await page.locator('#sign-in[open]').waitFor();
      await page.fill('#sign-in-token', token);
      proxy.sent.length = 0;
      await page.keyboard.press('Enter');
      await until('the token to be sent', () => proxy.sent.some((request) => request.includes(token)));
      const first = JSON.parse(proxy.sent.find((request) => !request.includes('"ping"')));
      assert.deepEqual([first.op, first.token], ['auth', token]);
    };
    await page.locator('#sign-in[open]').waitFor();
    const mayNothing = async () => (await text(page, '#sign-in-why')) === 'Sign in to see market data.' && (await text(page, '#connection')) === 'Signed out' && (await text(page, '#banner')).startsWith('Sign in to see');
    await until('the page to ask for who is there', mayNothing);
    await signIn('a.secret.token');
    await until('the refusal', async () => /token/.test(await text(page, '#sign-in-why')));
    assert.deepEqual(await kept(page, 'secret'), [0, 0, '']);
    const token = await signed(key, { sub: 'ann', tickwire_subjects: ['XNAS.>', 'feed.>'], seconds: 8 });
    await signIn(token);
    await ladderIsTheBus(page, 'AAPL');
    await until('the page to be live', async () => /^Live/.test(await text(page, '#connection')) && !(await page.locator('#banner').isVisible()));
    await until('the directory, asked for with the token', () => page.evaluate(() => globalThis.tickwire.directory.byKey.size >= 20));
    assert.deepEqual([await text(page, '#user'), await text(page, '#sign-in-open'), await kept(page, token)], ['ann', 'Sign out', [1, 0, '']]);
    await page.reload();
    await ladderIsTheBus(page, 'AAPL');
    await page.locator('#sign-in[open]').waitFor({ timeout: 30_000 }); // it has expired
    await until('the page to say so', async () => /expired/.test(await text(page, '#sign-in-why')) && !(await isLive(page)));
    assert.deepEqual(await kept(page, token), [0, 0, '']);
    await page.context().close();
    proxy.target = others;
    await closed.stop();
  });
});

test('where no feed is heard the page says so, and is live once there is one', async () => {
  const bus = await NatsServer.start(), own = await startGateway(bus, ['--dashboard', dashboardFolder]), page = await browser.open(own.url);
  await until('it to say so', async () => (await text(page, '#connection')) === 'Connected, no data' && (await text(page, '#banner')).startsWith('No feed is heard.'));
  assert.equal(await page.locator('#connection').getAttribute('data-kind'), 'fair');
  await shoot(page, 'no-feed');
  const source = launchIngest(bus, ['--source', `udp://239.255.41.63:${await freePort()}@127.0.0.1`, '--session-date', '2020-01-30']);
  await until('it to be live', async () => /^Live/.test(await text(page, '#connection')) && (await page.locator('#connection').getAttribute('data-kind')) === 'good');
  assert.equal(await page.locator('#banner').isVisible(), false);
  assert.deepEqual(await complaintsOf(page), []);
  await page.context().close();
  for (const one of [source, own, bus]) await one.stop();
});

/** How many entries of the tab's and of the browser's storage have the word; and the cookies. */
const kept = (page, word) => page.evaluate((wanted) => [...[sessionStorage, localStorage].map((storage) => Object.values(storage).filter((value) => value.includes(wanted)).length), document.cookie], word);

const locateOf = (symbol) => [...itch.readBinaryFile(simulatedFile('dashboard-names', { symbols: 20, messages: 2000, seed: 5 }))]
  .find((m) => m[0] === 0x52 && m.toString('latin1', 11, 19).trimEnd() === symbol).readUInt16BE(1);

/** Runs in the page: the contrast of text on panels, by the rule of WCAG 2. */
function contrasts() {
  const style = getComputedStyle(document.documentElement), context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const light = (name) => {
    context.fillStyle = style.getPropertyValue(name);
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  return Object.fromEntries(['--text', '--muted', '--up', '--down', '--bid', '--ask', '--bad', '--fair'].map((name) => [name, ratio(name, '--panel')]));
}

/** Where something is written that does not fit its place: a number that is cut off is another number, and so is a symbol. */
const unfit = (page) => page.evaluate(() => [...document.querySelectorAll('#watchlist .row:not([hidden]) :is(.symbol, .bid, .ask, .last, .change), #ladder .level td')].filter((cell) => {
  if (!cell.firstChild) return false;
  const range = document.createRange(), place = (cell.closest('.name') ?? cell).getBoundingClientRect();
  range.selectNodeContents(cell.firstChild); // its text; bars lie over the whole level
  const { left, right, width } = range.getBoundingClientRect();
  return cell.innerText.trim() !== '' && cell.getClientRects().length > 0 && width > 0 && (left < place.left - 1 || right > place.right + 1);
}).map((cell) => `${cell.className} ${cell.innerText}`));

/** An exchange of a test's own that has opened: its ingest, who sends to it, and the beat that keeps its line alive. */
async function openExchange(bus, group) {
  const port = await freePort(), source = launchIngest(bus, ['--source', `udp://${group}:${port}@127.0.0.1`, '--session-date', '2020-01-30', '--silence', '1h']);
  await source.says(/"leads/);
  const sender = await MoldSender.open(port, { host: group, session: 'DAY' }), pulse = sender.beat();
  await sender.send(itch.system('O'), itch.system('Q'));
  return { source, sender, pulse };
}

test('long prices and symbols that begin alike are whole, from the smallest phone on', async () => {
  const bus = await NatsServer.start(), own = await startGateway(bus, ['--dashboard', dashboardFolder]);
  const { source, sender, pulse } = await openExchange(bus, '239.255.41.65');
  for (const [locate, symbol, price] of [[1, 'GOOG', 1_000_000], [2, 'GOOGL', 1_891_204], [3, 'LONG', 4_123_456_700]])
    await sender.send(itch.directory(locate, symbol), itch.action(locate, symbol), ...Array.from({ length: 12 }, (_, i) => itch.add(locate, symbol, locate * 100 + i, 'B', 100 + i, price - 1 - i)),
      ...Array.from({ length: 12 }, (_, i) => itch.add(locate, symbol, locate * 100 + 50 + i, 'S', 40_000 + i, price + 1 + i)), itch.execute(locate, locate * 100 + 50, 50, locate));
  for (const [symbols, shown] of [[['GOOG', 'GOOGL'], 'GOOGL'], [['GOOG', 'GOOGL', 'LONG'], 'LONG']]) {
    const page = await browser.open(own.url, { storage: listed(symbols.map((symbol) => `XNAS.${symbol}`)) });
    await select(page, `XNAS.${shown}`);
    await until('the book', () => page.evaluate(() => /verified/.test(document.getElementById('ladder-verified').innerText)));
    for (const width of [1440, 1000, 390, 360]) {
      await page.setViewportSize({ width, height: 800 });
      for (const tab of width < 760 ? ['watch', 'book'] : ['watch']) {
        if (width < 760) await page.click(`#tabs button[value=${tab}]`);
        let wrong;
        await until(() => `${shown} at ${width}, ${tab}, to fit; too long are ${wrong}`, async () => (wrong = await unfit(page)).length === 0);
        await shoot(page, `long-${shown}-${width}-${tab}`);
      }
    }
    await page.context().close();
  }
  pulse.stop();
  await source.stop();
  await own.stop();
  await bus.stop();
});

test('who comes back after the publisher has died is not shown its book as live, at the same gateway or a new one', async (t) => {
  const bus = await NatsServer.start(), settings = ['--dashboard', dashboardFolder, '--anonymous', 'XNAS.>,feed.>', '--linger', '1s'];
  let own = await startGateway(bus, settings);
  const wire = await StreamProxy.open(own.port);
  t.after(() => wire.close());
  const { source, sender, pulse } = await openExchange(bus, '239.255.41.64');
  await sender.send(itch.directory(1, 'AAPL'), itch.action(1, 'AAPL'), itch.add(1, 'AAPL', 1, 'B', 100, 1_000_000), itch.add(1, 'AAPL', 2, 'S', 200, 1_000_100));
  const page = await browser.open(wire.url, { storage: listed(['XNAS.AAPL']) });
  const seen = () => page.evaluate(() => ({ live: globalThis.tickwire.connection.live, trust: globalThis.tickwire.trustOf(globalThis.tickwire.market.instrument('XNAS.AAPL')).state,
    verified: document.getElementById('ladder-verified').innerText, row: document.querySelector('#watchlist .row').className, feeds: document.getElementById('feeds-rows').innerText }));
  await select(page, 'XNAS.AAPL');
  await until('the book to be live', async () => ((state) => state.trust === 'OK' && /verified/.test(state.verified))(await seen()));
  const neverLive = async (moment) => {
    await until('the page to be back', async () => (await seen()).live);
    for (let look = 0; look < 20; look++) {
      const state = await seen();
      assert.notEqual(state.trust, 'OK', `${moment}: ${JSON.stringify(state)}`);
      if (look > 5) assert.match(state.row, /stale/, moment);
      await sleep(100);
    }
  };
  wire.target = 1; // nobody is there
  wire.cut();
  await until('the page to know', async () => !(await seen()).live);
  pulse.stop();
  await source.stop('SIGKILL');
  await sleep(2500); // the gateway has forgotten the subjects
  wire.target = own.port;
  await neverLive('at the same gateway');
  await own.stop();
  await until('the page to have noticed', async () => !(await seen()).live);
  own = await startGateway(bus, settings);
  wire.target = own.port;
  await neverLive('at a new gateway');
  assert.doesNotMatch((await seen()).feeds, /\bOK\b/);
  await page.context().close();
  await own.stop();
  await bus.stop();
});

test('two hundred instruments at thousands of updates a second leave the page time to spare', async (t) => {
  const bus = await NatsServer.start(), own = await startGateway(bus, ['--dashboard', dashboardFolder]), port = await freePort(), where = `udp://239.255.41.62:${port}@127.0.0.1`;
  const source = launchIngest(bus, ['--source', where, '--session-date', '2020-01-30', '--silence', '1h']);
  await source.says(/"leads/);
  const load = startTickwire('simulate', '--seed', '1', '--symbols', '200', '--rate', '22k', '--messages', '5M', '--to', where, '--wait', '200ms');
  const directory = await until('200 instruments', async () => {
    const { instruments = [] } = await (await fetch(`${own.url}/v1/instruments?exchange=XNAS`)).json();
    return instruments.length === 200 && instruments;
  });
  const storage = { ...listed(directory.map(({ symbol }) => `XNAS.${symbol}`)), 'tickwire.pace': '0' };
  const page = await browser.open(own.url, { storage });
  await until('all of them to be live', () => page.evaluate(() => globalThis.tickwire.market.counts.updates > 5000));
  await sleep(1500);
  for (const { symbol } of directory.slice(0, 12)) { // in haste: what still comes of one book is no fault of the next
    await select(page, `XNAS.${symbol}`);
    await select(page, 'XNAS.AAPL');
  }
  await until('all of them to be live again', () => page.evaluate((symbols) => symbols.every((symbol) => {
    const one = globalThis.tickwire.market.instrument(`XNAS.${symbol}`);
    return !one.quote || globalThis.tickwire.trustOf(one).state === 'OK';
  }), directory.map(({ symbol }) => symbol)));
  const counted = await page.evaluate(() => ({ chain: globalThis.tickwire.market.counts.chainFaults, checksum: globalThis.tickwire.market.counts.checksumFaults }));
  assert.deepEqual([counted.chain, counted.checksum, await complaintsOf(page)], [0, 0, []]);
  await shoot(page, 'load');
  await page.context().close();

  const plain = await PlainChromium.open(own.url, { storage });
  t.after(() => plain.close());
  await until('all of them to be live there', () => plain.evaluate(() => globalThis.tickwire?.market.counts.updates > 5000).catch(() => false));
  const thread = await mainThread(plain), figures = await plain.evaluate(measure, 5000);
  figures.mainThread = await thread();
  t.diagnostic(JSON.stringify(figures));
  writeFileSync(path.join(screenshots, 'dashboard-load.json'), JSON.stringify(figures, null, 2));
  assert.equal(figures.instruments, 200);
  assert.ok(figures.resized <= 3, `the chart was resized ${figures.resized} times: numbers move what is beside them`);
  assert.ok(figures.updatesPerSecond > 100, 'there was a load'); // how much the machine's other work leaves is not the page's
  assert.ok(figures.busyShare < 0.6, `messages and drawing took ${figures.busyShare}`);
  assert.ok(figures.mainThread < 0.85, `the main thread took ${figures.mainThread} of a processor`);
  assert.deepEqual([figures.chainFaults, figures.checksumFaults], [0, 0]);
  await load.stop('SIGKILL');
  await source.stop('SIGKILL');
  await own.stop('SIGKILL');
  await bus.stop();
});

/** Begins to measure in a PlainChromium; what is returned gives the processor time of the page's main thread since then, layout and painting included, as a share. */
async function mainThread(page) {
  await page.send('Performance.setTimeDomain', { timeDomain: 'threadTicks' });
  await page.send('Performance.enable');
  const read = async () => {
    const { metrics } = await page.send('Performance.getMetrics'), of = (name) => metrics.find((one) => one.name === name).value;
    return { used: of('ThreadTime'), at: of('Timestamp') };
  };
  const before = await read();
  return async () => {
    const now = await read();
    return Math.round((1000 * (now.used - before.used)) / (now.at - before.at)) / 1000;
  };
}

/** Runs in the page: frames as the browser gives them, and what messages and drawing took of the main thread. */
function measure(forMs) {
  const { market, loop, watchlist } = globalThis.tickwire, at = [];
  let resized = -1; // the first call tells the size as it is
  const shape = new ResizeObserver(() => resized++); // of what gets the room that the head leaves
  shape.observe(document.getElementById('candle-chart'));
  const now = () => ({ ms: performance.now(), updates: market.counts.updates, script: loop.scriptMs, messages: loop.messageMs, frames: loop.frames.count });
  return new Promise((resolve) => {
    const start = now();
    const step = (time) => {
      at.push(time);
      if (performance.now() - start.ms < forMs) requestAnimationFrame(step);
      else resolve(finish(now()));
    };
    const finish = (end) => {
      shape.disconnect();
      const span = end.ms - start.ms, gaps = at.slice(1).map((time, i) => time - at[i]).sort((a, b) => a - b), round = (value, by = 100) => Math.round(value * by) / by;
      return {
        instruments: watchlist.keys.length, updatesPerSecond: Math.round((1000 * (end.updates - start.updates)) / span), framesPerSecond: round((1000 * (at.length - 1)) / (at.at(-1) - at[0]), 10),
        gapP50: round(gaps[gaps.length >> 1]), gapP99: round(gaps[Math.floor(gaps.length * 0.99)]), gapMost: round(gaps.at(-1)), longerThan50: gaps.filter((gap) => gap > 50).length, resized,
        drawPerFrame: round((end.script - start.script) / (end.frames - start.frames)), busyShare: round((end.script - start.script + end.messages - start.messages) / span, 1000),
        chainFaults: market.counts.chainFaults, checksumFaults: market.counts.checksumFaults,
      };
    };
    requestAnimationFrame(step);
  });
}

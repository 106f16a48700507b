// Trading in the dashboard, in Chromium, on a venue with a real matcher: an order's whole life, what is missed while the page is away, and
// what nobody has confirmed, which may be sent again without happening twice.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Browser, buildDashboard, complaintsOf, dashboardFolder, screenshots } from './lib/browser.mjs';
import { startGateway } from './lib/gateway.mjs';
import { until } from './lib/programs.mjs';
import { StreamProxy } from './lib/stream_proxy.mjs';
import { Matcher, startVenue } from './lib/venue.mjs';

let server, desk, matcher, gateway, proxy, browser;

before(async () => {
  buildDashboard();
  ({ server, desk } = await startVenue());
  matcher = await Matcher.start(server);
  await desk.openVenue();
  await desk.control([{ kind: 'CONTROL_DEFINE_INSTRUMENT', symbol: 'AAPL', priceExponent: -2, lot: 1n, tickFrom: [0n], tick: [1n], protectionPpm: 50_000, collarPpm: 200_000, price: 10_000n }]);
  gateway = await startGateway(server, ['--dashboard', dashboardFolder, '--venue', 'TWEX', '--anonymous', 'TWEX.>,feed.>', '--anonymous-accounts', 'ann,bob', '--order-rate', '0']);
  proxy = await StreamProxy.open(gateway.port);
  browser = await Browser.start();
});

after(async () => {
  proxy?.close();
  await Promise.all([matcher?.program.stop('SIGKILL'), gateway?.stop('SIGKILL')]);
  await server?.stop();
});

/** An order of another account, over HTTP and past the page; a gateway that has just started may know no instruments yet. */
async function bob(side, quantity, price) {
  const body = JSON.stringify({ account: 'bob', symbol: 'AAPL', side, quantity, price, time_in_force: 'day' });
  await until('the order to be taken', async () => {
    const answer = await fetch(`${gateway.url}/v1/orders`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const said = await answer.json();
    assert.ok(answer.status === 202 || said.error?.code === 'NO_DIRECTORY', JSON.stringify(said));
    return answer.status === 202;
  });
}

const text = (page, selector) => page.locator(selector).innerText();

const says = async (page, selector, words) => {
  let said;
  await until(() => `${selector} to say ${words}: ${said}`, async () => words.test((said = await text(page, selector))));
};

/** The first rows of a list as a reader sees them: the cells named, each row one text. */
const rows = (page, list, ...cells) => page.evaluate(([name, wanted]) => [...document.querySelectorAll(`#list-${name} .row:not([hidden])`)].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
  .map((row) => wanted.map((cell) => row.querySelector(`.${cell}`).textContent).join(' ')), [list, cells]);
async function rowsAre(page, list, cells, wanted) {
  let mine;
  await until(() => `${list} to be ${JSON.stringify(wanted)}: ${JSON.stringify(mine)}`, async () => {
    mine = await rows(page, list, ...cells);
    return JSON.stringify(mine.slice(0, wanted.length)) === JSON.stringify(wanted) && (wanted.length > 0 || mine.length === 0);
  });
}
const ordersAre = (page, ...wanted) => rowsAre(page, 'orders', ['side', 'quantity', 'executed', 'price', 'state'], wanted);

/** The account, tick and lot are known, and the book may be believed. */
const isKnown = (page) => page.evaluate(() => {
  const { trader, current } = globalThis.tickwire;
  return trader.desk.account?.state === 'known' && trader.connected && trader.terms !== undefined && globalThis.tickwire.trustOf(current).state === 'OK' && current.book.verified;
});
const known = (page) => until('the account, the instrument and the book to be known', () => isKnown(page));

/** Does what sends a request until one has gone out: on a machine that stalls the page may find itself away, or the book not live and ask about that. */
async function sends(page, act) {
  const sent = () => page.evaluate(() => globalThis.tickwire.trader.desk.nextId), asks = async () => (await page.locator('#confirm[open]').count()) > 0, before = await sent();
  do {
    await known(page);
    await page.evaluate(() => (globalThis.tickwire.trader.views.ticket.sentAt = -Infinity)); // no double press
    await act();
    await until('the request to go out, or not', async () => (await sent()) > before || (await asks()) || /Not sent/.test(await text(page, '#ticket-said')) || !(await isKnown(page)));
    if (await asks()) await page.keyboard.press('Escape');
  } while ((await sent()) === before);
}

/** Fills the ticket by keyboard, as a trader would, and presses Enter. */
async function enter(page, key, quantity, price) {
  await page.locator('#watchlist-rows').focus();
  await page.keyboard.press(key);
  await page.keyboard.type(quantity);
  await page.fill('#ticket [name=price]', price);
  await page.keyboard.press('Enter');
}
const send = (page, ...what) => sends(page, () => enter(page, ...what));

test('an order is sent, accepted, filled, changed, filled while the page was away, unknown while the venue is silent, and cancelled', async () => {
  const page = await browser.open(proxy.url, { storage: { 'tickwire.watchlist': '["TWEX.AAPL"]' } });
  await bob('sell', '200', '100.10');
  await bob('buy', '200', '99.90');
  await known(page);
  await until('the book', async () => (await text(page, '#ladder-asks')).includes('100.10') && (await text(page, '#ladder-bids')).includes('99.90'));

  // A slip of the finger is told at the field, a far price is asked about, and what the venue refuses has its reason.
  await enter(page, 'b', '100', '100.001');
  await says(page, '#ticket-note', /multiples of 0\.01/);
  assert.equal(await page.locator('#ticket [name=price]').getAttribute('aria-invalid'), 'true');
  await enter(page, 's', '100', '50');
  await page.locator('#confirm[open]').waitFor();
  assert.match(await text(page, '#confirm-why'), /49\.94 % below the best bid/);
  await page.keyboard.press('Enter'); // "Back"
  assert.deepEqual(await rows(page, 'orders', 'state'), []);
  await page.click('#ticket-send');
  await page.click('#confirm-yes');
  await ordersAre(page, 'Sell 100 0 50.00 Rejected');
  await says(page, '#ticket-said', /^Rejected: sell 100 AAPL at 50\.00\. The price is too far from .*\(PRICE_COLLAR\)/);

  // The price comes from the order book.
  await page.locator('#ladder-asks .level', { hasText: '100.10' }).click();
  assert.equal(await page.inputValue('#ticket [name=price]'), '100.10');
  await send(page, 'b', '100', '100');
  await ordersAre(page, 'Buy 100 0 100.00 Open');
  await says(page, '#ticket-said', /^Accepted: buy 100 AAPL at 100\.00/);
  await until('it to be marked in the order book', async () => (await page.locator('#ladder-bids [data-mine] .price').allInnerTexts()).join() === '100.00');

  await bob('sell', '40', '100.00');
  await ordersAre(page, 'Buy 100 40 100.00 Open');
  await page.click('#tab-positions');
  await rowsAre(page, 'positions', ['symbol', 'quantity', 'average', 'price', 'unrealised', 'stale'], ['AAPL 40 100.00 100.00 0.00 ']);
  await page.click('#tab-orders');
  await until('the counts', async () => (await text(page, '#choose-list')).replace(/\s+/g, ' ').trim() === 'Orders 1 Fills 1 Positions 1 System');
  await page.screenshot({ path: path.join(screenshots, 'venue-dark.png') });

  await sends(page, async () => {
    await page.locator('#orders-rows').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await page.fill('#ticket [name=quantity]', '80');
    await says(page, '#ticket-send', /^Change to quantity 80$/);
    await page.keyboard.press('Enter');
  });
  await ordersAre(page, 'Buy 80 40 100.00 Open');

  // Away: nothing can be sent, nothing is said to be true, and what happens meanwhile is told afterwards, once.
  proxy.target = 1;
  proxy.cut();
  await until('the ticket to be closed', async () => (await page.locator('#ticket-send').isDisabled()) && /Not connected/.test(await text(page, '#ticket-note')) && /may not be true/.test(await text(page, '#desk-note')));
  await bob('sell', '40', '100.00');
  proxy.target = gateway.port;
  await ordersAre(page, 'Buy 80 80 100.00 Filled');
  await known(page);
  await page.click('#tab-fills');
  await rowsAre(page, 'fills', ['side', 'quantity', 'price', 'liquidity'], ['Buy 40 100.00 maker', 'Buy 40 100.00 maker']);
  await page.click('#tab-positions');
  await rowsAre(page, 'positions', ['symbol', 'quantity', 'average', 'price', 'unrealised'], ['AAPL 80 100.00 99.90 -8.00']);
  assert.equal((await rows(page, 'fills', 'execution')).length, 2);

  // A silent venue: the order is in its stream, so it is not gone, and a reload does not hide it.
  await page.click('#tab-orders');
  const stored = (await desk.stream('orders')).length;
  await matcher.program.freeze();
  await page.evaluate(() => globalThis.tickwire.trader.place({ side: 'buy', type: 'limit', time_in_force: 'day', quantity: '10', price: '99.50' }));
  await until('it to be on its way', async () => /^Buy 10 {2}99\.50 (Pending|Unknown)/.test((await rows(page, 'orders', 'side', 'quantity', 'executed', 'price', 'state'))[0]));
  await page.evaluate(() => globalThis.tickwire.trader.desk.account.orders.tick(globalThis.tickwire.connection.now() + 6000));
  await ordersAre(page, 'Buy 10  99.50 Unknown');
  await page.reload();
  await ordersAre(page, 'Buy 10  99.50 Unknown');
  await page.locator('#list-orders .row .tool:not([disabled])', { hasText: 'Send again' }).first().click();
  await until('the second one to be in the stream, too', async () => (await desk.stream('orders')).length === stored + 2);
  matcher.program.kill('SIGCONT');
  await ordersAre(page, 'Buy 10 0 99.50 Open', 'Buy 80 80 100.00 Filled');
  await known(page);
  await says(page, '#ticket-said', /It had come already: nothing happened twice/);
  await until('one order in the book', async () => /99\.50\D+10\D+1\b/.test(await text(page, '#ladder-bids')));
  await sends(page, () => page.locator('#list-orders .row .tool', { hasText: 'Cancel' }).first().click());
  await ordersAre(page, 'Buy 10 0 99.50 Cancelled');

  await send(page, 's', '10', '100.50');
  await ordersAre(page, 'Sell 10 0 100.50 Open');
  await page.click('#cancel-all');
  await page.locator('#confirm[open]').waitFor();
  await page.keyboard.press('Enter');
  await ordersAre(page, 'Sell 10 0 100.50 Cancelled');

  await page.setViewportSize({ width: 390, height: 844 });
  await page.click('#tabs [value=trade]');
  assert.deepEqual(await page.evaluate(() => [document.documentElement.scrollWidth, document.body.scrollWidth]), [390, 390]);
  await page.screenshot({ path: path.join(screenshots, 'venue-phone.png') });
  assert.deepEqual((await complaintsOf(page)).filter((words) => !/WebSocket connection|ERR_|Failed to load resource/.test(words)), []);
  await page.context().close();
});

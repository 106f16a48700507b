// What is asked about before an order goes out: an order far from where the market is, or one that nothing live can be compared with.
// Decision 0061 says why these bounds.
import { basisPoints, exactly } from '../format/exact.js';

const THROUGH_BP = 100n; // 1 %: worse than the best price of the other side
const AWAY_BP = 1000n; // 10 %: better than the best of the own side, where it would rest
const STOP_BP = 1000n;

const percent = (bp) => `${bp / 100n}.${`${bp % 100n}`.padStart(2, '0')} %`;

/**
 * Sentences to be answered with yes before the order is sent; none: it goes at once. `values` of readTicket; `market`: { live, why, bid, ask }
 * with the quote's levels (["189.12", "300", 4]), and `shown`: what the other side of the book shows in all, scaled.
 */
export function cautionsOf({ side, type }, values, market, terms) {
  if (!market.live) return [`The book is not live (${market.why}): there is nothing to compare this order with.`];
  const buys = side === 'buy', [own, other] = buys ? [market.bid, market.ask] : [market.ask, market.bid];
  const found = [];
  const priced = (level) => level && exactly(level[0], terms.priceDigits);
  if (type === 'limit') found.push(...limitCautions(buys, values.price, priced(own), priced(other)));
  if (type === 'stop' || type === 'stop_limit') found.push(...stopCautions(buys, values.stop_price, priced(other) ?? priced(own)));
  if (type === 'stop_limit') found.push(...limitCautions(buys, values.price, values.stop_price, values.stop_price, 'the stop price'));
  if (type === 'market' && market.shown !== undefined && values.quantity > market.shown) found.push('It is more than the other side of the book shows.');
  return found;
}

// `own`, `other`: the best prices of the two sides.
function limitCautions(buys, price, own, other, name) {
  const beyond = (from) => (buys ? price - from : from - price);
  if (other !== undefined && beyond(other) > 0n && basisPoints(beyond(other), other) > THROUGH_BP)
    return [`Its price is ${percent(basisPoints(beyond(other), other))} ${buys ? 'above' : 'below'} ${name ?? `the best ${buys ? 'ask' : 'bid'}`}.`];
  const nearest = own ?? other;
  if (nearest === undefined) return ['There is no price in the book to compare it with.'];
  if (beyond(nearest) < 0n && basisPoints(-beyond(nearest), nearest) > AWAY_BP)
    return [`Its price is ${percent(basisPoints(-beyond(nearest), nearest))} ${buys ? 'below' : 'above'} ${name ?? `the best ${own === undefined ? (buys ? 'ask' : 'bid') : buys ? 'bid' : 'ask'}`}.`];
  return [];
}

function stopCautions(buys, stop, market) {
  if (market === undefined) return ['There is no price in the book to compare it with.'];
  const ahead = buys ? stop - market : market - stop;
  if (ahead <= 0n) return [`The market is ${ahead === 0n ? 'at' : 'beyond'} its stop price already: it may be triggered at once.`];
  return basisPoints(ahead, market) > STOP_BP ? [`Its stop price is ${percent(basisPoints(ahead, market))} from the market.`] : [];
}

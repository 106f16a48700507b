// In what units an instrument is traded: digits, tick and lot, out of its entry in the directory. Of several ticks by price the
// directory tells the smallest: what is no multiple of it is wrong at every price, and the venue has the last word on the others.
import { decimalOf } from '../format/decimal.js';
import { exactly } from '../format/exact.js';

/** { priceDigits, quantityDigits, tick, lot } (BigInts in units of those digits), or undefined where the directory has not told. */
export function termsOf(listed) {
  if (listed?.price_exponent === undefined || listed.quantity_exponent === undefined) return undefined;
  const priceDigits = Math.max(0, -listed.price_exponent), quantityDigits = Math.max(0, -listed.quantity_exponent);
  return {
    priceDigits, quantityDigits,
    tick: listed.tick === undefined ? stepOf(listed.price_exponent) : exactly(listed.tick, priceDigits),
    lot: listed.round_lot === undefined ? stepOf(listed.quantity_exponent) : exactly(listed.round_lot, quantityDigits),
  };
}

const stepOf = (exponent) => 10n ** BigInt(Math.max(0, exponent));

/** The price or quantity one step further, on a step, never below one; undefined where `text` is no number. */
export function stepped(value, step, by) {
  const moved = by > 0 ? (value / step) * step + step : ((value + step - 1n) / step) * step - step;
  return moved < step ? step : moved;
}

export const priceText = (value, terms) => decimalOf(value, terms.priceDigits);
export const quantityText = (value, terms) => decimalOf(value, terms.quantityDigits);

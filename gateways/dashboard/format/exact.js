// Decimals as people type them and as the stream writes them, as scaled BigInts: nothing is rounded, nothing is guessed.
import { digitsOf } from './decimal.js';

const PLAIN = /^(\d+\.?\d*|\.\d+)$/;
const MOST_CHARACTERS = 40;

/** The number in units of 10^-digits: { value }, or { fault }: 'empty', 'malformed' (no plain positive decimal number), 'fine' (more digits than there are). */
export function readDecimal(text, digits) {
  const given = text.trim();
  if (given === '') return { fault: 'empty' };
  if (given.length > MOST_CHARACTERS || !PLAIN.test(given)) return { fault: 'malformed' };
  const [whole, behind = ''] = given.split('.');
  const said = behind.replace(/0+$/, '');
  if (said.length > digits) return { fault: 'fine' };
  return { value: BigInt(whole + said.padEnd(digits, '0')) };
}

/** A decimal of the stream ("-12.50") in units of 10^-digits, which are at least as many as it has. */
export function exactly(text, digits = digitsOf(text)) {
  return BigInt(text.replace('.', '')) * 10n ** BigInt(digits - digitsOf(text));
}

export const absolute = (value) => (value < 0n ? -value : value);

/** a / b in hundredths of a per cent, rounded down; for words, not for money. */
export const basisPoints = (a, b) => (a * 10_000n) / b;

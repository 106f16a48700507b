// Decimal numbers as the stream writes them ("189.1200"): never through floating point, which can't hold them.

/** The integer without the point: a Number where that is exact, else a BigInt. Equal numbers have equal types, and `<` works across both. */
export function scaled(text) {
  const point = text.indexOf('.');
  const digits = point < 0 ? text : text.slice(0, point) + text.slice(point + 1);
  if (digits.length <= 15) return Number(digits);
  const value = BigInt(digits);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** The text of a scaled integer (Number or BigInt) with so many digits behind the point. */
export function decimalOf(value, digits) {
  const big = BigInt(value), sign = big < 0n ? '-' : '';
  const text = (big < 0n ? -big : big).toString().padStart(digits + 1, '0');
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** Digits behind the point. */
export function digitsOf(text) {
  const point = text.indexOf('.');
  return point < 0 ? 0 : text.length - point - 1;
}

/** Zeros that say nothing are cut, but `least` digits stay: "189.1200" is "189.12", "0.5005" stays. */
export function trimmed(text, least = 2) {
  const point = text.indexOf('.');
  if (point < 0) return text;
  let end = text.length;
  while (end - point - 1 > least && text.charCodeAt(end - 1) === 48) end--;
  return text.slice(0, end - (end === point + 1 ? 1 : 0));
}

/** a - b of two decimals with the same digits, exactly, with its sign: "+0.0100". */
export function difference(a, b) {
  const digits = Math.max(digitsOf(a), digitsOf(b));
  const value = BigInt(scaled(widened(a, digits))) - BigInt(scaled(widened(b, digits)));
  return (value > 0n ? '+' : '') + decimalOf(value, digits);
}

/** (a - b) / b in per cent with two digits, rounded half away from zero, exactly; '' where b is 0. */
export function changePercent(a, b) {
  const digits = Math.max(digitsOf(a), digitsOf(b));
  const from = BigInt(scaled(widened(b, digits)));
  if (from === 0n) return '';
  const change = (BigInt(scaled(widened(a, digits))) - from) * 10000n, size = from < 0n ? -from : from;
  const rounded = (2n * (change < 0n ? -change : change) + size) / (2n * size);
  const value = change < 0n ? -rounded : rounded;
  return `${value > 0n ? '+' : ''}${decimalOf(value, 2)}%`;
}

const widened = (text, digits) => {
  const has = digitsOf(text);
  return has === digits ? text : `${text}${has === 0 ? '.' : ''}${'0'.repeat(digits - has)}`;
};

/** Groups of three in the part before the point: "1234567.5" is "1,234,567.5". */
export function grouped(text) {
  const point = text.indexOf('.');
  const whole = point < 0 ? text : text.slice(0, point);
  if (whole.length <= 3) return text;
  return whole.replace(/\B(?=(\d{3})+$)/g, ',') + (point < 0 ? '' : text.slice(point));
}

/** A large count in few places: 1234567 is "1.23M". For the eye only. */
export function short(value) {
  const size = Math.abs(value);
  for (const [unit, letter] of [[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e4, 'k']])
    if (size >= unit) {
      const by = letter === 'k' ? 1e3 : unit, shown = value / by;
      return `${shown.toFixed(Math.abs(shown) < 10 ? 2 : Math.abs(shown) < 100 ? 1 : 0)}${letter}`;
    }
  return `${Math.round(value)}`;
}

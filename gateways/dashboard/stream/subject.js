// Subjects of the bus: {MIC}.{SYMBOL}.{channel}, the symbol as one token with %XX for what a token can't hold.

const PLAIN = /[A-Za-z0-9\-_/$+=^#]/;
const encoder = new TextEncoder();

export function tokenOf(symbol) {
  let token = '';
  for (const byte of encoder.encode(symbol)) {
    const character = String.fromCharCode(byte);
    token += PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

/** The symbol that a token stands for; the token itself where it is malformed. */
export function symbolOf(token) {
  if (!token.includes('%')) return token;
  try {
    return decodeURIComponent(token);
  } catch {
    return token;
  }
}

export const subjectOf = (mic, symbol, channel) => `${mic}.${tokenOf(symbol)}.${channel}`;

const parsed = new Map(); // subjects repeat: each is taken apart once

/** { mic, symbol, key, channel, interval } of an instrument's subject, { mic, partition, channel: 'feed' } of a feed's, else null. */
export function parseSubject(subject) {
  let parts = parsed.get(subject);
  if (parts === undefined) {
    parts = takeApart(subject);
    if (parsed.size > 50_000) parsed.clear();
    parsed.set(subject, parts);
  }
  return parts;
}

function takeApart(subject) {
  const tokens = subject.split('.');
  if (tokens[0] === 'feed')
    return tokens.length === 4 && tokens[3] === 'status' ? { mic: tokens[1], partition: tokens[2], channel: 'feed' } : null;
  if (tokens.length < 3) return null;
  const [mic, token, channel, interval] = tokens, symbol = symbolOf(token);
  return { mic, symbol, key: `${mic}.${symbol}`, channel, interval };
}

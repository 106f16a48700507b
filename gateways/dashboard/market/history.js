// Questions over HTTP: the directory and past candles. What is not there is said, not guessed.
import { tokenOf } from '../stream/subject.js';

/** { ok, status, body }; status 0 where nobody answered. */
export async function get(path, token) {
  try {
    const answer = await fetch(path, { headers: token ? { Authorization: `Bearer ${token}` } : {}, credentials: 'same-origin' });
    return { ok: answer.ok, status: answer.status, body: await answer.json().catch(() => undefined) };
  } catch {
    return { ok: false, status: 0, body: undefined };
  }
}

/** { instruments, missing: partitions that did not tell theirs }, or undefined. */
export async function fetchInstruments(mic, token) {
  const { ok, body } = await get(`/v1/instruments?exchange=${encodeURIComponent(mic)}`, token);
  return ok && Array.isArray(body?.instruments) ? { instruments: body.instruments, missing: body.missing_partitions ?? [] } : undefined;
}

/** { candles } of the interval, oldest first, or { status } why not. */
export async function fetchCandles(mic, symbol, interval, token, limit = 500) {
  const { ok, status, body } = await get(`/v1/candles/${mic}/${encodeURIComponent(symbol)}?interval=${interval}&limit=${limit}`, token);
  return ok && Array.isArray(body?.candles) ? { candles: body.candles } : { status };
}

export const candleSubject = (mic, symbol, interval) => `${mic}.${tokenOf(symbol)}.candle.${interval}`;

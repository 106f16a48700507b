// What happened to an order, for people: what the venue or the gateway said, and what can be done about it.
import { grouped, trimmed } from '../format/decimal.js';
import { AGAIN_MS } from './orders.js';

const ADVICE = {
  UNKNOWN_ACCOUNT: 'The venue has not been told of this account yet.',
  BAD_LOT: 'Use a multiple of the lot.',
  BAD_TICK: 'Use a price on the tick: at this price it may be larger than the smallest one.',
  HALTED: 'Send it when trading goes on.',
  CLOSED: 'Send it when the instrument opens.',
  MOVED: 'Send it again: it goes to where the instrument lives now.',
  NOT_IN_PRE_OPEN: 'Send a limit order that may rest, or wait for the open.',
  STORAGE_LOW: 'Only cancels are taken until the venue has storage again.',
  NO_TRADING_DAY: 'Orders are taken once the venue has begun its day.',
  PRICE_COLLAR: 'Use a price nearer to the last trade.',
  ACCOUNT_COLLAR: 'Use a price nearer to the last trade.',
  NO_LIQUIDITY: 'Send a limit order to wait for a counterparty.',
  POST_ONLY: 'Use a price that does not meet the other side, or send it without “post only”.',
  KILL_SWITCH: 'Only cancels are taken until an operator lifts it.',
  ACCOUNT_BLOCKED: 'Ask the operator of the venue.',
  INSTRUMENT_BLOCKED: 'Ask the operator of the venue.',
  NO_LIMITS: 'Ask the operator of the venue to set limits for this account.',
  MESSAGE_RATE: 'Wait a moment, then send it again.',
  ORDER_SIZE: 'Send a smaller quantity.',
  ORDER_NOTIONAL: 'Send a smaller quantity.',
  DUPLICATE_ORDER: 'If you mean it twice, wait a moment and send it again.',
  OPEN_ORDERS: 'Cancel one that you do not need.',
  POSITION_LIMIT: 'Send a smaller quantity, or cancel open orders of the same side.',
  EXPOSURE_LIMIT: 'Send a smaller quantity, or cancel open orders.',
  CONCENTRATION: 'Send a smaller quantity.',
  FUNDS: 'Send a smaller quantity, or cancel open orders that hold funds.',
  UNKNOWN_ORDER: 'It has ended, or never came to be.',
  BELOW_EXECUTED: 'Ask for more than has been executed.',
};
const GATEWAY = {
  RATE_LIMITED: 'It was not sent on. Wait a moment.',
  TOO_FAST: 'It was not sent on. Wait a moment.',
  LIMITS_UNKNOWN: 'It was not sent on. Cancels are.',
  NOT_STORED: 'It did not happen.',
  STORAGE_LOW: 'It was not sent on. Cancels still are; try again when the venue has storage.',
  BUSY: 'It was not sent on. Try again.',
  NO_DIRECTORY: 'It was not sent on. Try again.',
  NOT_ACKNOWLEDGED: 'It may have happened or not: see below, and send it again safely from there.',
};

/** "buy 100 AAPL at 187.20" */
export function orderWords({ side, quantity, symbol, type, price, stop_price }) {
  const at = type === 'market' ? 'at the market' : [stop_price && `stop ${trimmed(stop_price)}`, price && type !== 'stop' && `at ${trimmed(price)}`].filter(Boolean).join(' ');
  return `${side ?? ''} ${quantity ? grouped(trimmed(quantity, 0)) : ''} ${symbol ?? ''} ${at}`.trim().replace(/ +/g, ' ');
}

export const reasonWords = (reason, text) => [text ?? reason?.toLowerCase().replaceAll('_', ' ') ?? '', ADVICE[reason]].filter(Boolean).join('. ').replace(/([^.])$/, '$1.');

export const begin = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const ENDINGS = { CANCELLED: 'Cancelled', EXPIRED: 'Expired', REPLACED: 'Changed', TRIGGERED: 'Triggered', RESTATED: 'Changed by the venue' };
const ROUTINE = new Set(['REQUESTED', 'ICEBERG_REFRESH', 'MASS_CANCEL']);

/** { kind: 'good' | 'fair' | 'bad', text } of a report, or undefined where there is nothing to say. */
export function reportWords(report, order) {
  const { kind, reason, reason_text, duplicate } = report, what = orderWords({ ...order, ...report, type: report.order_type ?? order?.type }), why = reason ? reasonWords(reason, reason_text) : '';
  const twice = duplicate ? ' It had come already: nothing happened twice.' : '';
  if (kind === 'ACCEPTED') return { kind: 'good', text: `Accepted: ${what}.${twice}` };
  if (kind === 'REJECTED') return { kind: 'bad', text: `Rejected: ${what}. ${begin(why)} (${reason})${twice}` };
  if (kind === 'FILL')
    return { kind: 'good', text: `${report.side === 'buy' ? 'Bought' : 'Sold'} ${grouped(trimmed(report.last_quantity, 0))} ${report.symbol} at ${trimmed(report.last_price)}${report.leaves && !/^[0.]+$/.test(report.leaves) ? `, ${grouped(trimmed(report.leaves, 0))} left` : ', done'}.` };
  if (kind === 'CANCEL_REJECTED' || kind === 'REPLACE_REJECTED')
    return { kind: 'bad', text: `The ${kind === 'CANCEL_REJECTED' ? 'cancel' : 'change'} was refused: ${why} (${reason})` };
  if (kind === 'MASS_CANCELLED') return { kind: 'good', text: `Cancelled all: ${report.quantity} ${report.quantity === '1' ? 'order' : 'orders'}.` };
  if (kind === 'RESTATED' && reason === 'ICEBERG_REFRESH') return undefined;
  if (ENDINGS[kind]) return { kind: reason && !ROUTINE.has(reason) ? 'fair' : 'good', text: `${ENDINGS[kind]}: ${what}.${reason && !ROUTINE.has(reason) ? ` ${begin(why)} (${reason})` : ''}` };
  return undefined;
}

/** Likewise of a refusal by the gateway. */
export function errorWords({ code, message, retry_after_ms }, order) {
  const wait = retry_after_ms === undefined ? '' : ` Again in ${Math.ceil(retry_after_ms / 100) / 10} s.`;
  return { kind: code === 'NOT_ACKNOWLEDGED' ? 'fair' : 'bad', text: `Not ${code === 'NOT_ACKNOWLEDGED' ? 'known' : 'sent'}${order ? `: ${orderWords(order)}` : ''}. ${begin(message)}. ${GATEWAY[code] ?? ''}${wait} (${code})`.replace(/ +/g, ' ') };
}

/** An order's state for the list: { text, kind, title }. */
export function stateWords(order, now) {
  const { state, unknown, asked, askUnknown, reason, reasonText, problem, problemReason, problemText } = order;
  const silent = `${Math.max(0, Math.round((now - order.since) / 1000))} s without a word`;
  if (unknown) return { text: 'Unknown', kind: 'bad', title: `${problem ?? `No report has come: ${silent}.`} It may be at the venue or not.${now - order.sentAt < AGAIN_MS ? ' Sending it again is safe: the same order can\'t happen twice.' : ' Look at the open orders and fills before you send another one.'}` };
  if (problem && LIVE.has(state)) return { text: `${STATES[state]} !`, kind: 'fair', title: [problem, problemReason && reasonWords(problemReason, problemText)].filter(Boolean).join(': ') };
  if (asked) return { text: askUnknown ? `${asked} unanswered` : `${asked} sent`, kind: askUnknown ? 'bad' : 'fair', title: askUnknown ? `The ${asked} was not answered. It may be sent again.` : '' };
  return { text: STATES[state] ?? state, kind: KINDS[state], title: reason ? `${begin(problem ? `${problem}.` : reasonWords(reason, reasonText))} (${reason})` : '' };
}

const LIVE = new Set(['SENDING', 'PENDING', 'WAITING', 'OPEN']);
const STATES = {
  SENDING: 'Sending', PENDING: 'Pending', WAITING: 'Waiting', OPEN: 'Open', FILLED: 'Filled', CANCELLED: 'Cancelled', EXPIRED: 'Expired', REJECTED: 'Rejected', REFUSED: 'Not sent', ABSENT: 'Never came',
  ENDED: 'Ended',
};
const KINDS = { SENDING: 'fair', PENDING: 'fair', OPEN: 'good', WAITING: 'good', REJECTED: 'bad', REFUSED: 'bad' };

// The orders of one account as this page knows them: what it sent, what was answered, what the venue reports, and what it says is open.
//
//   SENDING ──ack──▶ PENDING ──report──▶ WAITING / OPEN ──▶ FILLED, CANCELLED, EXPIRED
//      │                │                                    REJECTED (by the venue), REFUSED (by the gateway: it never came to the venue)
//      └── silence ─────┴──▶ the same with `unknown`: it may be there or not, and stays in sight until that is known
//
// Reports count in the venue's order (sequence, number), whatever the order in which they come. An order that the venue's list of open
// orders lacks, though it is true after the order's own place in the stream, has ended: ENDED, where no report said how.
import { isAfter } from './seen.js';

const SILENCE_MS = 5000; // after which what was sent and not answered is unknown
export const AGAIN_MS = 900_000; // so long it may be sent again: the venue knows its name for the trading day, and a day ends at some time
const MOST_ENDED = 200;
const LIVE = new Set(['SENDING', 'PENDING', 'WAITING', 'OPEN']);
const SENT = new Set(['SENDING', 'PENDING']);
const REPORTED = ['order_id', 'client_order_id', 'correlation_id', 'exchange', 'symbol', 'side', 'time_in_force', 'price', 'stop_price', 'quantity', 'display', 'leaves', 'executed', 'average_price', 'expire_ns'];
const ENDS = { REJECTED: 'REJECTED', CANCELLED: 'CANCELLED', EXPIRED: 'EXPIRED' };
const STATES = new Set(['ACCEPTED', 'REJECTED', 'FILL', 'CANCELLED', 'EXPIRED', 'REPLACED', 'TRIGGERED', 'RESTATED']);

/** [shard, sequence] of "1-123-0": where the order stands in the venue's stream. */
export function placeOf(orderId) {
  const [shard, seq] = orderId.split('-');
  return [shard, BigInt(seq)];
}

const BEFORE_ALL = [-1n, -1];

export class Orders {
  constructor() {
    this.live = new Set(); // oldest first, as `ended`
    this.unsure = new Set(); // of the live ones: sent by this page, and without a word of the venue
    this.byId = new Map();
    this.byClient = new Map(); // "TWEX.AAPL id" -> order
    this.version = 0; // rises with any change
    this.ended = []; // oldest first
  }

  /** Sent by this page, and nothing is known of it yet. `request`: its fields. */
  sent(request, now) {
    return this.#add({ ...request, request, state: 'SENDING', since: now, sentAt: now, at: BEFORE_ALL, mine: true });
  }

  /** It is in the venue's stream. A report may have come before. */
  acknowledged(one, { order_id, correlation_id }, now) {
    this.version++;
    one.problem = undefined;
    one.correlation_id ??= correlation_id;
    if (one.state !== 'SENDING') return;
    if (!one.resent) this.#identify(one, order_id); // of one that was sent again, a report says which id is meant
    this.#set(one, 'PENDING', now);
  }

  /** It never came to the venue; of one that was sent again that is not known of the first time. */
  refused(one, { code, message }, now) {
    if (!SENT.has(one.state)) return;
    if (one.resent) {
      this.unanswered(one, message);
      return;
    }
    one.reason = code;
    one.problem = message;
    this.#set(one, 'REFUSED', now);
  }

  /** Nobody can say whether it came to the venue. */
  unanswered(one, problem) {
    if (!SENT.has(one.state)) return;
    this.version++;
    one.unknown = true;
    one.problem = problem;
  }

  /** Nobody knows of it, and it is not too late to ask the venue by sending it again. */
  mayAgain(one, now) {
    return one.unknown === true && one.request !== undefined && now - one.sentAt < AGAIN_MS;
  }

  /** The same order once more, under the same name: what came of the first is the answer. */
  again(one, now) {
    this.version++;
    one.resent = true;
    one.unknown = false;
    one.problem = undefined;
    one.since = now;
  }

  /** Nobody waits for it any more; of an order that is known to be open nothing can be forgotten. */
  forget(one) {
    if (one.unknown || !this.live.has(one)) this.#remove(one);
  }

  /** A cancel or replace was sent (`what`), or is over (undefined). */
  asked(one, what, now) {
    this.version++;
    one.asked = what;
    one.askedAt = now;
    one.askUnknown = false;
    one.problem = undefined;
  }

  problem(one, words) {
    this.version++;
    one.asked = undefined;
    one.problem = words;
    one.problemReason = undefined;
  }

  /** A report of the venue, new. Gives its order, or undefined where it is about none. */
  report(report, now) {
    const { kind, order_id, seq, n } = report, one = this.#find(report);
    if (kind === 'CANCEL_REJECTED' || kind === 'REPLACE_REJECTED') return one && this.#notDone(one, report, now);
    if (!STATES.has(kind)) return undefined;
    const at = [BigInt(seq), Number(n)], order = one ?? this.#add({ state: 'PENDING', since: now, at: BEFORE_ALL });
    if (!isAfter(at, order.at)) return order;
    if (order_id !== undefined) this.#identify(order, order_id);
    this.#take(order, report, at);
    this.#set(order, stateOf(report), now);
    return order;
  }

  #take(order, report, at) {
    for (const name of REPORTED) if (report[name] !== undefined) order[name] = report[name];
    if (report.order_correlation_id !== undefined) order.correlation_id = report.order_correlation_id; // beside that of a cancel or replace
    if (report.order_type !== undefined) order.type = report.order_type.toLowerCase();
    for (const name of ['side', 'time_in_force']) order[name] = order[name]?.toLowerCase();
    order.at = at;
    order.event_ns = report.event_ns;
    order.reason = report.reason;
    order.reasonText = report.reason_text;
    order.problem = order.problemReason = undefined;
    if (order.asked && ['REPLACED', 'CANCELLED'].includes(report.kind)) order.asked = undefined;
  }

  // A cancel or replace that the venue refused. Of an order whose fate is unknown that says that there is none.
  #notDone(one, { kind, reason, reason_text }, now) {
    one.asked = undefined;
    one.problem = `${kind === 'CANCEL_REJECTED' ? 'Cancel' : 'Replace'} refused`;
    one.problemReason = reason;
    one.problemText = reason_text;
    this.version++;
    if (reason === 'UNKNOWN_ORDER' && SENT.has(one.state)) this.#set(one, 'ABSENT', now);
    return one;
  }

  /**
   * The venue's open orders, as true after the input `seqOf(shard)` (undefined: not known of that shard). What it does not list and
   * stands before that has ended.
   */
  snapshot(list, seqOf, now) {
    const listed = new Set();
    for (const view of list) {
      const [shard] = placeOf(view.order_id), seq = seqOf(view.exchange, shard);
      const order = this.#find(view) ?? this.#add({ state: 'PENDING', since: now, at: BEFORE_ALL });
      listed.add(order);
      if (seq === undefined || seq < order.at[0]) continue; // a report knew better
      this.#identify(order, view.order_id);
      this.#take(order, { ...view, order_type: view.order_type ?? view.type, reason: order.reason, reason_text: order.reasonText, event_ns: order.event_ns }, [seq, Number.MAX_SAFE_INTEGER]);
      this.#set(order, view.status === 'WAITING' ? 'WAITING' : 'OPEN', now);
    }
    for (const order of [...this.live]) if (!listed.has(order)) this.#missing(order, seqOf, now);
  }

  #missing(order, seqOf, now) {
    if (order.order_id === undefined) return;
    const [shard, place] = placeOf(order.order_id), seq = seqOf(order.exchange, shard);
    if (seq !== undefined && seq >= place && seq >= order.at[0]) this.#set(order, 'ENDED', now);
  }

  /** Call it every now and then: what was not answered in time is unknown. */
  tick(now) {
    for (const order of this.live) {
      if (SENT.has(order.state) && !order.unknown && now - order.since > SILENCE_MS) this.unanswered(order);
      if (order.asked && !order.askUnknown && now - order.askedAt > SILENCE_MS) {
        order.askUnknown = true;
        this.version++;
      }
    }
  }

  isLive(order) {
    return this.live.has(order);
  }

  /** To be shown: live ones, the newest first, then those that have ended, the last one first. */
  list() {
    return [...[...this.live].reverse(), ...this.ended.toReversed()];
  }

  /** How many are live. */
  get open() {
    return this.live.size;
  }

  #find({ order_id, exchange, symbol, client_order_id }) {
    return (order_id !== undefined && this.byId.get(order_id)) || (client_order_id ? this.byClient.get(nameOf(exchange, symbol, client_order_id)) : undefined);
  }

  #add(one) {
    this.version++;
    this.live.add(one);
    if (one.mine) this.unsure.add(one);
    if (one.client_order_id) this.byClient.set(nameOf(one.exchange, one.symbol, one.client_order_id), one);
    return one;
  }

  #identify(order, orderId) {
    if (order.order_id !== undefined && order.order_id !== orderId) this.byId.delete(order.order_id);
    order.order_id = orderId;
    this.byId.set(orderId, order);
  }

  #set(order, state, now) {
    this.version++;
    if (state !== order.state) order.since = now;
    order.state = state;
    order.unknown = false;
    if (!SENT.has(state)) this.unsure.delete(order);
    if (LIVE.has(state)) this.#revive(order);
    else this.#end(order);
  }

  #end(order) {
    order.asked = undefined;
    if (this.live.delete(order)) this.ended.push(order);
    if (this.ended.length > MOST_ENDED) this.#remove(this.ended[0]);
  }

  // The venue knows better than we did.
  #revive(order) {
    const at = this.live.has(order) ? -1 : this.ended.indexOf(order);
    if (at >= 0) this.ended.splice(at, 1);
    this.live.add(order);
  }

  #remove(order) {
    this.version++;
    this.live.delete(order);
    this.unsure.delete(order);
    if (this.byId.get(order.order_id) === order) this.byId.delete(order.order_id);
    const name = nameOf(order.exchange, order.symbol, order.client_order_id);
    if (this.byClient.get(name) === order) this.byClient.delete(name);
    const at = this.ended.indexOf(order);
    if (at >= 0) this.ended.splice(at, 1);
  }
}

const nameOf = (exchange, symbol, id) => `${exchange}.${symbol} ${id}`;

function stateOf({ kind, status }) {
  if (kind === 'REJECTED') return 'REJECTED';
  if (status === 'FILLED' || status === 'WAITING' || status === 'OPEN') return status;
  return ENDS[kind] ?? 'CANCELLED';
}

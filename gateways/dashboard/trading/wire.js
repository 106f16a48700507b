// Orders on the stream and questions about them over HTTP, as docs/orders.md writes them.
import { get } from '../market/history.js';
import { tokenOf } from '../stream/subject.js';

/** The subject of an account's reports. */
export const reportsOf = (account) => `exec.${tokenOf(account)}`;

/** How a cancel or replace names its order: by the id that a report or the first answer told, else by our own. */
export function targetOf({ exchange, symbol, order_id, client_order_id }) {
  return { exchange, symbol, ...(order_id === undefined ? { client_order_id } : { order_id }) };
}

/** What whoever has the token may trade here: { accounts, exchanges }, both empty where the gateway takes no orders; undefined where nobody said. */
export async function fetchMay(token) {
  const { ok, status, body } = await get('/v1/accounts', token);
  if (ok && Array.isArray(body?.accounts)) return { accounts: body.accounts, exchanges: [body.exchange] };
  return status === 404 || status === 401 || status === 403 ? { accounts: [], exchanges: [] } : undefined;
}

/**
 * The account's open orders and positions: { orders, positions, limits, shards, orderSeqOf, positionSeqOf }, where the last two tell after which
 * input of a shard the lists are true (a BigInt; undefined: unknown); or { why }.
 */
export async function fetchState(account, token) {
  const query = `?account=${encodeURIComponent(account)}`;
  const answers = await Promise.all([get(`/v1/orders${query}`, token), get(`/v1/positions${query}`, token)]);
  const failed = answers.find(({ ok, body }) => !ok || !Array.isArray(body?.shards));
  if (failed) return { why: failed.body?.error?.message ?? (failed.status === 0 ? 'the gateway can\'t be reached' : `the gateway answered ${failed.status}`) };
  const [orders, positions] = answers.map(({ body }) => body);
  return {
    orders: orders.orders, positions: positions.positions.map((one) => ({ exchange: positions.exchange, ...one })), limits: positions.limits ?? [],
    shards: orders.shards.map(({ shard }) => `${shard}`), orderSeqOf: seqsOf(orders), positionSeqOf: seqsOf(positions),
  };
}

function seqsOf({ exchange, shards }) {
  const seqs = new Map(shards.map(({ shard, seq }) => [`${exchange} ${shard}`, BigInt(seq)]));
  return (mic, shard) => seqs.get(`${mic} ${shard}`);
}

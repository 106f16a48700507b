// Which executions were had already. A venue that changes its leader may tell some twice, with the same ids, and one that is asked for what
// was missed gives it while new ones come, so order alone does not decide: ids do, and of each shard so many that nothing older can still come.

const MOST = 20_000; // a shard

export class Seen {
  constructor(most = MOST) {
    this.most = most;
    this.shards = new Map(); // "TWEX 1" -> { ids, last: [seq, n], floor: [seq, n]: all up to it count as had }
  }

  /** A report; true where it is new. From then on it is not. */
  take({ exchange, shard, seq, n, execution_id }) {
    const kept = this.#shard(exchange, shard), at = [BigInt(seq), Number(n)];
    if (!isAfter(at, kept.floor) || kept.ids.has(execution_id)) return false;
    kept.ids.set(execution_id, at);
    if (isAfter(at, kept.last)) kept.last = at;
    if (kept.ids.size > this.most) this.#forget(kept);
    return true;
  }

  /** There is such a shard: of it everything is wanted that the venue still knows. */
  meet(exchange, shard) {
    this.#shard(exchange, shard);
  }

  #shard(exchange, shard) {
    const key = `${exchange} ${shard}`;
    if (!this.shards.has(key)) this.shards.set(key, { exchange, shard, ids: new Map(), last: NEVER, floor: NEVER });
    return this.shards.get(key);
  }

  #forget(kept) {
    for (const [id, at] of kept.ids) {
      if (kept.ids.size <= this.most / 2) return;
      kept.ids.delete(id);
      if (isAfter(at, kept.floor)) kept.floor = at;
    }
  }

  /** Where to go on: the last execution of each shard, as `resume` takes it; undefined where no shard is known. */
  resumePoint() {
    if (this.shards.size === 0) return undefined;
    return Object.fromEntries([...this.shards.values()].map(({ shard, last }) => [`${shard}`, last === NEVER ? { seq: '0', n: 0 } : { seq: `${last[0]}`, n: last[1] }]));
  }
}

const NEVER = [-1n, -1];
export const isAfter = (a, b) => a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);

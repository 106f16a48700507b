// What was executed for one account, each once, in the order of the venue's time: what was missed comes late and goes where it belongs.

export class Fills {
  constructor(most = 1000) {
    this.most = most;
    this.list = []; // oldest first
    this.version = 0;
  }

  /** A FILL report that was not had before (seen.js). */
  take(report) {
    const { execution_id, order_id, client_order_id, exchange, symbol, shard, side, last_price, last_quantity, liquidity, fee, event_ns } = report;
    const fill = { execution_id, order_id, client_order_id, exchange, symbol, shard, seq: BigInt(report.seq), side: side.toLowerCase(), price: last_price, quantity: last_quantity,
      liquidity: liquidity?.toLowerCase(), fee, event_ns };
    let at = this.list.length;
    while (at > 0 && BigInt(this.list[at - 1].event_ns) > BigInt(event_ns)) at--;
    this.list.splice(at, 0, fill);
    if (this.list.length > this.most) this.list.splice(0, this.list.length - this.most);
    this.version++;
    return fill;
  }
}

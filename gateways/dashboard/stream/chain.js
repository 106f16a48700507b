// The chain that every subject of an instrument has: each message names the one before it.

export class Chain {
  constructor() {
    this.reset();
  }

  reset() {
    this.epoch = this.term = this.seq = undefined;
    this.broken = false; // a message is missing; only a snapshot mends it
  }

  get known() {
    return this.seq !== undefined && !this.broken;
  }

  /**
   * What a message is to what came before it: 'snapshot', 'next', 'fault' (ask for a snapshot), 'waiting' (one is awaited), 'early'
   * (nothing is known yet: it may belong to a subscription that was ended just before this one).
   */
  take(message) {
    if (message.snapshot === true) {
      this.#stand(message);
      this.broken = false;
      return 'snapshot';
    }
    if (this.broken) return 'waiting';
    if (this.seq === undefined) return 'early';
    if (message.prev_seq === this.seq && message.epoch === this.epoch && message.term === this.term) {
      this.seq = message.seq;
      return 'next';
    }
    this.broken = true;
    return 'fault';
  }

  #stand({ epoch, term, seq }) {
    this.epoch = epoch;
    this.term = term;
    this.seq = seq;
  }
}

// The trade tape: the newest prints, each once. A break names the print that is void by its match id.

export class Tape {
  constructor(most = 500) {
    this.most = most;
    this.clear();
  }

  clear() {
    this.prints = []; // newest last: the stream's fields, and `void` where broken
    this.count = 0; // ever
    this.passedOver = 0; // prints of which the server says that they are in no message to us
    this.epoch = undefined;
    this.lastSeq = undefined; // of the newest print taken: [seq, index]
  }

  /** A trades message; gives the prints that are new. */
  take(message) {
    if (message.epoch !== this.epoch) {
      this.epoch = message.epoch;
      this.lastSeq = undefined;
    }
    this.passedOver += Number(message.passed_over ?? 0);
    const fresh = message.prints.filter((print) => this.#isNew(print));
    for (const print of fresh) this.#add(print);
    return fresh;
  }

  // Prints are unique by seq and index in an epoch, and come in that order.
  #isNew({ seq, index }) {
    const order = [BigInt(seq), index];
    const last = this.lastSeq;
    if (last && (order[0] < last[0] || (order[0] === last[0] && order[1] <= last[1]))) return false;
    this.lastSeq = order;
    return true;
  }

  #add(print) {
    this.count++;
    if (print.kind === 'BREAK') {
      const broken = this.prints.find((one) => one.match_id === print.match_id && one.kind !== 'BREAK');
      if (broken) broken.void = true;
    }
    this.prints.push(print);
    if (this.prints.length > this.most) this.prints.splice(0, this.prints.length - this.most);
  }
}

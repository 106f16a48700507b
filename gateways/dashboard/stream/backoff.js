// When to try again: twice as long each time up to a bound, spread at random so that many pages don't come back at once.

export class Backoff {
  constructor({ first = 300, most = 15_000, random = Math.random } = {}) {
    Object.assign(this, { first, most, random });
    this.failures = 0;
  }

  /** Milliseconds until the next try, after one more failure. `hint`: what the server asked for, taken as it is. */
  next(hint) {
    if (hint !== undefined) return hint;
    const bound = Math.min(this.most, this.first * 2 ** this.failures++);
    return bound / 2 + this.random() * (bound / 2);
  }

  succeeded() {
    this.failures = 0;
  }
}

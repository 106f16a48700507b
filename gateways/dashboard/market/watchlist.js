// The user's list of instruments, in the user's order. Kept in the browser's storage as ["XNAS.AAPL", …].

export class Watchlist {
  constructor(keys = [], most = 300) {
    this.most = most;
    this.keys = [];
    for (const key of keys) this.add(key);
  }

  /** From storage; undefined where nothing usable is there. */
  static parse(text, most) {
    let keys;
    try {
      keys = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string' && key.length <= 64 && /^[A-Z0-9]{4}\../.test(key))) return undefined;
    return new Watchlist(keys, most);
  }

  has(key) {
    return this.keys.includes(key);
  }

  get full() {
    return this.keys.length >= this.most;
  }

  /** False where it is there already or there is no room. */
  add(key, at = this.keys.length) {
    if (this.has(key) || this.full) return false;
    this.keys.splice(at, 0, key);
    return true;
  }

  remove(key) {
    const at = this.keys.indexOf(key);
    if (at >= 0) this.keys.splice(at, 1);
    return at >= 0;
  }

  /** By so many places, as far as the list goes. */
  move(key, by) {
    const at = this.keys.indexOf(key), to = Math.min(this.keys.length - 1, Math.max(0, at + by));
    if (at < 0 || to === at) return false;
    this.keys.splice(at, 1);
    this.keys.splice(to, 0, key);
    return true;
  }

  toString() {
    return JSON.stringify(this.keys);
  }
}

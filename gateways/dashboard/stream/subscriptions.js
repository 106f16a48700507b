// What the page wants of the stream, and what of it the server knows. Wishes are gathered and sent in few requests, within
// the server's limits; after a new connection all are sent again, going on where they were if they can.

const SUBJECTS_A_REQUEST = 64;
const REQUESTS_A_SECOND = 25;
const ASK_AGAIN_MS = 3000; // a snapshot that was asked for and did not come

export class Subscriptions {
  /**
   * `send(request)` gives false without a connection. `resumePoint(subject)` gives { epoch, seq, depth } or undefined.
   * `onRefused(subject, error)` for a subject that the server does not give; `onTaken(subject, resumed)` for one it does.
   */
  constructor({ send, resumePoint = () => undefined, onRefused = () => {}, onTaken = () => {} }) {
    Object.assign(this, { send, resumePoint, onRefused, onTaken });
    this.wishes = new Map(); // subject -> { depth, interval_ms, state: 'new' | 'asked' | 'taken' | 'refused',
                             // whole: no resuming, alone: in a request of its own, awaiting: a snapshot, since when }
    this.leaving = new Set(); // subscribed, and not wished any more
    this.asked = new Map(); // id of a request -> { subjects, resumed }
    this.met = new Set(); // asked for on this connection: what was on its way then may still come, so only a snapshot is a good start
    this.nextId = 1;
    this.allowance = REQUESTS_A_SECOND;
    this.allowanceAt = 0;
    this.resnapshots = 0;
  }

  /**
   * Wanted from now on, with these wishes. `optional`: it may well be refused, so it is asked for apart from what may not, and not
   * again by itself. Nothing is sent before flush(). */
  want(subject, { depth = 10, interval_ms = 0, optional = false } = {}) {
    const had = this.wishes.get(subject);
    if (had && had.depth === depth && had.interval_ms === interval_ms) return;
    this.wishes.set(subject, { depth, interval_ms, optional, state: 'new', whole: had !== undefined });
    this.leaving.delete(subject);
  }

  drop(subject) {
    const had = this.wishes.get(subject);
    if (!had) return;
    this.wishes.delete(subject);
    if (had.state !== 'new') this.leaving.add(subject);
  }

  /** The server gives nothing of all that is wanted. */
  get nothingGiven() {
    if (this.wishes.size === 0) return false;
    for (const { state } of this.wishes.values()) if (state !== 'refused') return false;
    return true;
  }

  wants(subject) {
    return this.wishes.has(subject);
  }

  /** After a fault: a snapshot, please. Asked once until it comes. */
  again(subject, now) {
    const wish = this.wishes.get(subject);
    if (!wish || (wish.awaiting !== undefined && now - wish.awaiting < ASK_AGAIN_MS)) return;
    wish.awaiting = now;
    wish.state = 'new';
    wish.whole = true;
    this.resnapshots++;
  }

  /** An update came before any snapshot: fine until the server has taken the wish, and strange afterwards. */
  early(subject, now) {
    if (this.wishes.get(subject)?.state === 'taken') this.again(subject, now);
  }

  /** The snapshot has come. */
  arrived(subject) {
    const wish = this.wishes.get(subject);
    if (wish) wish.awaiting = undefined;
  }

  /** A new connection knows nothing, and may let in whom the one before did not. */
  reset() {
    this.asked.clear();
    this.met.clear();
    this.leaving.clear();
    for (const wish of this.wishes.values()) {
      wish.state = 'new';
      wish.awaiting = undefined;
    }
  }

  /** Sends what is new, as far as the server's limits allow; call it often. */
  flush(now) {
    this.allowance = Math.min(REQUESTS_A_SECOND, this.allowance + ((now - this.allowanceAt) / 1000) * REQUESTS_A_SECOND);
    this.allowanceAt = now;
    if (this.leaving.size > 0) this.#leave();
    for (const batch of this.#batches()) {
      if (this.allowance < 1) return;
      this.#ask(batch);
    }
  }

  #leave() {
    const subjects = [...this.leaving].slice(0, SUBJECTS_A_REQUEST);
    if (this.allowance < 1 || !this.send({ id: `leave-${this.nextId++}`, op: 'unsubscribe', subjects })) return;
    this.allowance--;
    for (const subject of subjects) this.leaving.delete(subject);
  }

  /** New wishes, of one kind each, as many as fit a request. */
  *#batches() {
    const open = new Map();
    for (const [subject, wish] of this.wishes) {
      if (wish.state !== 'new') continue;
      const kind = `${wish.depth} ${wish.interval_ms} ${wish.alone ? subject : wish.optional ? subject.slice(0, 4) : ''}`;
      if (!open.has(kind)) open.set(kind, []);
      const batch = open.get(kind);
      batch.push(subject);
      if (batch.length < SUBJECTS_A_REQUEST) continue;
      open.delete(kind);
      yield batch;
    }
    yield* open.values();
  }

  #ask(subjects) {
    const { depth, interval_ms } = this.wishes.get(subjects[0]);
    const resume = {};
    for (const subject of subjects) {
      const point = this.wishes.get(subject).whole || this.met.has(subject) ? undefined : this.resumePoint(subject);
      if (point) resume[subject] = point;
    }
    const id = `ask-${this.nextId++}`, resumes = Object.keys(resume).length > 0;
    if (!this.send({ id, op: 'subscribe', subjects, depth, interval_ms, ...(resumes ? { resume } : {}) })) return;
    this.allowance--;
    this.asked.set(id, { subjects, resume });
    for (const subject of subjects) {
      const wish = this.wishes.get(subject);
      wish.state = 'asked';
      wish.whole = false;
      this.met.add(subject);
    }
  }

  /** An ack or error that may be ours: true if it was. */
  take(message) {
    const request = this.asked.get(message.id);
    if (!request) return typeof message.id === 'string' && message.id.startsWith('leave-');
    this.asked.delete(message.id);
    const wished = request.subjects.filter((subject) => this.wishes.has(subject));
    if (message.type === 'ack') this.#taken(wished, request, message.unknown ?? []);
    else this.#refused(wished, message);
    return true;
  }

  // What the server knows nothing of it does not go on with.
  #taken(subjects, { resume }, unknown) {
    for (const subject of subjects) {
      const wish = this.wishes.get(subject);
      if (wish.state === 'asked') wish.state = 'taken';
      this.onTaken(subject, subject in resume && !unknown.includes(subject));
    }
  }

  // A request is refused as a whole: each subject of it is then asked for by itself, so that one does not keep the others out.
  #refused(subjects, error) {
    const tooFast = error.code === 'TOO_FAST';
    if (tooFast) this.allowance = 0;
    for (const subject of subjects) {
      const wish = this.wishes.get(subject);
      if (wish.state !== 'asked') continue;
      if (tooFast || (subjects.length > 1 && !wish.optional)) {
        wish.state = 'new';
        wish.alone = !tooFast;
        continue;
      }
      wish.state = 'refused';
      this.onRefused(subject, error);
    }
  }
}

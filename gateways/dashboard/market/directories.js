// When the page asks for the directories of the exchanges it has heard of: soon again where no answer came, later where one did but parts are
// missing, as what came is shown meanwhile.
const TRY_MS = 3000;
const MISSING_MS = 15_000;

export class Directories {
  /** `fetch(mic)`: { instruments, missing: partitions } or undefined; `take(mic, instruments)`. */
  constructor({ fetch, take }) {
    Object.assign(this, { fetch, take });
    this.byMic = new Map(); // MIC -> { asked, due: ms (Infinity: it is whole), asking, stale: there is more to know than was asked for }
  }

  get size() {
    return this.byMic.size;
  }

  /** There is something new to be known of an exchange. True: of one that was not heard of. */
  learn(mic) {
    const about = this.byMic.get(mic);
    if (!about) this.byMic.set(mic, { asked: -Infinity, due: -Infinity });
    else this.#again(about);
    return !about;
  }

  /** Who asks has become somebody else. */
  askAll() {
    for (const about of this.byMic.values()) this.#again(about);
  }

  #again(about) {
    about.due = Math.min(about.due, about.asked + TRY_MS);
    about.stale = about.asking;
  }

  /** Asks for those that are due. */
  async tick(now) {
    await Promise.all([...this.byMic].filter(([, about]) => !about.asking && about.due <= now).map(([mic, about]) => this.#ask(mic, about, now)));
  }

  async #ask(mic, about, now) {
    Object.assign(about, { asked: now, asking: true, stale: false });
    const answer = await this.fetch(mic);
    about.asking = false;
    about.due = now + (about.stale ? TRY_MS : pauseAfter(answer));
    if (answer) this.take(mic, answer.instruments);
  }
}

function pauseAfter(answer) {
  if (answer?.missing.length > 0) return MISSING_MS;
  return answer?.instruments.length > 0 ? Infinity : TRY_MS;
}

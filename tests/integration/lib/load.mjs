// The benchmarks' publisher and clients, as tests use them: both are told what to do line by line and answer in JSON.
import path from 'node:path';
import { Program, build, sleep, until } from './programs.mjs';

class Talker extends Program {
  #answers = 0;

  constructor(name, args) {
    super(path.join(build, 'benchmarks', name), args.map(String), { input: true });
    this.child.stdin.on('error', () => {}); // it ended: whoever waits for its answer is told so
  }

  /** The next line it says, read as JSON. */
  async answer(patience) {
    const line = await until(() => `${this.name} to answer; it said: ${this.stderr}${this.stdout}`, () => {
      if (this.status !== undefined) throw new Error(`${this.name} ended with ${this.status}: ${this.stderr}`);
      const lines = this.stdout.split('\n');
      return lines.length > this.#answers + 1 && lines[this.#answers];
    }, patience);
    this.#answers++;
    return JSON.parse(line);
  }

  ask(command) {
    this.say(command);
    return this.answer();
  }

  /** Its input ends, then it does. */
  async leave() {
    this.child.stdin.end();
    return this.end();
  }
}

/** Books of `symbols` symbols, each with its first update; run(rate, count) publishes more. */
export class LoadPublisher extends Talker {
  static async start(nats, symbols) {
    const self = new LoadPublisher('load_publisher', [nats.url, symbols]);
    await self.answer();
    await self.run(2000, symbols);
    return self;
  }

  run(rate, count) {
    return this.ask(`run ${rate} ${count}`);
  }
}

/** `clients` of them, subscribed. */
export class LoadClients extends Talker {
  static async start(port, language, clients, settings = []) {
    const self = new LoadClients('load_clients', [port, language, clients, ...settings]);
    const { ready } = await self.answer();
    if (ready !== clients) throw new Error(`${ready} of ${clients} are ready`);
    self.before = await self.#settled();
    return self;
  }

  /** What comes at first is not what was published: snapshots, and that their state is OK once the feed is heard. */
  async #settled() {
    for (let last = await this.report(); ;) {
      await sleep(250);
      const now = await this.report();
      if (now.fast.updates === last.fast.updates && now.slow.updates === last.slow.updates) return now;
      last = now;
    }
  }

  /** Updates that came since all were subscribed, alone and within others. */
  async told(pace = 'fast') {
    const now = (await this.report())[pace], then = this.before[pace];
    return { updates: now.updates - then.updates, merged: now.merged - then.merged, faults: now.faults };
  }

  report() {
    return this.ask('report');
  }

  /** Waits until the fast ones were told of as many updates as they are due, alone or within others. */
  async got(due) {
    let last;
    await until(() => `${due} updates; ${JSON.stringify(last)}`, async () => {
      last = await this.told();
      return last.updates + last.merged >= due;
    });
    return last;
  }

  /** Waits until every book is the publisher's last one. */
  async shows(seq, books) {
    let last;
    await until(() => `${books} books to be those at ${seq}: ${JSON.stringify(last)}`, async () => {
      last = await this.ask(`expect ${seq}`);
      return last.books === books && last.behind === 0;
    });
  }
}

// Programs under test and what they need: paths, temporary folders, a NATS server on a free loopback port, child
// processes whose words and end can be waited for. Whatever a test starts is ended when its file is done.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const build = path.resolve(process.env.TICKWIRE_BUILD ?? path.join(root, 'build/release'));
export const data = path.resolve(process.env.TICKWIRE_TEST_DATA ?? path.join(root, '../shared/data'));
export const ingestProgram = path.join(build, 'ingest/tickwire-ingest');
export const watchProgram = path.join(build, 'tests/client_watch');
export const tickwireProgram = path.join(build, 'tools/tickwire');
export const aaplRecording = path.join(data, 'itch/nasdaq_itch50_20200130_AAPL_first10k.bin');

/** For a test's `skip`: false if the file is there, else the words why not. */
export const without = (file) => (existsSync(file) ? false : `no recording at ${file}`);

export const folder = mkdtempSync(path.join(tmpdir(), 'tickwire-integration-'));
const running = new Set();
const endAll = () => {
  for (const program of running) program.kill('SIGKILL');
};
after(async () => {
  endAll();
  await Promise.all([...running].map((program) => program.ended));
});
process.on('exit', () => {
  endAll();
  rmSync(folder, { recursive: true, force: true });
});

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// One number for all waits: generous, because it only matters when something is broken.
export const PATIENCE_MS = Number(process.env.TICKWIRE_PATIENCE_MS ?? 30_000);

/** Waits until `condition` gives something true and returns it. `what` says what was waited for. */
export async function until(what, condition, patience = PATIENCE_MS) {
  const end = performance.now() + patience;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`waited ${patience} ms in vain: ${typeof what === 'function' ? what() : what}`);
    await sleep(5);
  }
}

/** Waits until `count` gives `wanted`, for as long as it grows: how long very many things take is the machine's affair. */
export async function untilAll(what, wanted, count) {
  for (let had = count(); had < wanted; had = count())
    await until(() => `more ${what}: ${had} of ${wanted} are there`, () => count() > had);
}

/** A child process with its output kept. `input`: it can be told something with say(). */
export class Program {
  constructor(file, args, { env, input = false } = {}) {
    this.name = path.basename(file);
    this.stdout = '';
    this.stderr = '';
    this.status = undefined; // exit code, or the signal's name
    this.child = spawn(file, args, { stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.child.stdout.setEncoding('utf8').on('data', (text) => (this.stdout += text));
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    running.add(this);
    this.ended = new Promise((resolve) => {
      const end = (status) => {
        this.status ??= status;
        running.delete(this);
        resolve(this.status);
      };
      this.child.on('error', (error) => end(error.message));
      this.child.on('close', (code, signal) => end(code ?? signal));
    });
  }

  kill(signal = 'SIGTERM') {
    this.child.kill(signal);
  }

  /** SIGSTOP, and waits until no thread of it runs any more: on a busy machine the signal takes its time. */
  async freeze() {
    this.kill('SIGSTOP');
    const tasks = `/proc/${this.child.pid}/task`;
    // The state follows the name, which may itself hold brackets: "PID (NAME) STATE ...".
    const state = (task) => readFileSync(`${tasks}/${task}/stat`, 'utf8').replace(/^.*\) /s, '')[0];
    await until(() => `${this.name} to stand still`, () => readdirSync(tasks).every((task) => state(task) === 'T'));
  }

  say(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** Its end: exit code, or the name of the signal that ended it. */
  async end() {
    return until(() => `${this.name} should end; it said: ${this.stderr}${this.stdout}`,
      () => this.status !== undefined && { status: this.status }).then(({ status }) => {
      const found = /(WARNING: ThreadSanitizer|ERROR: AddressSanitizer|runtime error:)[^]{0,3000}/.exec(this.stderr);
      if (found) throw new Error(`${this.name}: ${found[0]}`);
      return status;
    });
  }

  async stop(signal = 'SIGTERM') {
    if (this.status === undefined) this.kill(signal);
    return this.end();
  }

  /** Waits for words on standard error (or output); fails at once if the process ends without them. */
  async says(pattern, patience) {
    return until(() => `${this.name} should say ${pattern}; it said: ${this.stderr}${this.stdout}`, () => {
      const found = pattern.exec(this.stderr) ?? pattern.exec(this.stdout);
      if (found) return found;
      if (this.status !== undefined)
        throw new Error(`${this.name} ended with ${this.status} and never said ${pattern}: ${this.stderr}`);
      return null;
    }, patience);
  }
}

/** fetch() of a page. A connection that was kept may have been ended by its server just now, and a test that was busy has not seen it: then once more. */
export const page = (url) => fetch(url).catch(() => fetch(url));

/** Runs to the end: { status, stdout, stderr }. */
export function run(file, args, options = {}) {
  const result = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 2 * PATIENCE_MS, ...options });
  if (result.error) throw result.error;
  return { status: result.status ?? result.signal, stdout: result.stdout, stderr: result.stderr };
}

export const tickwire = (...args) => run(tickwireProgram, args);
export const startTickwire = (...args) => new Program(tickwireProgram, args);

/** Writes a simulated day and returns its path. The name carries a date, as recordings' names do. */
export function simulatedFile(name, { symbols = 20, messages = 20_000, seed = 1 } = {}) {
  const file = path.join(folder, `${name}_20200130.itch`);
  const made = tickwire('simulate', '--to', `file:${file}`, '--symbols', `${symbols}`, '--messages', `${messages}`,
    '--seed', `${seed}`);
  if (made.status !== 0) throw new Error(`tickwire simulate: ${made.stderr}`);
  return file;
}

/** A nats-server on a free loopback port. restart() comes back on the same port. */
export class NatsServer {
  /** `config`: further lines of its configuration. */
  static async start({ jetstream = false, config = '' } = {}) {
    const server = new NatsServer();
    server.folder = mkdtempSync(path.join(folder, 'nats-'));
    server.config = path.join(server.folder, 'server.conf');
    // A subscriber in an interpreted language reads a burst late: it must not be cut off as a slow consumer.
    const store = jetstream ? `jetstream { store_dir: "${path.join(server.folder, 'jetstream')}" }\n` : '';
    writeFileSync(server.config, `max_pending: 1GB\nwrite_deadline: "60s"\nhttp: "127.0.0.1:-1"\n${store}${config}\n`);
    await server.#launch(await freePort());
    return server;
  }

  async #launch(port) {
    const ports = mkdtempSync(path.join(this.folder, 'ports-'));
    this.program = new Program('nats-server',
      ['-c', this.config, '-a', '127.0.0.1', '-p', `${port}`, '--ports_file_dir', ports]);
    const text = await until(() => `nats-server should be ready: ${this.program.stderr}`, () => {
      const [name] = readdirSync(ports);
      return name && readFileSync(path.join(ports, name), 'utf8');
    });
    ({ nats: [this.url], monitoring: [this.monitoring], websocket: [this.websocket] = [] } = JSON.parse(text));
    await this.program.says(/Server is ready/);
  }

  async stop() {
    await this.program.stop('SIGKILL');
  }

  /** Its open connections, as its monitoring tells them. */
  async connections() {
    return (await (await fetch(`${this.monitoring}/connz?limit=10000`)).json()).connections;
  }

  /** Waits until the server has read the last of every connection of this name: then it is on its way to subscribers. */
  async connectionGone(name) {
    return until(`the connection ${name} to be gone`, async () => {
      const { connections } = await (await fetch(`${this.monitoring}/connz`)).json();
      return !connections.some((connection) => connection.name === name);
    });
  }

  /** Waits until connections of this name are there, have all that the server has for them, and request nothing: they know what there is to know. */
  async isQuiet(name) {
    let last;
    await until(() => `${name} to be quiet; ${last}`, async () => {
      const all = (await this.connections()).filter((one) => one.name === name), before = last;
      last = all.map(({ cid, in_msgs: asked, pending_bytes: pending }) => `${cid}: ${asked} sent, ${pending} bytes waiting`).join();
      if (before === last && all.length > 0 && all.every(({ pending_bytes: pending }) => pending === 0)) return true;
      return sleep(200);
    });
  }

  async restart() {
    await this.stop();
    await this.#launch(new URL(this.url).port);
  }
}

/** Starts tickwire-ingest on `nats` (a NatsServer) with JSON logs, and waits until it runs. */
export async function startIngest(nats, settings) {
  const program = launchIngest(nats, settings);
  await program.says(/"ingest starts"/);
  return program;
}

export function launchIngest(nats, settings) {
  return new Program(ingestProgram,
    ['--nats', nats?.url ?? 'nats://127.0.0.1:1', '--log-format', 'json', '--max-orders', '400k', '--max-levels', '400k',
      ...settings]);
}

/** The log of a program that logs JSON: one object per line; anything else throws. While it runs, what follows the last line end is a
 * line that is still being read. */
export const logLines = (program) => {
  const lines = program.stderr.split('\n');
  if (program.status === undefined) lines.pop();
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
};

/** Waits until the log has a line that `fits`: what a program wrote comes by another way than what it sent. */
export const logged = (program, what, fits) => until(() => `the log to have ${what}; it has ${program.stderr.slice(-3000)}`, () => logLines(program).find(fits));

/** The port that an ingest with `--metrics 0` took. */
export async function metricsUrl(ingest) {
  await ingest.says(/"msg":"metrics"|"metrics"/);
  const line = await logged(ingest, 'the port of its metrics', (entry) => Object.values(entry).includes('metrics') && entry.port);
  return `http://127.0.0.1:${line.port}`;
}

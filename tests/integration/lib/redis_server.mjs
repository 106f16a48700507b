// A real redis-server on a free loopback port, nothing on disk, and npm's client for it.
import { createClient } from '@redis/client';
import { freePort } from './ports.mjs';
import { Program, until } from './programs.mjs';

export class RedisServer {
  /** `settings`: further words of the command line. `up: false` takes a port only. */
  static async start({ settings = [], up = true } = {}) {
    const server = new RedisServer();
    server.port = await freePort();
    server.settings = settings;
    server.url = `redis://127.0.0.1:${server.port}/0`;
    if (up) await server.launch();
    return server;
  }

  async launch() {
    this.program = new Program('redis-server',
      ['--bind', '127.0.0.1', '--port', `${this.port}`, '--save', '', '--appendonly', 'no', ...this.settings]);
    await this.program.says(/Ready to accept connections/);
  }

  /** Killed, and back on the same port without its data. */
  async restart() {
    await this.stop();
    await this.launch();
  }

  async stop() {
    await this.program?.stop('SIGKILL');
  }

  /** A client that goes on after restarts. */
  async client({ onError = () => {} } = {}) {
    const client = createClient({ url: this.url, socket: { reconnectStrategy: 50 } });
    client.on('error', onError);
    await client.connect();
    return client;
  }
}

/** All hashes below tw:last: as { key: { field: text } }. */
export async function lastValues(client) {
  const keys = (await client.keys('tw:last:*')).sort();
  const hashes = await Promise.all(keys.map((key) => client.hGetAll(key)));
  return Object.fromEntries(keys.map((key, i) => [key, { ...hashes[i] }]));
}

/** Waits until the values are `expected` (a function that gives { key: hash }). */
export async function valuesAre(client, expected, patience) {
  let seen = {}, wanted = {};
  const differs = () => Object.keys({ ...seen, ...wanted }).filter((key) => JSON.stringify(sorted(seen[key])) !== JSON.stringify(sorted(wanted[key])));
  await until(() => `${differs().length} of ${Object.keys(wanted).length} keys differ, the first: ${differs()[0]} is ` +
    `${JSON.stringify(seen[differs()[0]])}, expected ${JSON.stringify(wanted[differs()[0]])}`, async () => {
    wanted = expected();
    seen = await lastValues(client).catch(() => ({}));
    return Object.keys(wanted).length > 0 && differs().length === 0;
  }, patience);
  return seen;
}

const sorted = (hash) => hash && Object.entries(hash).sort(([a], [b]) => (a < b ? -1 : 1));

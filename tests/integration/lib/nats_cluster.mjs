// Three nats-servers with JetStream that form a cluster. Each can be killed and started again at its place.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from './ports.mjs';
import { Program, folder, until } from './programs.mjs';

const NODES = ['n1', 'n2', 'n3'];

class Node {
  constructor(name, ports, cluster) {
    Object.assign(this, { name, ...ports, kills: 0 });
    this.url = `nats://127.0.0.1:${this.client}`;
    const store = path.join(folder, `cluster-${name}`);
    mkdirSync(store, { recursive: true });
    this.config = path.join(store, 'server.conf');
    writeFileSync(this.config, `server_name: ${name}
listen: "127.0.0.1:${this.client}"
http: "127.0.0.1:${this.monitoring}"
max_pending: 1GB
jetstream { store_dir: "${path.join(store, 'jetstream')}" }
cluster {
  name: venue
  listen: "127.0.0.1:${this.route}"
  routes: [${cluster.map(({ route }) => `"nats://127.0.0.1:${route}"`).join(', ')}]
}
`);
  }

  start() {
    this.program = new Program('nats-server', ['-c', this.config]);
  }

  kill() {
    this.kills++;
    this.program.kill('SIGKILL');
    return this.program.ended;
  }

  /** Is JetStream in order there: a leader known, everything caught up? */
  async healthy() {
    const answer = await fetch(`http://127.0.0.1:${this.monitoring}/healthz`).catch(() => null);
    return answer?.status === 200;
  }
}

export class NatsCluster {
  static async start() {
    const self = new NatsCluster(), ports = [];
    for (const name of NODES)
      ports.push({ name, client: await freePort(), route: await freePort(), monitoring: await freePort() });
    self.nodes = ports.map(({ name, ...own }) => new Node(name, own, ports));
    self.url = self.nodes.map(({ url }) => url).join(',');
    self.urls = self.nodes.map(({ url }) => url);
    for (const node of self.nodes) node.start();
    await self.whole();
    return self;
  }

  /** Waits until all nodes are there and in order. */
  async whole() {
    for (const node of this.nodes) await until(`${node.name} should be healthy: ${node.program.stderr.slice(-500)}`, () => node.healthy(), 90_000);
  }

  node(name) {
    return this.nodes.find((node) => node.name === name);
  }

  stop() {
    return Promise.all(this.nodes.map((node) => node.program.stop('SIGKILL')));
  }
}


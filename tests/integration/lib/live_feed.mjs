// A simulated feed by multicast, its ingest, and a gateway: for tests that need live books behind a gateway.
import { startGateway } from './gateway.mjs';
import { freePort } from './ports.mjs';
import { NatsServer, launchIngest, startTickwire, until } from './programs.mjs';
import { valueOf, parsePrometheus } from './prometheus.mjs';

/** Waits until so many clients of the stream have subscribed to something. */
export const subscribed = (gateway, count) => until(`${count} clients to have subscribed`, async () =>
  valueOf(parsePrometheus(await (await fetch(`${gateway.url}/metrics`)).text()), 'tickwire_gateway_subscriptions') >= count);

export class LiveFeed {
  /** `messages` at `rate` a second, then heartbeats. `audience(gateway)` is waited for before the first one: a browser may take as long to start
   * as the day does. */
  static async open({ gateway = [], messages = 8000, rate = '2k', symbols = 20, seed = 1, audience } = {}) {
    const self = new LiveFeed();
    self.nats = await NatsServer.start();
    self.where = `udp://239.255.41.33:${await freePort()}@127.0.0.1`;
    self.gateway = await startGateway(self.nats, gateway);
    self.ingest = launchIngest(self.nats, ['--source', self.where, '--session-date', '2020-01-30', '--silence', '1h']);
    await self.ingest.says(/"leads/);
    await audience?.(self.gateway);
    self.feed = startTickwire('serve-feed', '--simulate', '--symbols', `${symbols}`, '--messages', `${messages}`, '--seed', `${seed}`,
      '--to', self.where, '--rate', rate, '--wait', '300ms', '--heartbeat', '20ms', '--linger', '60s', '--session', 'DAY1');
    return self;
  }

  async close() {
    await Promise.all([this.feed.stop('SIGKILL'), this.ingest.stop('SIGKILL'), this.gateway.stop()]);
    await this.nats.stop();
  }
}

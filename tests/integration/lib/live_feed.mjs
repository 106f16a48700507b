// A simulated feed by multicast, its ingest, and a gateway: for tests that need live books behind a gateway.
import { startGateway } from './gateway.mjs';
import { freeUdpPort } from './mold_sender.mjs';
import { NatsServer, launchIngest, startTickwire } from './programs.mjs';

export class LiveFeed {
  /** `messages` at `rate` a second, then heartbeats. */
  static async open({ gateway = [], messages = 8000, rate = '2k', symbols = 20, seed = 1 } = {}) {
    const self = new LiveFeed();
    self.nats = await NatsServer.start();
    self.where = `udp://239.255.41.33:${await freeUdpPort()}@127.0.0.1`;
    self.gateway = await startGateway(self.nats, gateway);
    self.ingest = launchIngest(self.nats, ['--source', self.where, '--session-date', '2020-01-30', '--silence', '1h']);
    await self.ingest.says(/"leads/);
    self.feed = startTickwire('serve-feed', '--simulate', '--symbols', `${symbols}`, '--messages', `${messages}`, '--seed', `${seed}`,
      '--to', self.where, '--rate', rate, '--wait', '300ms', '--heartbeat', '20ms', '--linger', '60s', '--session', 'DAY1');
    return self;
  }

  async close() {
    await Promise.all([this.feed.stop('SIGKILL'), this.ingest.stop('SIGKILL'), this.gateway.stop()]);
    await this.nats.stop();
  }
}

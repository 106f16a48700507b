// Clients of a venue that is being taken apart: each sends orders one after the other and sends an order again, with the same client
// order id, until the stream has acknowledged it. What was acknowledged, and how long that took, is written down here, by npm's client:
// independently of everything under test.
import { createHash } from 'node:crypto';
import { openSync, writeSync, closeSync } from 'node:fs';
import { connect } from 'nats';
import { sleep } from './programs.mjs';
import { encodeAs } from './wire.mjs';

const hashOf = (bytes) => createHash('sha256').update(bytes).digest('base64');

/** Numbers from a seed: mulberry32. */
export function seeded(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { next, below: (bound) => Math.floor(next() * bound), odds: (share) => next() < share };
}

export class Load {
  /** `accounts` and `symbols` are sent for; each lane sends an order about every `pauseMs`. */
  static async start(urls, { accounts, symbols, lanes = 12, pauseMs = 40, seed = 1, subject }) {
    const self = new Load();
    Object.assign(self, { accounts, symbols, pauseMs, subject, acknowledged: [], waits: [], attempts: 0, stopped: false });
    self.connection = await connect({ servers: urls, reconnectTimeWait: 50, maxReconnectAttempts: -1, pingInterval: 2000, maxPingOut: 2 });
    self.js = self.connection.jetstream();
    self.lanes = Array.from({ length: lanes }, (_, lane) => self.#lane(lane, seeded(seed * 1000 + lane)));
    return self;
  }

  /** Nothing new; returns when all that was sent is acknowledged. */
  async stop() {
    this.stopped = true;
    await Promise.all(this.lanes);
  }

  close() {
    return this.connection.close();
  }

  async #lane(lane, random) {
    const account = this.accounts[lane % this.accounts.length];
    for (let number = 1; !this.stopped; number++) {
      const symbol = this.symbols[random.below(this.symbols.length)];
      const payload = encodeAs('OrderBatch', { sender: `lane ${lane}`, commands: this.#commands(account, symbol, lane, number, random) });
      await this.#untilAcknowledged(this.subject(account, symbol, random), payload);
      await sleep(this.pauseMs * random.next() * 2);
    }
  }

  #commands(account, symbol, lane, number, random) {
    const id = (n) => `${lane}-${n}`;
    if (number > 3 && random.odds(0.35)) { // cancels, and changes, of what may be open
      const clientOrderId = id(number - 1 - random.below(3));
      return [random.odds(0.7) ? { kind: 'COMMAND_CANCEL', account, symbol, clientOrderId, correlationId: `c${id(number)}` }
        : { kind: 'COMMAND_REPLACE', account, symbol, clientOrderId, quantity: BigInt(1 + random.below(50)), openOnly: true }];
    }
    return [{ kind: 'COMMAND_NEW_ORDER', account, symbol, clientOrderId: id(number), correlationId: `o${id(number)}`,
      side: random.odds(0.5) ? 'SIDE_BID' : 'SIDE_ASK', quantity: BigInt(1 + random.below(50)), price: BigInt(9_980 + random.below(40)),
      timeInForce: ['TIF_GTC', 'TIF_DAY', 'TIF_IOC', 'TIF_IOC'][random.below(4)],
      selfTrade: ['SELF_TRADE_CANCEL_NEWEST', 'SELF_TRADE_CANCEL_OLDEST', 'SELF_TRADE_CANCEL_BOTH'][random.below(3)] }];
  }

  async #untilAcknowledged(subject, payload) {
    const began = performance.now();
    for (;;) {
      this.attempts++;
      try {
        const { seq, stream } = await this.js.publish(subject, payload, { timeout: 1000 });
        this.acknowledged.push({ stream, seq, subject, hash: hashOf(payload) });
        this.waits.push({ began, ms: performance.now() - began });
        return;
      } catch {
        await sleep(20);
      }
    }
  }
}

/** A stream's messages, from the first to the last, into a file as tests/truth/main.c reads it. Returns what each sequence holds. */
export async function dumpStream(connection, name, file) {
  const manager = await connection.jetstreamManager({ timeout: 10_000 });
  const { state } = await manager.streams.info(name), held = new Map(), fd = openSync(file, 'w');
  if (state.messages > 0) {
    const consumer = await connection.jetstream().consumers.get(name);
    const messages = await consumer.consume({ max_messages: 2000 });
    for await (const message of messages) {
      const tokens = message.reply.split('.'), at = tokens.length === 9 ? 7 : 9;
      const subject = Buffer.from(message.subject), head = Buffer.alloc(24);
      head.writeBigUInt64LE(BigInt(message.seq), 0);
      head.writeBigInt64LE(BigInt(tokens[at]), 8);
      head.writeUInt32LE(subject.length, 16);
      head.writeUInt32LE(message.data.length, 20);
      writeSync(fd, Buffer.concat([head, subject, message.data]));
      held.set(message.seq, { subject: message.subject, hash: hashOf(message.data) });
      if (message.seq >= state.last_seq) break;
    }
  }
  closeSync(fd);
  return { held, last: state.last_seq };
}

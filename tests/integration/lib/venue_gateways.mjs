// Gateways that are killed and started again, and clients that send orders through them: over the WebSocket and over HTTP. A client sends
// one order after the other, each again under its client order id until it is acknowledged, at the other gateway when its own is gone. What
// was acknowledged, and every report that came, is written down by npm's ws and by fetch, for judge() to hold against the venue's journal.
import WebSocket from 'ws';
import { readFileSync } from 'node:fs';
import { freePort } from './ports.mjs';
import { sleep, until } from './programs.mjs';
import { startGateway } from './gateway.mjs';
import { checkExeclog } from './venue.mjs';
import { seeded } from './venue_load.mjs';
import { decodeAs } from './wire.mjs';

const SESSION_CLOSED = 107, SESSION_LOST = 108; // docs/protocol.md
// What a gateway answers while it, or the stream behind it, is not there yet or no more: the order is sent again.
const AGAIN = new Set(['NOT_ACKNOWLEDGED', 'NOT_STORED', 'NO_DIRECTORY', 'BUSY']);
const PATIENCE_MS = 10_000; // for an answer: then the connection is given up

/** One of two gateways, always at the same port. `life` tells one process from the next. */
export class GatewayPlace {
  static async start(cluster, name, settings) {
    const self = new GatewayPlace();
    Object.assign(self, { cluster, name, settings, port: await freePort() });
    await self.start();
    return self;
  }

  async start() {
    this.program = await startGateway(this.cluster, [...this.settings, '--port', `${this.port}`]);
    ({ url: this.url, stream: this.stream } = this.program);
    this.life = { place: this.name, killed: false };
  }

  async kill() {
    this.life.killed = true;
    this.program.kill('SIGKILL');
    await this.program.ended;
  }
}

/** What clients of both kinds do: commands of an account, one after the other. */
class Sender {
  constructor({ name, account, symbols, places, seed, pauseMs = 60 }) {
    Object.assign(this, { name, account, symbols, places, pauseMs, random: seeded(seed), at: seed % places.length });
    this.acknowledged = []; // { kind, account, symbol, clientOrderId, correlationId, seq, index }
    this.waits = []; // { began, ms, refused }: the codes that came meanwhile
    this.faults = [];
    this.attempts = 0;
    this.stopped = false;
  }

  start() {
    this.running = this.#run();
    return this;
  }

  /** Nothing new; returns when what was sent is acknowledged. */
  stop() {
    this.stopped = true;
    return this.running;
  }

  /** The other gateway from now on. */
  turn() {
    this.at = (this.at + 1) % this.places.length;
  }

  async #run() {
    for (let number = 1; !this.stopped; number++) {
      await this.#untilAcknowledged(this.#request(number), number);
      await sleep(2 * this.pauseMs * this.random.next());
    }
  }

  #request(number) {
    const { random } = this, id = (n) => `${this.name}-${n}`, symbol = this.symbols[number % this.symbols.length];
    if (number > 6 && random.odds(0.2)) // of what may still be open: the last one of this symbol, or the one before
      return { op: 'order.cancel', symbol, client_order_id: id(number - this.symbols.length * (1 + random.below(2))) };
    const order = { op: 'order.new', symbol, client_order_id: id(number), side: random.odds(0.5) ? 'buy' : 'sell', quantity: `${1 + random.below(50)}` };
    if (this.sessions && random.odds(0.3)) return { ...order, side: 'buy', price: `9${random.below(10)}.00`, time_in_force: 'gtc', cancel_on_disconnect: true }; // rests
    return { ...order, price: (99.8 + random.below(40) / 100).toFixed(2), time_in_force: ['gtc', 'day', 'ioc', 'ioc'][random.below(4)] };
  }

  async #untilAcknowledged(request, number) {
    const began = performance.now(), refused = new Set();
    for (let attempt = 1; ; attempt++) {
      this.attempts++;
      const correlationId = `${this.name}.${number}.${attempt}`, answer = await this.ask({ ...request, account: this.account, correlation_id: correlationId });
      if (answer?.state === 'PENDING') {
        if (answer.correlation_id !== correlationId) this.faults.push(`${correlationId} was answered as ${answer.correlation_id}`);
        this.acknowledged.push({ kind: request.op === 'order.new' ? 'COMMAND_NEW_ORDER' : 'COMMAND_CANCEL', account: this.account, symbol: request.symbol,
          clientOrderId: request.client_order_id, correlationId, seq: Number(answer.seq), index: answer.index });
        this.waits.push({ began, ms: performance.now() - began, refused });
        return;
      }
      refused.add(answer?.code ?? 'no answer');
      if (answer && !AGAIN.has(answer.code)) this.faults.push(`${JSON.stringify(request)}: ${JSON.stringify(answer)}`);
      await sleep(20);
    }
  }
}

/** Orders by POST, cancels by order id; another gateway when one does not answer. */
export class HttpSender extends Sender {
  async ask({ op, ...order }) {
    const { url } = this.places[this.at];
    try {
      const target = op === 'order.new' ? `${url}/v1/orders` : `${url}/v1/orders/${this.#idOf(order)}?account=${order.account}&symbol=${order.symbol}`;
      const answer = await fetch(target, { method: op === 'order.new' ? 'POST' : 'DELETE', signal: AbortSignal.timeout(PATIENCE_MS),
        headers: { 'content-type': 'application/json', 'x-correlation-id': order.correlation_id }, ...(op === 'order.new' && { body: JSON.stringify(order) }) });
      const said = await answer.json();
      if ((answer.status === 202) !== (said.state === 'PENDING')) this.faults.push(`${answer.status} ${JSON.stringify(said)}`);
      if (said.error) this.turn();
      else if (op === 'order.new') (this.ids ??= new Map()).set(order.client_order_id, said.order_id);
      return said.error ?? said;
    } catch {
      this.turn();
      return null;
    }
  }

  #idOf({ client_order_id: name }) {
    return this.ids.get(name) ?? '1-1-0'; // that number was a cancel's: an order that never was
  }
}

/** Orders and reports over a WebSocket; after its end the other gateway, which is told the last report had. */
export class StreamSender extends Sender {
  sessions = true;
  executions = []; // as they came
  links = []; // { life, socket, answers, correlationIds, told, ended }
  had = { seq: 0n, n: 0 };

  async ask(request) {
    const link = await this.#linked();
    return link && this.#say(link, request);
  }

  async #linked() {
    if (this.link && !this.link.ended) return this.link;
    this.link = await this.#connect();
    if (!this.link) this.turn();
    return this.link;
  }

  async #connect() {
    const { life, stream } = this.places[this.at], link = { life, answers: new Map(), correlationIds: [], asked: 0 };
    link.socket = new WebSocket(stream, ['tickwire.json.v1'], { perMessageDeflate: false, handshakeTimeout: PATIENCE_MS });
    link.socket.on('error', () => {}).on('message', (data) => this.#take(link, JSON.parse(data.toString()))).on('close', (code, reason) => this.#closed(link, code, reason));
    await until('a greeting, or an end', () => link.greeted || link.ended);
    if (link.ended) return null;
    this.links.push(link);
    const resume = { [`exec.${this.account}`]: { 1: { seq: `${this.had.seq}`, n: this.had.n } } };
    const answer = await this.#say(link, { op: 'subscribe', subjects: [`exec.${this.account}`], resume });
    if (answer && answer.type !== 'ack') this.faults.push(`the subscription of ${this.account}: ${JSON.stringify(answer)}`);
    return answer ? link : null;
  }

  /** The answer; null: it never came. */
  async #say(link, request) {
    const id = ++link.asked, end = performance.now() + PATIENCE_MS;
    if (link.ended) return null;
    link.socket.send(JSON.stringify({ id, ...request }));
    link.correlationIds.push(request.correlation_id);
    await until('an answer', () => link.answers.has(id) || link.ended || performance.now() > end, 2 * PATIENCE_MS);
    if (!link.answers.has(id) && !link.ended) this.faults.push(`no answer within ${PATIENCE_MS} ms to ${JSON.stringify(request)}`);
    const answer = link.answers.get(id) ?? null;
    link.hasSession ||= request.cancel_on_disconnect === true && answer?.state === 'PENDING';
    return answer;
  }

  #take(link, message) {
    if (message.type === 'hello') link.greeted = true;
    else if (message.type === 'execution') this.#takeExecution(message);
    else if (message.id !== undefined) link.answers.set(message.id, message);
    else if (message.code === 'SESSION_LOST') link.told = true; // its gateway could not reach the stream for too long
    else if (message.type === 'error') this.faults.push(`${this.account} at ${link.life.place}: ${JSON.stringify(message)}`);
  }

  #takeExecution(message) {
    const seq = BigInt(message.seq), { n } = message;
    if (seq < this.had.seq || (seq === this.had.seq && n <= this.had.n)) this.faults.push(`${this.account}: ${message.execution_id} after ${this.had.seq}-${this.had.n}`);
    this.had = { seq, n };
    this.executions.push(message);
    this.reported?.();
  }

  #closed(link, code, reason) {
    link.ended = link.leaving ? 'left' : link.life.killed ? 'killed' : `${code} ${reason}`;
    if (link.greeted && !link.leaving && !link.life.killed) this.faults.push(`${this.account}: the connection to ${link.life.place} ended with ${link.ended}`);
    if (!link.leaving) this.turn();
  }

  /** Is it connected to this place, with orders that depend on it? */
  restsAt({ life }) {
    return this.link?.life === life && this.link.hasSession && !this.link.ended;
  }

  /** Connected, whether or not there is something to send. */
  stays() {
    return until(`${this.account} to be connected`, async () => (await this.#linked()) !== null);
  }

  async leave() {
    if (!this.link || this.link.ended) return;
    this.link.leaving = true;
    this.link.socket.close();
    await until('the connection to end', () => this.link.ended);
  }
}

/** The messages of a dump as lib/venue_load writes one: { seq, subject, data }. */
function* messagesOf(file) {
  const bytes = readFileSync(file);
  for (let at = 0; at < bytes.length;) {
    const subjectBytes = bytes.readUInt32LE(at + 16), length = bytes.readUInt32LE(at + 20), start = at + 24 + subjectBytes;
    yield { seq: Number(bytes.readBigUInt64LE(at)), subject: bytes.toString('utf8', at + 24, start), data: bytes.subarray(start, start + length) };
    at = start + length;
  }
}

function grouped(list, keyOf) {
  const groups = new Map();
  for (const one of list) {
    const key = keyOf(one), group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return groups;
}
const idOf = ({ seq, n }) => `1-${seq}-${n}`;

/** Holds what clients of gateways saw against dumps of the order stream and of execlog. { faults: sentences, figures }. */
export function judge(senders, files) {
  const accounts = new Set(senders.map(({ account }) => account)), commands = new Map(); // "seq index" -> command
  for (const { seq, subject, data } of messagesOf(files.orders))
    if (subject.startsWith('orderbatch.'))
      for (const [index, command] of decodeAs('OrderBatch', data).commands.entries()) if (accounts.has(command.account)) commands.set(`${seq} ${index}`, command);
  const { reports } = checkExeclog([...messagesOf(files.execlog)].map(({ data }) => decodeAs('ExecutionBatch', data)));
  const ours = reports.filter(({ name }) => accounts.has(name));
  const faults = [...senders.flatMap((sender) => sender.faults), ...acknowledgedFaults(senders, commands, ours), ...historyFaults(ours), ...deliveryFaults(senders, ours)];
  const sessions = sessionFaults(senders, commands, ours);
  return { faults: [...faults, ...sessions.faults], figures: { acknowledged: senders.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0),
    attempts: senders.reduce((sum, { attempts }) => sum + attempts, 0), delivered: senders.reduce((sum, { executions = [] }) => sum + executions.length, 0),
    links: senders.reduce((sum, { links = [] }) => sum + links.length, 0), ...sessions.figures } };
}

/** Each acknowledgement names a place in the stream, where the command is, and execlog has exactly one answer to it. What is nowhere in the
 * stream was lost by nats-server, if the gateway had its acknowledgement. */
function acknowledgedFaults(senders, commands, reports) {
  const answers = grouped(reports, ({ seq, index }) => `${seq} ${index}`), faults = [], somewhere = new Set([...commands.values()].map(({ correlationId }) => correlationId));
  for (const { name, acknowledged } of senders)
    for (const one of acknowledged) {
      const place = `${one.seq} ${one.index}`, command = commands.get(place), what = `${name}: ${one.clientOrderId} (${one.correlationId}), acknowledged at ${place}`;
      if (command?.correlationId !== one.correlationId || command.kind !== one.kind || command.account !== one.account || command.symbol !== one.symbol)
        faults.push(`${what}, is ${somewhere.has(one.correlationId) ? 'not there' : 'nowhere in the stream'}; there is ${JSON.stringify(command, (_, value) => (typeof value === 'bigint' ? `${value}` : value))}`);
      const kinds = one.kind === 'COMMAND_CANCEL' ? ['REPORT_CANCELLED', 'REPORT_CANCEL_REJECTED'] : ['REPORT_ACCEPTED', 'REPORT_REJECTED'];
      // What falls due with a message's time, such as the end of a session, is told under the message's first command.
      const told = (answers.get(place) ?? []).filter(({ kind, name: account, reason }) => account === one.account && kinds.includes(kind) && ![SESSION_CLOSED, SESSION_LOST].includes(reason));
      const direct = one.kind === 'COMMAND_CANCEL' ? told : told.filter(({ clientOrderId }) => clientOrderId === one.clientOrderId);
      if (direct.length !== 1) faults.push(`${what}, has ${direct.length} answers in execlog`);
    }
  return faults;
}

/** Each client order id became one order, or one refusal; an order begins with its acceptance, and nothing happens to it after its end. */
function historyFaults(reports) {
  const faults = [], first = reports.filter(({ kind, duplicate }) => !duplicate && ['REPORT_ACCEPTED', 'REPORT_REJECTED'].includes(kind));
  for (const [name, all] of grouped(first, ({ name, symbol, clientOrderId }) => `${name} ${symbol} ${clientOrderId}`))
    if (all.length !== 1) faults.push(`${name} began ${all.length} times: ${all.map(idOf)}`);
  const happened = reports.filter(({ duplicate, orderId, kind }) => !duplicate && orderId !== 0n && !['REPORT_CANCEL_REJECTED', 'REPORT_REPLACE_REJECTED', 'REPORT_REJECTED'].includes(kind));
  for (const [order, all] of grouped(happened, ({ orderId }) => orderId)) {
    const ended = all.findIndex(({ status }) => ['STATUS_FILLED', 'STATUS_CANCELLED'].includes(status)), filled = all.reduce((sum, { lastQuantity }) => sum + lastQuantity, 0n);
    if (all[0].kind !== 'REPORT_ACCEPTED') faults.push(`order ${order} begins with ${all[0].kind} ${idOf(all[0])}`);
    if (ended >= 0 && ended !== all.length - 1) faults.push(`order ${order} has ended with ${idOf(all[ended])}, and ${idOf(all[ended + 1])} follows`);
    if (all.at(-1).executed !== filled) faults.push(`order ${order} executed ${all.at(-1).executed}, its fills are ${filled}`);
  }
  return faults;
}

/** Who listened was told every report of its account, once and in order, over all its connections. */
function deliveryFaults(senders, reports) {
  const faults = [], byAccount = grouped(reports, ({ name }) => name);
  for (const { account, executions } of senders.filter((sender) => sender.executions)) {
    const due = (byAccount.get(account) ?? []).map(idOf), told = executions.map(({ execution_id: id }) => id);
    const at = due.findIndex((id, i) => id !== told[i]);
    if (at >= 0 || told.length !== due.length) faults.push(`${account} was told ${told.length} reports of ${due.length}; from ${at}: ${told.slice(at, at + 3)}, execlog has ${due.slice(at, at + 3)}`);
  }
  return faults;
}

/** Sessions of a gateway that was killed are lost, with all their orders; no other session is, but one whose client was told that. */
function sessionFaults(senders, commands, reports) {
  const faults = [], linkOf = new Map(); // correlation id -> the connection it was sent on
  for (const { links = [] } of senders) for (const link of links) for (const id of link.correlationIds) linkOf.set(id, link);
  const sessions = new Map(); // id -> connection
  for (const { kind, session, correlationId } of commands.values())
    if (kind === 'COMMAND_NEW_ORDER' && session !== 0n && linkOf.has(correlationId)) {
      if ((sessions.get(session) ?? linkOf.get(correlationId)) !== linkOf.get(correlationId)) faults.push(`session ${session} is of two connections`);
      sessions.set(session, linkOf.get(correlationId));
    }
  const orders = grouped(reports.filter(({ orderId, duplicate }) => orderId !== 0n && !duplicate), ({ orderId }) => orderId);
  let lost = 0, closed = 0, stayed = 0, told = 0;
  for (const [order, all] of orders) {
    const command = commands.get(`${order >> 16n} ${order & 0xffffn}`), link = sessions.get(command?.session), last = all.filter(({ status }) => status !== 'STATUS_NONE').at(-1);
    const ending = all.find(({ kind, reason }) => kind === 'REPORT_CANCELLED' && [SESSION_CLOSED, SESSION_LOST].includes(reason)), what = `order ${order} (${command?.clientOrderId}, ${command?.correlationId})`;
    lost += ending?.reason === SESSION_LOST;
    told += ending?.reason === SESSION_LOST && link?.ended !== 'killed';
    closed += ending?.reason === SESSION_CLOSED;
    stayed += !ending && last?.status === 'STATUS_OPEN';
    if (ending && !link) faults.push(`${what} has no session and was cancelled with one: ${ending.reason}`);
    else if (ending?.reason === SESSION_LOST && link.ended !== 'killed' && !link.told) faults.push(`${what} was cancelled with SESSION_LOST; its connection: ${link.ended ?? 'is there'}`);
    else if (ending?.reason === SESSION_CLOSED && link.ended !== 'left') faults.push(`${what} was cancelled with SESSION_CLOSED; its connection: ${link.ended ?? 'is there'}`);
    else if (link?.ended && last?.status === 'STATUS_OPEN') faults.push(`${what} is open; its connection: ${link.ended}`);
  }
  return { faults, figures: { sessions: sessions.size, lost, told, closed, stayed } };
}

// The connection that is kept up, with sockets and a clock of the test's own; and what is subscribed over it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../../gateways/dashboard/stream/backoff.js';
import { Connection } from '../../gateways/dashboard/stream/connection.js';
import { ServerClock } from '../../gateways/dashboard/stream/server_clock.js';
import { NO_FEED, SIGN_IN, standingOf } from '../../gateways/dashboard/stream/standing.js';
import { Subscriptions } from '../../gateways/dashboard/stream/subscriptions.js';

class Stage {
  constructor(options = {}) {
    this.time = 1_000_000;
    this.sockets = [];
    this.messages = [];
    this.phases = [];
    this.connection = new Connection({
      url: 'ws://here/v1/stream', now: () => this.time, random: () => 0.5, onMessage: (message) => this.messages.push(message),
      onPhase: () => this.phases.push(`${this.connection.phase}${this.connection.silent ? ' silent' : ''}`),
      open: () => {
        const socket = { sent: [], closed: false, send: (text) => socket.sent.push(JSON.parse(text)), close: () => (socket.closed = true) };
        this.sockets.push(socket);
        return socket;
      }, ...options,
    });
  }

  get socket() {
    return this.sockets.at(-1);
  }

  hear(message) {
    this.socket.onmessage({ data: typeof message === 'string' ? message : JSON.stringify(message) });
  }

  greet() {
    this.hear({ type: 'hello', heartbeat_ms: 5000, limits: {} });
  }

  pass(ms, step = 250) {
    for (let left = ms; left > 0; left -= step) {
      this.time += Math.min(step, left);
      this.connection.tick();
    }
  }
}

test('it is open once it is greeted, and pings at once', () => {
  const stage = new Stage();
  stage.connection.start();
  assert.equal(stage.connection.phase, 'connecting');
  assert.equal(stage.connection.send({ op: 'ping' }), false);
  stage.greet();
  assert.ok(stage.connection.live);
  assert.equal(stage.socket.sent[0].op, 'ping');
});

test('a token goes first, before anything is subscribed', () => {
  const stage = new Stage();
  stage.connection.onPhase = () => stage.connection.send({ op: 'subscribe' });
  stage.connection.token = 'secret';
  stage.connection.start();
  stage.greet();
  assert.deepEqual(stage.socket.sent.map((request) => request.op), ['auth', 'subscribe', 'ping']);
  assert.equal(stage.socket.sent[0].token, 'secret');
});

test('when the end comes it tries again, ever later, spread at random', () => {
  const stage = new Stage();
  stage.connection.start();
  const waits = [];
  for (let i = 0; i < 8; i++) {
    stage.socket.onclose({ code: 1006, reason: '' });
    assert.equal(stage.connection.phase, 'waiting');
    waits.push(stage.connection.retryAt - stage.time);
    stage.pass(waits.at(-1) + 250);
    assert.equal(stage.sockets.length, i + 2);
  }
  for (let i = 1; i < waits.length; i++) assert.ok(waits[i] >= waits[i - 1]);
  assert.ok(waits[0] < 400 && waits.at(-1) <= 15_000, waits.join());
  stage.greet();
  stage.socket.onclose({ code: 1006, reason: '' });
  assert.equal(stage.connection.retryAt - stage.time, waits[0]);
});

test('it comes back when the server asked for it', () => {
  const stage = new Stage();
  stage.connection.start();
  stage.greet();
  stage.hear({ type: 'closing', reason: 'told to stop', reconnect_after_ms: 2345 });
  stage.socket.onclose({ code: 1001, reason: '' });
  assert.equal(stage.connection.retryAt - stage.time, 2345);
  assert.match(stage.connection.reason, /told to stop/);
});

test('a server that says nothing is not live after three seconds, and given up after ten', () => {
  const stage = new Stage();
  stage.connection.start();
  stage.greet();
  stage.pass(2750);
  assert.ok(stage.connection.live);
  stage.pass(500);
  assert.ok(stage.connection.silent && !stage.connection.live);
  stage.hear({ type: 'heartbeat' });
  assert.ok(stage.connection.live);
  stage.pass(10_500);
  assert.equal(stage.sockets[0].closed, true);
  assert.notEqual(stage.connection.phase, 'open');
  assert.equal(stage.connection.counts.lost, 1);
});

test('whatever an earlier socket still says is not heard', () => {
  const stage = new Stage();
  stage.connection.start();
  stage.greet();
  const first = stage.socket;
  stage.connection.start();
  first.onmessage({ data: '{"type":"heartbeat"}' });
  first.onclose({ code: 1006, reason: '' });
  assert.equal(stage.connection.phase, 'connecting');
  assert.deepEqual(stage.messages, []);
});

test('a refusal (4401) waits for a token instead of trying again', () => {
  const stage = new Stage();
  stage.connection.start();
  stage.socket.onclose({ code: 4401, reason: 'the token has expired' });
  stage.pass(60_000);
  assert.deepEqual([stage.connection.phase, stage.connection.reason, stage.sockets.length], ['refused', 'the token has expired', 1]);
  stage.connection.authenticate('another');
  assert.equal(stage.sockets.length, 2);
});

test('what is not JSON is counted and passed over', () => {
  const stage = new Stage();
  stage.connection.start();
  stage.greet();
  stage.hear('{"type":');
  assert.equal(stage.connection.counts.malformed, 1);
  assert.ok(stage.connection.live);
});

test('the server\'s clock is known to half of the quickest round trip', () => {
  const clock = new ServerClock();
  assert.equal(clock.offset, undefined);
  clock.take(1000, 1100, 5050); // there and back in 100: 4000 ahead, give or take 50
  assert.deepEqual([clock.offset, clock.uncertainty], [4000, 50]);
  clock.take(2000, 2010, 6004); // quicker, so better
  assert.deepEqual([clock.offset, clock.uncertainty, clock.roundTrip], [3999, 5, 10]);
  clock.take(3000, 3400, 7100);
  assert.deepEqual([clock.offset, clock.roundTrip], [3999, 400]);
  clock.take(70_000, 70_400, 74_300); // the quick one is more than a minute old
  assert.equal(clock.offset, 4100);
});

test('waiting times stay between half of the bound and the bound', () => {
  const low = new Backoff({ first: 100, most: 1000, random: () => 0 }), high = new Backoff({ first: 100, most: 1000, random: () => 1 });
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => [low.next(), high.next()]), [[50, 100], [100, 200], [200, 400], [400, 800], [500, 1000], [500, 1000]]);
  assert.equal(low.next(7), 7);
});

class Asked {
  constructor(options = {}) {
    this.sent = [];
    this.up = true;
    this.refused = [];
    this.taken = [];
    this.subscriptions = new Subscriptions({
      send: (request) => this.up && (this.sent.push(request), true), onRefused: (subject, { code }) => this.refused.push(`${subject} ${code}`),
      onTaken: (subject, resumed) => this.taken.push(`${subject}${resumed ? ' resumed' : ''}`), ...options,
    });
  }

  flush(now = 0) {
    this.sent.length = 0;
    this.subscriptions.flush(now);
    return this.sent;
  }

  answer(request, answer = { type: 'ack' }) {
    return this.subscriptions.take({ id: request.id, ...answer });
  }
}

test('wishes of a kind share a request, different ones do not, and no request is longer than 64 subjects', () => {
  const asked = new Asked();
  for (let i = 0; i < 100; i++) asked.subscriptions.want(`XNAS.S${i}.quote`, { interval_ms: 100 });
  asked.subscriptions.want('XNAS.S1.orderbook', { depth: 20 });
  const sent = asked.flush();
  assert.deepEqual(sent.map(({ subjects, depth, interval_ms }) => [subjects.length, depth, interval_ms]), [[64, 10, 100], [36, 10, 100], [1, 20, 0]]);
  assert.deepEqual(asked.flush(1000), []);
});

test('a new connection is told everything again, going on where it was', () => {
  const asked = new Asked({ resumePoint: (subject) => (subject === 'XNAS.A.orderbook' ? { epoch: 'e', seq: '7', depth: 10 } : undefined) });
  asked.subscriptions.want('XNAS.A.orderbook');
  asked.subscriptions.want('XNAS.A.quote');
  asked.flush();
  asked.subscriptions.reset();
  const [request] = asked.flush(1000);
  assert.deepEqual(request.resume, { 'XNAS.A.orderbook': { epoch: 'e', seq: '7', depth: 10 } });
  asked.answer(request);
  assert.deepEqual(asked.taken, ['XNAS.A.orderbook resumed', 'XNAS.A.quote']);
});

test('what the server knows nothing of is not gone on with', () => {
  const asked = new Asked({ resumePoint: () => ({ epoch: 'e', seq: '7', depth: 10 }) });
  for (const subject of ['XNAS.A.orderbook', 'XNAS.B.orderbook']) asked.subscriptions.want(subject);
  asked.flush();
  asked.subscriptions.reset();
  const [request] = asked.flush(1000);
  asked.answer(request, { type: 'ack', unknown: ['XNAS.B.orderbook'] });
  assert.deepEqual(asked.taken, ['XNAS.A.orderbook resumed', 'XNAS.B.orderbook']);
});

test('what was left and is wanted again on one connection begins with a snapshot: what was on its way then may still come', () => {
  const asked = new Asked({ resumePoint: () => ({ epoch: 'e', seq: '7', depth: 10 }) });
  asked.subscriptions.want('XNAS.A.orderbook');
  asked.answer(asked.flush()[0]);
  asked.subscriptions.drop('XNAS.A.orderbook');
  asked.subscriptions.want('XNAS.A.orderbook'); // in haste: the server does not know that it was left
  assert.deepEqual(asked.flush(1000).map(({ op, resume }) => [op, resume]), [['subscribe', undefined]]);
  asked.subscriptions.drop('XNAS.A.orderbook');
  assert.deepEqual(asked.flush(2000).map(({ op }) => op), ['unsubscribe']);
  asked.subscriptions.want('XNAS.A.orderbook');
  assert.deepEqual(asked.flush(3000).map(({ op, resume }) => [op, resume]), [['subscribe', undefined]]);
});

test('after a fault one snapshot is asked for, without resuming, and again only when it does not come', () => {
  const asked = new Asked({ resumePoint: () => ({ epoch: 'e', seq: '7' }) });
  asked.subscriptions.want('XNAS.A.quote');
  asked.answer(asked.flush(0)[0]);
  for (let i = 0; i < 5; i++) asked.subscriptions.again('XNAS.A.quote', 1000);
  const sent = asked.flush(1000);
  assert.deepEqual([sent.length, sent[0].resume], [1, undefined]);
  asked.subscriptions.again('XNAS.A.quote', 2000);
  assert.equal(asked.flush(2000).length, 0);
  asked.subscriptions.again('XNAS.A.quote', 4500);
  assert.equal(asked.flush(4500).length, 1);
  asked.subscriptions.arrived('XNAS.A.quote');
  asked.subscriptions.again('XNAS.A.quote', 4600);
  assert.equal(asked.flush(4600).length, 1);
  asked.subscriptions.again('XNAS.GONE.quote', 4600);
  assert.equal(asked.flush(4700).length, 0);
});

test('one subject that is refused does not keep out the others of its request', () => {
  const asked = new Asked();
  for (const subject of ['XNAS.A.quote', 'XETR.B.quote', 'XNAS.C.quote']) asked.subscriptions.want(subject);
  asked.answer(asked.flush(0)[0], { type: 'error', code: 'FORBIDDEN', message: 'no' });
  const sent = [...asked.flush(1000)];
  assert.equal(sent.length, 3);
  for (const request of sent) asked.answer(request, request.subjects[0].startsWith('XETR') ? { type: 'error', code: 'FORBIDDEN', message: 'no' } : { type: 'ack' });
  assert.deepEqual([asked.taken, asked.refused], [['XNAS.A.quote', 'XNAS.C.quote'], ['XETR.B.quote FORBIDDEN']]);
  assert.equal(asked.flush(2000).length, 0);
  asked.subscriptions.reset(); // somebody else may have signed in
  assert.equal(asked.flush(3000).flatMap((request) => request.subjects).length, 3);
});

test('what may well be refused is asked for apart, and only once', () => {
  const asked = new Asked();
  for (const name of ['A', 'B']) asked.subscriptions.want(`XNAS.${name}.candle.1d`, { optional: true });
  asked.subscriptions.want('XNAS.A.quote');
  const [candles, quote] = [...asked.flush(0)].sort((a, b) => b.subjects.length - a.subjects.length);
  asked.answer(candles, { type: 'error', code: 'BAD_SUBJECT', message: 'no' });
  asked.answer(quote);
  assert.deepEqual([asked.refused.length, asked.taken, asked.flush(1000)], [2, ['XNAS.A.quote'], []]);
});

test('who asks too fast slows down and asks again', () => {
  const asked = new Asked();
  asked.subscriptions.want('XNAS.A.quote');
  asked.answer(asked.flush(0)[0], { type: 'error', code: 'TOO_FAST', message: 'slow down' });
  assert.equal(asked.flush(1).length, 0);
  assert.equal(asked.flush(500).length, 1);
});

test('what is not wanted any more is unsubscribed; what never was asked for need not be', () => {
  const asked = new Asked();
  asked.subscriptions.want('XNAS.A.quote');
  asked.subscriptions.want('XNAS.B.quote');
  asked.answer(asked.flush(0)[0]);
  asked.subscriptions.drop('XNAS.A.quote');
  asked.subscriptions.want('XNAS.C.quote');
  asked.subscriptions.drop('XNAS.C.quote');
  const [request, ...more] = asked.flush(1000);
  assert.deepEqual([request.op, request.subjects, more], ['unsubscribe', ['XNAS.A.quote'], []]);
  assert.ok(asked.answer(request));
});

test('an update before the first snapshot is asked about only once the server has taken the wish', () => {
  const asked = new Asked();
  asked.subscriptions.want('XNAS.A.quote');
  const [request] = asked.flush(0);
  asked.subscriptions.early('XNAS.A.quote', 0);
  assert.equal(asked.flush(1).length, 0);
  asked.answer(request);
  asked.subscriptions.early('XNAS.A.quote', 2);
  assert.equal(asked.flush(1000).length, 1);
});

test('without a connection nothing is lost', () => {
  const asked = new Asked();
  asked.up = false;
  asked.subscriptions.want('XNAS.A.quote');
  assert.deepEqual(asked.flush(0), []);
  asked.up = true;
  assert.equal(asked.flush(250).length, 1);
});

test('the page is live where data is heard, and nowhere else', () => {
  const open = { phase: 'open', silent: false, since: 0, clock: {} }, heard = { heard: true, nothingGiven: false, user: undefined }, quiet = { ...heard, heard: false };
  for (const [connection, about, ...wanted] of [
    [open, heard, 'good', 'Live', undefined], [{ ...open, clock: { roundTrip: 2 } }, heard, 'good', 'Live 2.00 ms', undefined],
    [open, quiet, 'fair', 'Connected, no data', NO_FEED], [{ ...open, since: 9000 }, quiet, 'fair', 'Connected', undefined],
    [open, { ...quiet, nothingGiven: true }, 'fair', 'Signed out', SIGN_IN], [open, { ...quiet, nothingGiven: true, user: 'ann' }, 'fair', 'Connected, no data', undefined],
    [{ ...open, silent: true }, heard, 'fair', 'Silent', undefined], [{ ...open, phase: 'connecting' }, quiet, 'fair', 'Connecting', undefined],
    [{ ...open, phase: 'waiting', retryAt: 12_300 }, heard, 'bad', 'Away, again in 3 s', undefined], [{ ...open, phase: 'refused' }, quiet, 'bad', 'Signed out', undefined]]) {
    const { kind, text, note } = standingOf(connection, about, 10_000);
    assert.deepEqual([kind, text, note], wanted);
  }
});

test('nothing is given once all that is wanted was refused', () => {
  const requests = [], subscriptions = new Subscriptions({ send: (request) => requests.push(request) });
  assert.equal(subscriptions.nothingGiven, false);
  for (const subject of ['feed.>', 'XNAS.A.quote']) subscriptions.want(subject);
  const refuse = ({ id }) => subscriptions.take({ type: 'error', code: 'FORBIDDEN', id, message: 'not entitled' });
  subscriptions.flush(0);
  refuse(requests[0]); // both in one request: each is asked for by itself
  assert.equal(subscriptions.nothingGiven, false);
  subscriptions.flush(0);
  requests.slice(1).forEach(refuse);
  assert.equal(subscriptions.nothingGiven, true);
  subscriptions.reset();
  assert.equal(subscriptions.nothingGiven, false);
});

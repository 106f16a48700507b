// An exchange whose feed has two partitions, and what HTTP says of it while both live, one is dead, and one says nothing: whether there
// is such an instrument, the directory, and who gets to ask.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { Answers } from './lib/documents.mjs';
import { startGateway } from './lib/gateway.mjs';
import { newKey, signed } from './lib/issuer.mjs';
import * as itch from './lib/itch.mjs';
import { MoldSender } from './lib/mold_sender.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, folder, sleep, startIngest, until } from './lib/programs.mjs';
import { parsePrometheus, valueOf } from './lib/prometheus.mjs';
import { Subscriber } from './lib/subscriber.mjs';

const SYMBOLS = [['AAPL', 'MSFT'], ['TSLA']]; // of each partition

async function get(gateway, where, headers = {}) {
  const response = await fetch(`${gateway.url}${where}`, { headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) };
}
const codeOf = ({ status, json }) => [status, json.error?.code];

/** The answer, once it fits: on a busy machine a partition that lives may miss the gateway's two seconds. */
async function eventually(gateway, where, fits) {
  let answer;
  await until(() => `${where} to be answered well; it said ${answer?.status} ${answer?.text}`, async () => fits(answer = await get(gateway, where)));
  return answer;
}
const is = (status, code) => (answer) => `${codeOf(answer)}` === `${[status, code]}`;

/** One partition: its exchange's sender and its ingest. */
class Partition {
  static async start(nats, number) {
    const self = Object.assign(new Partition(), { nats, number });
    self.port = await freePort();
    await self.launch();
    return self;
  }

  /** From the first message on, as an ingest that is started again hears what its exchange repeats. */
  async launch() {
    this.sender?.close();
    this.ingest = await startIngest(this.nats, ['--source', `udp://127.0.0.1:${this.port}`, '--session-date', '2020-01-30', '--silence', '1h',
      '--partition', `${this.number}`, '--partitions', `${SYMBOLS.length}`]);
    await this.ingest.says(/"listening"/);
    this.sender = await MoldSender.open(this.port);
    const symbols = SYMBOLS[this.number - 1];
    await this.sender.send(itch.system('O'), ...symbols.flatMap((symbol, i) => [itch.directory(i + 1, symbol), itch.add(i + 1, symbol, i + 1, 'B', 100, 10000)]));
  }

  async stop() {
    this.sender.close();
    await this.ingest.stop('SIGKILL');
  }
}

/** A gateway, and both partitions as it hears them. */
async function sceneOf(t, settings = []) {
  const nats = await NatsServer.start(), partitions = [];
  const subscriber = await Subscriber.connect(nats, ['feed.>']);
  const gateway = await startGateway(nats, settings);
  t.after(async () => {
    await Promise.all([gateway.stop(), subscriber.close(), ...partitions.map((one) => one.stop())]);
    await nats.stop();
  });
  for (let number = 1; number <= SYMBOLS.length; number++) partitions.push(await Partition.start(nats, number));
  const told = async () => symbolsOf(await get(gateway, '/v1/instruments?exchange=XNAS'));
  await until('both partitions to be there', async () => `${await told()}` === 'AAPL,MSFT,TSLA');
  return { nats, gateway, partitions };
}
const symbolsOf = ({ json }) => (json.instruments ?? []).map(({ symbol }) => symbol).sort();
const feedsSilent = async (gateway, count) => until(`${count} feeds to be silent`, async () => (await get(gateway, '/readyz')).json.feeds_silent === count);

test('a symbol that no partition has is not found, and one that either has is', async (t) => {
  const { gateway } = await sceneOf(t, ['--feed-silence', '1h']);
  for (const symbol of SYMBOLS.flat()) {
    assert.equal((await eventually(gateway, `/v1/book/XNAS/${symbol}`, is(200))).json.symbol, symbol);
    assert.equal((await eventually(gateway, `/v1/last/XNAS/${symbol}`, is(200))).json.bid, '1.0000');
  }
  for (const where of ['/v1/book/XNAS/NOSUCH', '/v1/last/XNAS/NOSUCH']) await eventually(gateway, where, is(404, 'NOT_FOUND'));
  const kinds = ({ json }) => `${json.values.map((one) => one.error?.code ?? one.symbol)}`;
  await eventually(gateway, '/v1/last/XNAS?symbols=AAPL,NOSUCH,TSLA', (answer) => kinds(answer) === 'AAPL,NOT_FOUND,TSLA');
  const whole = await eventually(gateway, '/v1/instruments?exchange=XNAS', (answer) => `${symbolsOf(answer)}` === 'AAPL,MSFT,TSLA');
  assert.deepEqual([whole.json.missing_partitions, whole.headers.get('cache-control')], [undefined, 'private, max-age=5']);
});

test('a dead partition is named: what the others have is answered, what it may have is not called unknown, until it is back', async (t) => {
  const { gateway, partitions } = await sceneOf(t), [first, second] = partitions;
  const answers = new Answers((await get(gateway, '/v1/openapi.json')).json);
  await second.ingest.stop('SIGKILL');
  const look = async (template, where, fits) => {
    const answer = await eventually(gateway, where, fits);
    assert.equal(answers.faultsOf(template, `${answer.status}`, answer.headers, answer.text), undefined);
    return answer;
  };
  const BOOK = '/v1/book/{mic}/{symbol}', LAST = '/v1/last/{mic}/{symbol}', LISTED = '/v1/instruments?exchange=XNAS';
  const missesTheSecond = (answer) => is(504, 'TIMEOUT')(answer) && /XNAS's partition 2$/.test(answer.json.error.message);
  const all = async () => {
    await look(BOOK, '/v1/book/XNAS/AAPL', is(200));
    for (const [template, where] of [[BOOK, '/v1/book/XNAS/NOSUCH'], [BOOK, '/v1/book/XNAS/TSLA'], [LAST, '/v1/last/XNAS/NOSUCH']]) await look(template, where, missesTheSecond);
    await look('/v1/last/{mic}', '/v1/last/XNAS?symbols=MSFT,TSLA', ({ json }) => `${json.values.map((one) => one.error?.code ?? one.symbol)}` === 'MSFT,TIMEOUT');
    const part = await look('/v1/instruments', LISTED, (answer) => `${symbolsOf(answer)}` === 'AAPL,MSFT');
    assert.deepEqual([part.json.missing_partitions, part.headers.get('cache-control')], [[2], 'no-store']);
  };
  await all(); // it is waited for
  await feedsSilent(gateway, 1);
  await all(); // it is not
  const late = await startGateway(first.nats); // which never heard it
  t.after(() => late.stop());
  await until('the first partition to be heard', async () => (await get(late, '/readyz')).json.feeds === 1);
  const part = await eventually(late, LISTED, (answer) => `${symbolsOf(answer)}` === 'AAPL,MSFT');
  assert.deepEqual(part.json.missing_partitions, [2]);
  await eventually(late, '/v1/book/XNAS/NOSUCH', missesTheSecond);
  await second.launch();
  const whole = await eventually(gateway, LISTED, (answer) => `${symbolsOf(answer)}` === 'AAPL,MSFT,TSLA' && answer.json.missing_partitions === undefined);
  assert.equal(whole.headers.get('cache-control'), 'private, max-age=5');
  await eventually(gateway, '/v1/book/XNAS/NOSUCH', is(404, 'NOT_FOUND'));
  await Promise.all(partitions.map((one) => one.ingest.freeze()));
  const nothing = await look('/v1/instruments', LISTED, is(504, 'TIMEOUT'));
  assert.match(nothing.json.error.message, /partition 1, 2$/);
});

test('who asks for what nobody answers leaves others room to ask, and is told', async (t) => {
  const CROWD = 400, SHARE = 256;
  const key = await newKey('HS256'), secret = path.join(folder, 'partitions-secret');
  writeFileSync(secret, key.secret);
  // Its silence is not known for long enough that all of the crowd wait for it.
  const { gateway, partitions } = await sceneOf(t, ['--feed-silence', '1h', '--auth-secret', secret, '--max-clients', '2000']);
  const answers = new Answers((await get(gateway, '/v1/openapi.json')).json), metric = async (name) => valueOf(parsePrometheus(await (await fetch(`${gateway.url}/metrics`)).text()), `tickwire_gateway_${name}`);
  const ann = { authorization: `Bearer ${await signed(key, { sub: 'ann', tickwire_subjects: ['XNAS.>'] })}` };
  await partitions[1].ingest.freeze();
  const crowds = { address: {}, ann };
  const askFrom = (localAddress, headers) => new Promise((resolve, reject) => {
    http.get({ port: gateway.port, host: '127.0.0.1', path: '/v1/book/XNAS/NOSUCH', agent: false, localAddress, headers }, (response) => {
      let text = '';
      response.on('data', (bytes) => (text += bytes)).on('end', () => resolve({ status: response.statusCode, headers: new Headers(response.headers), json: JSON.parse(text), text }));
    }).on('error', reject);
  });
  for (const [name, headers] of Object.entries(crowds)) {
    const before = await metric('questions_refused_share_total'), ends = new Map(); // of each code one
    let over = false;
    const ask = async () => {
      for (; !over; await sleep(20)) {
        const answer = await askFrom('127.0.0.1', headers);
        ends.set(`${codeOf(answer)}`, answer);
      }
    };
    const crowd = Array.from({ length: CROWD }, ask);
    await until(`the crowd (${name}) to be too many`, async () => await metric('questions_refused_share_total') > before);
    // Others are asked for, whether there is an answer or not.
    assert.deepEqual(codeOf(await askFrom('127.0.0.2', {})), [504, 'TIMEOUT'], name);
    await until('somebody else to be answered', async () => (await get(gateway, '/v1/book/XNAS/AAPL', name === 'ann' ? {} : ann)).status === 200);
    const underWay = await metric('questions');
    over = true;
    await Promise.all(crowd);
    assert.ok(underWay <= SHARE, `${underWay} of ${name} were under way`);
    assert.deepEqual([...ends.keys()].sort(), ['429,TOO_MANY', '504,TIMEOUT'], name);
    const { headers: told, text } = ends.get('429,TOO_MANY');
    assert.equal(answers.faultsOf('/v1/book/{mic}/{symbol}', '429', told, text), undefined);
  }
  await until('no question to be left', async () => (await metric('questions')) === 0);
  partitions[1].ingest.kill('SIGCONT');
  await eventually(gateway, '/v1/book/XNAS/NOSUCH', is(404, 'NOT_FOUND'));
});

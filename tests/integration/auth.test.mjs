// Who may come in and read what: tokens that npm's jose signed, by every way that a client can bring one.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { StreamClient, gatewayProgram, startGateway } from './lib/gateway.mjs';
import { AUDIENCE, Issuer, newKey, signed } from './lib/issuer.mjs';
import { freePort } from './lib/ports.mjs';
import { NatsServer, Program, folder, launchIngest, run, startTickwire, until } from './lib/programs.mjs';
import { parsePrometheus } from './lib/prometheus.mjs';
import { Subscriber } from './lib/subscriber.mjs';

let nats, ingest, feed, symbols;

before(async () => {
  nats = await NatsServer.start();
  const where = `udp://239.255.41.37:${await freePort()}@127.0.0.1`;
  const witness = await Subscriber.connect(nats, ['XNAS.*.orderbook'], {});
  ingest = launchIngest(nats, ['--source', where, '--session-date', '2020-01-30', '--silence', '1h']);
  await ingest.says(/"leads/);
  feed = startTickwire('serve-feed', '--simulate', '--symbols', '5', '--messages', '1M', '--seed', '7', '--to', where,
    '--rate', '500', '--wait', '500ms', '--heartbeat', '50ms', '--session', 'DAY1');
  await until('the feed to begin', () => witness.books.size === 5);
  symbols = [...witness.books.keys()].map((subject) => subject.split('.')[1]).sort();
  await witness.close();
});

after(async () => {
  await Promise.all([feed?.stop('SIGKILL'), ingest?.stop('SIGKILL')]);
  await nats?.stop();
});

const orNothing = async (response) => ({ status: response.status, challenge: response.headers.get('www-authenticate'), text: await response.text(), headers: response.headers });
const get = async (gateway, where, headers = {}) => orNothing(await fetch(`${gateway.url}${where}`, { headers }));
const bearer = (token) => ({ authorization: `Bearer ${token}` });
const book = (symbol) => `/v1/book/XNAS/${symbol}`;
const metric = async (gateway, name, labels = {}) => {
  const samples = parsePrometheus((await get(gateway, '/metrics')).text).get(`tickwire_gateway_${name}`).samples;
  return samples.find((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value)).value;
};
const readyOf = async (gateway) => JSON.parse((await get(gateway, '/readyz')).text).auth;

const secrets = [];
const fileOf = (name, text) => {
  const file = path.join(mkdtempSync(path.join(folder, 'keys-')), name);
  writeFileSync(file, text);
  return file;
};
const tokenOf = async (key, claims) => {
  const token = await signed(key, claims);
  secrets.push(token.split('.')[2]);
  return token;
};

/** A gateway that asks for tokens; whatever happens, its log has none. */
async function withGateway(settings, body) {
  const gateway = await startGateway(nats, ['--anonymous', '', ...settings]);
  const clients = [];
  gateway.join = async (options) => {
    const client = await StreamClient.connect(gateway, options);
    clients.push(client);
    return client;
  };
  try {
    await body(gateway);
  } finally {
    for (const client of clients) client.socket.terminate();
    assert.equal(await gateway.stop(), 0, gateway.stderr);
  }
  for (const secret of secrets) assert.ok(!gateway.stderr.includes(secret), 'a secret in the log');
}

const closedWith = async (client, code, reason) => {
  const closed = await client.gone();
  assert.equal(closed.code, code, JSON.stringify(closed));
  assert.match(closed.reason, reason);
  assert.match(client.messages.findLast((message) => message.type === 'error').message, reason);
};

test('a token of each algorithm opens HTTP, event streams and WebSockets to what it grants, and to nothing else', async () => {
  const hs = await newKey('HS256'), rs = await newKey('RS256'), es = await newKey('ES256', 'one');
  secrets.push(hs.secret);
  const settings = ['--auth-secret', fileOf('secret', `${hs.secret}\n`), '--auth-keys', `${fileOf('rsa.pem', rs.pem)},${fileOf('keys.json', JSON.stringify({ keys: [es.jwk] }))}`,
    '--auth-cookie', 'tw', '--auth-timeout', '1s', '--auth-leeway', '0s', '--origins', 'https://friend.example'];
  const [mine, other] = symbols, claims = { sub: 'ann', tickwire_subjects: [`XNAS.${mine}.>`] };
  await withGateway(settings, async (gateway) => {
    const good = await tokenOf(es, claims);
    for (const key of [hs, rs, es]) {
      const answer = await get(gateway, book(mine), bearer(await tokenOf(key, claims)));
      assert.equal(answer.status, 200, answer.text);
      assert.equal(JSON.parse(answer.text).symbol, mine);
    }
    assert.equal((await get(gateway, book(other), bearer(good))).status, 403);
    const last = await get(gateway, `/v1/last/XNAS/${mine}`, bearer(good));
    assert.deepEqual([last.status, JSON.parse(last.text).symbol], [200, mine]);
    assert.deepEqual(await Promise.all([`/${mine}`, `?symbols=${mine}`].map(async (which) => (await get(gateway, `/v1/last/XNAS${which}`)).status)), [401, 401]);
    assert.equal((await get(gateway, `/v1/last/XNAS/${other}`, bearer(good))).status, 403);
    const several = JSON.parse((await get(gateway, `/v1/last/XNAS?symbols=${mine},${other}`, bearer(good))).text).values;
    assert.deepEqual(several.map((value) => value.error?.code), [undefined, 'FORBIDDEN']);
    assert.equal((await get(gateway, '/v1/instruments?exchange=XNAS', bearer(good))).status, 200);
    assert.equal((await get(gateway, '/v1/instruments?exchange=XLON', bearer(good))).status, 403);
    // The directory has what may be read of, and says how it trades only to who may read that.
    for (const [channels, trading, state] of [[['quote'], false, true], [['orderbook'], false, true], [['trade'], false, false], [['candle.1m'], false, false], [['trade', 'status'], true, true]]) {
      const token = await tokenOf(es, { ...claims, tickwire_subjects: channels.map((channel) => `XNAS.${mine}.${channel}`) });
      const { instruments } = JSON.parse((await get(gateway, '/v1/instruments?exchange=XNAS', bearer(token))).text);
      assert.deepEqual(instruments.map((one) => [one.symbol, 'trading' in one, 'state' in one, typeof one.price_exponent]), [[mine, trading, state, 'number']], `${channels}`);
    }
    const wide = await tokenOf(es, { ...claims, tickwire_subjects: ['XNAS.*.status'] });
    assert.deepEqual(JSON.parse((await get(gateway, '/v1/instruments?exchange=XNAS', bearer(wide))).text).instruments.map((one) => one.symbol).sort(), symbols);
    for (const open of ['/healthz', '/metrics']) assert.equal((await get(gateway, open)).status, 200);

    // 401: missing, in the address, no bearer, expired, tampered with, signed by a stranger, or not signed.
    const missing = await get(gateway, book(mine));
    assert.deepEqual([missing.status, missing.challenge], [401, 'Bearer realm="tickwire"']);
    assert.equal((await get(gateway, `${book(mine)}?token=${good}&access_token=${good}`)).status, 401);
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${good.split('.')[1]}.`;
    const confused = await signed({ alg: 'HS256', signing: Buffer.from(rs.pem) }, claims);
    for (const [token, why] of [[await tokenOf(es, { ...claims, seconds: -1 }), 'token expired'], [`${good.slice(0, -6)}AAAAAA`, 'signature'],
      [await tokenOf(await newKey('ES256', 'two'), claims), "kid 'two'"], [unsigned, "alg 'none'"], [confused, 'signature'],
      [await tokenOf(es, { ...claims, aud: 'somebody' }), '--auth-audience'], [await tokenOf(es, { tickwire_subjects: ['XNAS.>'] }), 'sub'],
      [await tokenOf(es, { ...claims, nbf: Math.floor(Date.now() / 1000) + 60 }), 'not valid yet'], ['x'.repeat(7000), 'three parts']]) {
      const answer = await get(gateway, book(mine), bearer(token));
      assert.equal(answer.status, 401, `${why}: ${answer.text}`);
      assert.match(answer.challenge, /^Bearer realm="tickwire", error="invalid_token", error_description="[^"]+"$/);
      assert.ok(JSON.parse(answer.text).error.message.includes(why), answer.text);
    }
    assert.equal((await get(gateway, book(mine), { authorization: 'Basic YTpi' })).status, 401);
    assert.equal(await metric(gateway, 'auth_tokens_refused_total', { reason: 'expired' }), 1);

    // A cookie, believed of pages that may.
    const cookie = `a=b; tw="${good}" ; c=d`;
    assert.equal((await get(gateway, book(mine), { cookie })).status, 200);
    assert.equal((await get(gateway, book(mine), { cookie, 'sec-fetch-site': 'cross-site' })).status, 401);
    assert.equal((await get(gateway, book(mine), { cookie, origin: 'https://foe.example' })).status, 401);
    const friend = await get(gateway, book(mine), { cookie, origin: 'https://friend.example' });
    assert.deepEqual([friend.status, friend.headers.get('access-control-allow-credentials')], [200, 'true']);
    assert.match(friend.headers.get('vary'), /Authorization/);
    const preflight = await fetch(`${gateway.url}${book(mine)}`, { method: 'OPTIONS', headers: { origin: 'https://friend.example', 'access-control-request-headers': 'authorization' } });
    assert.match(preflight.headers.get('access-control-allow-headers'), /Authorization/);

    // WebSockets: header, cookie, first message.
    const header = await gateway.join({ headers: bearer(good) });
    const session = await until('the session', () => header.messages.find((message) => message.type === 'session'));
    assert.equal(session.user, 'ann');
    assert.ok(Number(BigInt(session.expires_ns) / 1_000_000n) > Date.now());
    const page = await gateway.join({ headers: { cookie }, origin: gateway.url });
    const first = await gateway.join();
    const answer = await first.ask({ op: 'auth', token: good });
    assert.deepEqual([answer.type, answer.user], ['ack', 'ann'], JSON.stringify(answer));
    for (const client of [header, page, first]) {
      await client.subscribe(['XNAS.>']);
      assert.equal((await client.ask({ op: 'subscribe', subjects: [`XNAS.${other}.quote`] })).code, 'FORBIDDEN');
    }
    for (const client of [header, page, first]) await until('books and quotes', () => client.counts.book > 3 && client.latest.has(`XNAS.${mine}.quote`));
    for (const client of [header, page, first]) {
      assert.deepEqual([...new Set([...client.latest.keys()].map((subject) => subject.split('.')[1]))], [mine]);
      assert.deepEqual(client.faults, []);
    }
    assert.equal(await metric(gateway, 'auth_sessions', { kind: 'known' }), 3);
    assert.equal(await metric(gateway, 'auth_users'), 1);

    const refused = new StreamClient(gateway.stream, ['tickwire.json.v1'], { headers: bearer('nothing') });
    await until('the refusal', () => refused.closed);
    assert.equal(refused.closed.status, 401);
    assert.match(refused.closed.challenge, /invalid_token/);
    await assert.rejects(gateway.join({ headers: { cookie }, origin: 'https://foe.example' }), /403/);
    const silent = await gateway.join(), unbelieved = await gateway.join({ headers: { cookie } });
    assert.equal((await silent.ask({ op: 'subscribe', subjects: ['XNAS.>'] })).code, 'FORBIDDEN');
    await closedWith(silent, 4401, /no token came in time/);
    await closedWith(unbelieved, 4401, /no token came in time/);

    // Event streams.
    const events = `/v1/stream/sse?subscribe=${encodeURIComponent('XNAS.>')}`;
    assert.equal((await get(gateway, events)).status, 401);
    const head = async (where, headers) => (await fetch(`${gateway.url}${where}`, { method: 'HEAD', headers })).status;
    assert.deepEqual([await head(events, {}), await head(`/v1/stream/sse?subscribe=XNAS.${other}.quote`, bearer(good)), await head(events, bearer(good))], [401, 403, 200]);
    assert.equal((await get(gateway, `/v1/stream/sse?subscribe=XNAS.${other}.quote`, bearer(good))).status, 403);
    const stop = new AbortController();
    const response = await fetch(`${gateway.url}${events}`, { headers: bearer(good), signal: stop.signal });
    let text = '';
    for await (const chunk of response.body) {
      text += Buffer.from(chunk).toString();
      if ((text.match(/"type":"book"/g) ?? []).length > 2) break;
    }
    stop.abort();
    assert.match(text, /"type":"session","user":"ann"/);
    assert.ok(!text.includes(`XNAS.${other}.`));
  });
});

test('a session ends with its token, is renewed by another of the same user, and has the limits that its token says', async () => {
  const key = await newKey('ES256', 'one');
  const settings = ['--auth-keys', fileOf('keys.json', JSON.stringify(key.jwk)), '--auth-leeway', '0s', '--auth-issuer', 'https://id.example', '--auth-audience', `other,${AUDIENCE}`,
    '--most-subscriptions', '2000', '--most-client-bytes', '1Mi', '--auth-sessions', '3'];
  const ours = { iss: 'https://id.example', aud: [AUDIENCE] };
  await withGateway(settings, async (gateway) => {
    const all = { ...ours, sub: 'ann', tickwire_subjects: 'XNAS.> feed.>' };
    const short = await tokenOf(key, { ...all, seconds: 3 });
    const ending = await gateway.join({ headers: bearer(short) }), renewing = await gateway.join({ headers: bearer(short) });
    for (const client of [ending, renewing]) await client.subscribe(['XNAS.>']);
    const events = get(gateway, '/v1/stream/sse?subscribe=XNAS.%3E', bearer(short)); // until its end
    const narrow = await tokenOf(key, { ...all, tickwire_subjects: [`XNAS.${symbols[0]}.>`] });
    assert.equal((await renewing.ask({ op: 'auth', token: await tokenOf(key, { ...all, sub: 'bob' }) })).code, 'UNAUTHORIZED');
    assert.equal((await renewing.ask({ op: 'auth', token: 'nothing' })).code, 'UNAUTHORIZED');
    await until('books of all', () => renewing.books.size === 5);
    assert.equal((await renewing.ask({ op: 'auth', token: narrow })).type, 'ack');
    await until('the word that some are over', () => renewing.error_('FORBIDDEN'));
    await closedWith(ending, 4401, /token expired/);
    assert.match((await events).text, /"type":"book"[^]*"code":"UNAUTHORIZED","message":"token expired"\}\s*$/);
    const had = renewing.latest.get(`XNAS.${symbols[1]}.orderbook`);
    const before = renewing.counts.book;
    await until('more books', () => renewing.counts.book > before + 5);
    assert.equal(renewing.latest.get(`XNAS.${symbols[1]}.orderbook`), had);
    assert.equal(renewing.closed, undefined);
    assert.deepEqual(renewing.faults, []);
    assert.equal(await metric(gateway, 'auth_sessions_ended_total', { reason: 'expired' }), 2);

    // Limits: lower, higher up to the setting, and others' are as they were.
    const limited = (limits, sub) => tokenOf(key, { ...all, sub, tickwire_limits: limits });
    const few = await gateway.join({ headers: bearer(await limited({ subscriptions: 2, requests_per_second: 5, waiting_bytes: 8192 }, 'few')) });
    const granted = await until('the session', () => few.messages.find((message) => message.type === 'session'));
    assert.deepEqual(granted.limits, { subscriptions: 2, request_bytes: 65536, requests_per_second: 5, waiting_bytes: 8192 });
    assert.equal((await few.ask({ op: 'subscribe', subjects: ['XNAS.A.quote', 'XNAS.B.quote', 'XNAS.C.quote'] })).code, 'TOO_MANY');
    for (let i = 0; i < 8; i++) few.send({ op: 'ping' });
    await until('too fast', () => few.error_('TOO_FAST'));
    const many = await gateway.join();
    const raised = await many.ask({ op: 'auth', token: await limited({ subscriptions: 100_000, requests_per_second: 1000, waiting_bytes: 1 << 30 }, 'many') });
    assert.deepEqual(raised.limits, { subscriptions: 2000, request_bytes: 65536, requests_per_second: 50, waiting_bytes: 1 << 20 });

    // Sessions at once: the setting says three, a token one.
    const alone = bearer(await limited({ sessions: 1 }, 'alone'));
    const one = await gateway.join({ headers: alone });
    await assert.rejects(gateway.join({ headers: alone }), /429/);
    assert.equal((await get(gateway, '/v1/stream/sse?subscribe=XNAS.%3E', alone)).status, 429);
    const another = await gateway.join();
    assert.match((await another.ask({ op: 'auth', token: alone.authorization.slice(7) })).message, /as many sessions/);
    await one.close();
    await until('its place', async () => (await metric(gateway, 'auth_users')) === 3);
    await gateway.join({ headers: alone });

    // Guessing is not endless.
    for (let i = 0; i < 5; i++) many.send({ op: 'auth', token: `guess.${i}.x` });
    await closedWith(many, 4401, /too many tokens/);

    // Of another issuer, or for another audience.
    for (const wrong of [{ iss: 'https://else.example' }, { aud: 'else' }, { iss: undefined }, { aud: undefined }])
      assert.equal((await get(gateway, book(symbols[0]), bearer(await tokenOf(key, { ...all, ...wrong })))).status, 401, JSON.stringify(wrong));
  });
});

test('keys change without a restart: new ones are good at once, sessions of old ones end, a broken file changes nothing', async () => {
  const [first, second, third] = [await newKey('ES256', 'one'), await newKey('RS256', 'two'), await newKey('ES256', 'three')];
  const file = fileOf('keys.json', JSON.stringify({ keys: [first.jwk, second.jwk] }));
  const write = (text) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const claims = { sub: 'ann', tickwire_subjects: ['XNAS.>'] };
  await withGateway(['--auth-keys', file, '--auth-check', '200ms'], async (gateway) => {
    const [one, two] = [await gateway.join({ headers: bearer(await tokenOf(first, claims)) }), await gateway.join({ headers: bearer(await tokenOf(second, claims)) })];
    await two.subscribe(['XNAS.>']);
    write(JSON.stringify({ keys: [second.jwk, third.jwk] }));
    await closedWith(one, 4401, /withdrawn/);
    assert.equal((await get(gateway, book(symbols[0]), bearer(await tokenOf(third, claims)))).status, 200);
    assert.equal((await get(gateway, book(symbols[0]), bearer(await tokenOf(first, claims)))).status, 401);
    write('{"keys":[');
    await until('the failure to be seen', async () => (await readyOf(gateway)).files_failed === 1);
    assert.equal((await get(gateway, book(symbols[0]), bearer(await tokenOf(third, claims)))).status, 200);
    write(JSON.stringify({ keys: [second.jwk] }));
    await until('the file to be good again', async () => (await readyOf(gateway)).files_failed === 0);
    const had = two.counts.book;
    await until('books all the while', () => two.counts.book > had);
    assert.equal(two.closed, undefined);
    assert.equal(await metric(gateway, 'auth_key_read_failures_total'), 1);
  });
  await withGateway(['--auth-keys', file, '--auth-check', '1h'], async (gateway) => {
    write(JSON.stringify({ keys: [first.jwk] }));
    assert.equal((await get(gateway, book(symbols[0]), bearer(await tokenOf(first, claims)))).status, 401);
    gateway.kill('SIGHUP');
    const token = await tokenOf(first, claims);
    await until('the keys to be read', async () => (await get(gateway, book(symbols[0]), bearer(token))).status === 200);
  });
});

test('an identity provider is found by its issuer; its keys rotate, it goes, misbehaves and comes back, and the gateway never waits for it', async () => {
  const issuer = await Issuer.start();
  issuer.keys = [await newKey('RS256', 'one')];
  const claims = { sub: 'ann', iss: issuer.url, aud: AUDIENCE, tickwire_subjects: ['XNAS.>'] };
  const settings = ['--auth-issuer', issuer.url, '--auth-audience', AUDIENCE, '--auth-refresh', '1s', '--auth-refresh-unknown', '100ms', '--auth-keep', '3s', '--auth-fetch-timeout', '500ms'];
  const stranger = await newKey('ES256', 'stranger'); // whose token makes the gateway ask again at once
  const open = (key) => async (gateway) => (await get(gateway, book(symbols[0]), bearer(await tokenOf(key, claims)))).status;
  try {
    await withGateway(settings, async (gateway) => {
      const failures = () => metric(gateway, 'auth_key_refresh_failures_total');
      await until('the keys', async () => (await readyOf(gateway)).provider === 'OK');
      assert.equal(await open(issuer.keys[0])(gateway), 200);
      const client = await gateway.join({ headers: bearer(await tokenOf(issuer.keys[0], claims)) });
      await client.subscribe(['XNAS.>']);

      for (const mood of ['broken', 'silent', 'elsewhere', 'endless', 'nonsense', 'impostor']) {
        const before = await failures();
        issuer.mood = mood;
        await until(`a failure while it is ${mood}`, async () => (await open(stranger)(gateway)) === 401 && (await failures()) > before);
        assert.equal(await open(issuer.keys[0])(gateway), 200, mood);
        issuer.mood = 'well';
        await until('the keys', async () => (await open(stranger)(gateway)) === 401 && (await readyOf(gateway)).provider === 'OK');
      }
      issuer.mood = 'moved'; // within its own scheme it may say where
      const before = await metric(gateway, 'auth_key_refreshes_total');
      await until('the keys, elsewhere', async () => (await metric(gateway, 'auth_key_refreshes_total')) > before);
      issuer.mood = 'well';

      // A new key is known as soon as somebody comes with it; an old one is over when it is published no more.
      const [old, fresh] = [issuer.keys[0], await newKey('ES256', 'two')];
      issuer.keys = [old, fresh];
      await until('the new key', async () => (await open(fresh)(gateway)) === 200);
      assert.equal(client.closed, undefined);
      issuer.keys = [fresh];
      await closedWith(client, 4401, /withdrawn/);
      assert.equal(await open(old)(gateway), 401);

      // Away: its keys are in force for --auth-keep, then nobody's.
      const last = await gateway.join({ headers: bearer(await tokenOf(fresh, claims)) });
      issuer.mood = 'broken';
      await until('it to be away', async () => (await readyOf(gateway)).provider === 'AWAY');
      assert.equal(await open(fresh)(gateway), 200);
      await closedWith(last, 4401, /withdrawn/);
      const lost = await get(gateway, '/readyz');
      assert.equal(lost.status, 503);
      assert.deepEqual([JSON.parse(lost.text).auth.provider, JSON.parse(lost.text).auth.keys], ['LOST', 0]);
      assert.equal(await open(fresh)(gateway), 401);
      issuer.mood = 'well';
      await until('it to be back', async () => (await open(fresh)(gateway)) === 200);
    });
    // Unknown keys do not make it be asked without end.
    await withGateway(['--auth-jwks', `${issuer.url}/keys`, ...settings.slice(0, 4), '--auth-refresh', '1h', '--auth-refresh-unknown', '1h', '--auth-fetch-timeout', '60s'], async (gateway) => {
      await until('the keys', async () => (await readyOf(gateway)).provider === 'OK');
      const asked = issuer.asked.keys;
      for (let i = 0; i < 20; i++) assert.equal(await open(stranger)(gateway), 401);
      assert.equal(issuer.asked.keys, asked);
      // Told to stop while it is being asked, it does not wait for the answer.
      issuer.mood = 'silent';
      gateway.kill('SIGHUP');
      await until('it to be asked', () => issuer.asked.keys > asked);
    });
  } finally {
    await issuer.stop();
  }
});

test('a provider is asked by https only where its certificate is good, and is not left for http', async () => {
  const [key, cert] = [fileOf('key.pem', ''), fileOf('cert.pem', '')];
  const made = run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert]);
  assert.equal(made.status, 0, made.stderr);
  const issuer = await Issuer.start({ key: readFileSync(key), cert: readFileSync(cert) });
  issuer.keys = [await newKey('ES256', 'one')];
  const settings = ['--auth-issuer', issuer.url, '--auth-audience', AUDIENCE, '--auth-refresh', '1s'];
  try {
    await withGateway(settings, async (gateway) => {
      await until('it to be told', () => /certificate/.test(gateway.stderr));
      assert.equal((await readyOf(gateway)).provider, 'LOST');
    });
    issuer.mood = 'downgrade';
    await withGateway([...settings, '--auth-ca', cert], async (gateway) => {
      await until('it to be told', () => /jwks_uri is not https/.test(gateway.stderr));
      issuer.mood = 'well';
      await until('the keys', async () => (await readyOf(gateway)).provider === 'OK');
    });
  } finally {
    await issuer.stop();
  }
});

test('a token adds to what anybody may read; who has none is not sent away then', async () => {
  const key = await newKey('ES256');
  await withGateway(['--auth-keys', fileOf('key.pem', key.pem), '--anonymous', `XNAS.${symbols[0]}.>`, '--auth-timeout', '100ms', '--auth-cookie', 'tw'], async (gateway) => {
    const token = await tokenOf(key, { sub: 'ann', tickwire_subjects: [`XNAS.${symbols[1]}.>`] });
    assert.equal((await get(gateway, book(symbols[0]))).status, 200);
    assert.equal((await get(gateway, book(symbols[1]))).status, 401);
    assert.equal((await get(gateway, book(symbols[0]), { cookie: 'tw=old' })).status, 200);
    assert.equal((await get(gateway, book(symbols[0]), bearer('bad'))).status, 401);
    for (const symbol of symbols.slice(0, 2)) assert.equal((await get(gateway, book(symbol), bearer(token))).status, 200);
    const client = await gateway.join();
    await client.subscribe(['XNAS.*.orderbook']);
    await until('a book', () => client.books.size === 1);
    assert.equal((await client.ask({ op: 'auth', token })).type, 'ack');
    await until('the book that the token grants, too', () => client.books.size === 2);
    assert.deepEqual([...client.books.keys()].sort(), symbols.slice(0, 2).map((symbol) => `XNAS.${symbol}.orderbook`));
    assert.deepEqual(client.faults, []);
  });
});

test('a port that is taken and files of TLS that can not be used are told in one line of our own', async () => {
  const [key, other, cert, text] = ['key.pem', 'other.pem', 'cert.pem', 'text'].map((name) => fileOf(name, 'nothing\n'));
  const made = [run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', key, '-out', cert]),
    run('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', other])];
  assert.deepEqual(made.map((one) => one.status), [0, 0]);
  const tls = (certificate, its) => ['--port', '0', '--tls-certificate', certificate, '--tls-key', its];
  for (const [settings, words] of [[['--port', new URL(nats.url).port], /: Address already in use/], [tls('/nowhere', key), /--tls-certificate \/nowhere: No such file/], [tls(cert, '/nowhere'), /--tls-key \/nowhere: No such file/],
    [tls(text, key), /--tls-certificate \S+text can't be used: \S+/], [tls(cert, text), /--tls-key \S+text can't be used: \S+/], [tls(cert, other), /--tls-key \S+other\.pem can't be used: key values mismatch/]]) {
    const gateway = new Program(gatewayProgram, ['--nats', nats.url, '--max-clients', '100', ...settings]);
    assert.ok([1, 2].includes(await gateway.end()), gateway.stderr);
    assert.match(gateway.stderr, words);
    assert.match(gateway.stderr, /^tickwire-gateway: [^\n]+\n$/); // nothing of libwebsockets', no leak found by a sanitizer
  }
});

test('settings of tokens that make no sense are refused, and say which', async () => {
  const short = fileOf('short', 'not long enough\n'), text = fileOf('text', 'nothing'), secret = fileOf('private.pem', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
  for (const [settings, words] of [[['--auth-keys', '/nowhere'], /\/nowhere: it can't be read/], [['--auth-secret', short], /short: a secret for HS256 has 32 to 1024 bytes/],
    [['--auth-keys', text], /text: no key in PEM/], [['--auth-keys', secret], /private\.pem: a private key/], [['--auth-issuer', 'joe'], /--auth-issuer|no URL/],
    [['--auth-jwks', 'http://127.0.0.1:1/'], /--auth-issuer and --auth-audience/], [['--auth-jwks', 'ftp://x/', '--auth-issuer', 'i', '--auth-audience', 'a'], /--auth-jwks 'ftp/],
    [['--origins', 'example.com'], /--origins: 'example\.com' is no origin: .*https:\/\/example\.com/], [['--auth-cookie', 'tw'], /--auth-cookie/], [['--auth-subjects-claim', ''], /--auth-subjects-claim/], [['--most-subscriptions', '60000'], /most-subscriptions/]]) {
    const gateway = new Program(gatewayProgram, ['--nats', nats.url, '--port', '0', '--max-clients', '100', ...settings]);
    assert.ok([1, 2].includes(await gateway.end()), `${settings}: ${gateway.stderr}`);
    assert.match(gateway.stderr, words);
    assert.ok(!gateway.stderr.includes('not long enough'));
  }
});

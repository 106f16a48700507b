// Each setting of tickwire-gateway with what it can't be: too small, too large, of another kind, empty, and what another setting forbids. The error
// names the setting, what it was given, and what is allowed; it comes before anything waits for the bus.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayProgram } from './lib/gateway.mjs';
import { run } from './lib/programs.mjs';

const AWAY = ['--nats', 'nats://127.0.0.1:1', '--bus-wait', '1ns', '--port', '0', '--max-clients', '100'];
const MILLI = 1_000_000n, SECOND = 1000n * MILLI, HOUR = 3600n * SECOND, KI = 1024n, MI = KI * KI;

// name: [least, most]
const COUNTS = {
  'venue-shards': [1n, 64n], 'order-rate': [0n, 1_000_000n], 'most-order-rate': [0n, 1_000_000n], 'order-requests-per-second': [1n, 1_000_000n],
  'order-queue': [16n, MI], 'order-batch': [1n, 65536n], 'order-batches': [1n, 64n], 'auth-sessions': [0n, MI], 'most-sessions': [0n, MI],
  'most-subscriptions': [0n, 2520n], 'most-requests-per-second': [0n, 1_000_000n], 'most-client-bytes': [0n, KI * MI], 'usage-lines': [16n, 16n * MI],
  'usage-bytes': [16n * KI, 4n * KI * MI], 'max-clients': [1n, MI], 'max-clients-per-address': [0n, MI], 'max-instruments': [1n, 16n * MI],
  'max-subscriptions': [1n, 2520n], 'max-groups': [1n, 16n * MI], 'max-members': [1n, 256n * MI], 'client-bytes': [4096n, KI * MI], 'request-bytes': [256n, 16n * MI],
  'requests-per-second': [1n, 1_000_000n], 'header-bytes': [1024n, 64n * KI], 'frames-kept': [8n, MI], 'kept-bytes': [MI, MI * MI], 'send-buffer': [0n, KI * MI],
  'unsent-low-water': [0n, KI * MI],
};
const DURATIONS = {
  'bus-wait': [0n, 24n * HOUR], 'feed-silence': [100n * MILLI, HOUR], 'redis-deadline': [MILLI, HOUR], 'order-limits-deadline': [10n * MILLI, HOUR],
  'order-timeout': [10n * MILLI, HOUR], 'order-gather': [0n, SECOND], 'session-timeout': [2n * SECOND, 24n * HOUR], 'reports-back': [0n, 9600n * HOUR],
  'auth-leeway': [0n, 300n * SECOND], 'auth-timeout': [100n * MILLI, HOUR], 'auth-check': [100n * MILLI, HOUR], 'auth-refresh': [SECOND, 24n * HOUR],
  'auth-refresh-unknown': [100n * MILLI, HOUR], 'auth-keep': [0n, 720n * HOUR], 'auth-fetch-timeout': [100n * MILLI, 60n * SECOND], 'usage-period': [SECOND, HOUR],
  linger: [0n, HOUR], heartbeat: [100n * MILLI, HOUR], silence: [3n * SECOND, HOUR], 'handshake-timeout': [SECOND, HOUR], goodbye: [0n, HOUR],
  'reconnect-earliest': [0n, HOUR], 'reconnect-latest': [0n, HOUR],
};
const NUMBERS = { port: [0n, 65535n], metrics: [-1n, 65535n] };
const FLAGS = ['share-port', 'usage-publish', 'compression'];
const CHOICES = { 'log-format': /human\|json/, 'log-level': /debug\|info\|warn\|error/ };

// what is given, and what the error says
const OTHERS = [
  [['--nats', ''], /--nats is empty.* nats:\/\//], [['--nats', 'http://x'], /--nats: .*'http:\/\/x' .*nats:\/\/ or tls:\/\//],
  [['--credentials', '/nowhere/x'], /--credentials \/nowhere\/x: No such file/], [['--auth-ca', '/nowhere/x'], /--auth-ca \/nowhere\/x: No such file/],
  [['--address', ''], /--address '' is no IPv4 or IPv6 address/], [['--address', 'localhost'], /--address 'localhost' is no IPv4/],
  [['--venue', 'x'], /--venue 'x' is no MIC: four/], [['--venue', 'TWEX'], /--venue wants --redis.*--order-rate 0/],
  [['--venue', 'TWEX', '--order-rate', '0', '--anonymous-accounts', 'a,b\tc'], /--anonymous-accounts 'b\tc': an account is 1 to 32 bytes/],
  [['--tls-key', 'x'], /--tls-key x without --tls-certificate/], [['--tls-certificate', 'x'], /--tls-certificate x without --tls-key/],
  [['--tls-certificate', '/nowhere/x', '--tls-key', 'y'], /--tls-certificate \/nowhere\/x: No such file/],
  [['--origins', 'x'], /--origins: 'x' is no origin: .*https:\/\/example\.com/], [['--anonymous', 'x'], /--anonymous: 'x' is no pattern of subjects: .*feed\./],
  [['--auth-keys', '/nowhere/x'], /--auth-keys: \/nowhere\/x: .*No such file/], [['--auth-secret', '/nowhere/x'], /--auth-secret: \/nowhere\/x: .*No such file/],
  [['--auth-keys', ',x'], /--auth-keys: ',x' names no file/], [['--auth-jwks', 'https://x'], /--auth-jwks https:\/\/x: .*--auth-issuer and --auth-audience/],
  [['--auth-issuer', 'x', '--auth-audience', 'y'], /--auth-issuer 'x' is no URL/], [['--auth-issuer', 'x'], /--auth-issuer x: .*--auth-audience/],
  [['--auth-audience', 'x'], /--auth-audience wants .*--auth-keys/], [['--auth-cookie', 'x'], /--auth-cookie wants .*--auth-keys/],
  [['--auth-subjects-claim', ''], /--auth-subjects-claim is empty/], [['--dashboard', '/nowhere'], /--dashboard: \/nowhere: No such file/],
  [['--reconnect-earliest', '9s'], /--reconnect-latest 3000ms is before --reconnect-earliest 9000ms/],
  [['--client-bytes', '16Ki'], /--client-bytes 16384 is too little for --max-subscriptions 1024.*--client-bytes has at least 212992, or --max-subscriptions at most 78/],
  [['--max-subscriptions', '2520'], /--client-bytes 262144 is too little for --max-subscriptions 2520.*at least 524160, or --max-subscriptions at most 1260/],
  [['--most-subscriptions', '2000'], /--most-subscriptions 2000 is more than .*--most-client-bytes has at least 416000, or --most-subscriptions at most 1260/],
];

function errorOf(settings) {
  const { status, stderr } = run(gatewayProgram, [...AWAY, ...settings], { timeout: 30_000 });
  assert.ok([1, 2].includes(status), `${settings}: ${status} ${stderr}`);
  return stderr.split('\n')[0];
}

function isRefused(name, value, words) {
  const error = errorOf([`--${name}=${value}`]);
  assert.ok(error.includes(`setting "${name}": "${value}" ${words}`), `${name} ${words}: ${error}`);
}

function bounds(all, unit, kind) {
  for (const [name, [least, most]] of Object.entries(all)) {
    isRefused(name, `${most + 1n}${unit}`, 'is not between ');
    if (kind === 'is no whole number' || least > 0n) isRefused(name, `${least - 1n}${unit}`, 'is not between ');
    for (const wrong of ['', 'x', '1x', '-3s', '99999999999999999999999']) isRefused(name, wrong, kind);
  }
}

test('a count is no less and no more than it may be, and a count', () => bounds(COUNTS, '', 'is no count (digits, then '));
test('a time is no less and no more than it may be, and has a unit', () => bounds(DURATIONS, 'ns', 'is no duration (digits, then '));
test('a number, a flag and a word are such', () => {
  bounds(NUMBERS, '', 'is no whole number');
  for (const name of FLAGS) for (const wrong of ['', 'x', '2']) isRefused(name, wrong, 'is neither true nor false');
  for (const [name, choices] of Object.entries(CHOICES)) for (const wrong of ['', 'x']) assert.match(errorOf([`--${name}=${wrong}`]), new RegExp(`"${name}": "${wrong}" is none of ${choices.source}`));
});

test('every setting that has bounds is asked here', () => {
  const help = run(gatewayProgram, ['--help']).stdout, known = { ...COUNTS, ...DURATIONS, ...NUMBERS };
  const bounded = [...help.matchAll(/^ +--([a-z-]+) (N|BYTES|TIME|PORT)\b/gm)].map(([, name]) => name);
  assert.ok(bounded.length > 50);
  assert.deepEqual(bounded.filter((name) => !(name in known)), []);
});

test('texts and settings that do not go together are refused by name', () => {
  for (const [settings, words] of OTHERS) assert.match(errorOf(settings), words, settings.join(' '));
});

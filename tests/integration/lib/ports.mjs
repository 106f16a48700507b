// Ports for servers and feeds of a test. One that the kernel picked for port 0 and that was given back is among those that it gives to any
// program's next socket: somebody may have it when the test's program binds it, or while its server is down. So these are of below that range,
// and each belongs to one process of tests at a time.
import dgram from 'node:dgram';
import { readFileSync } from 'node:fs';
import net from 'node:net';

const FIRST = 11_000, LEAST = 1000, END = 32_768; // browsers and fetch() refuse some ports, the last of them 10080
const ATTEMPTS = 1000;

/** The kernel's own ports begin here, if that leaves room; else there is no better than where they usually do. */
function end() {
  const [low] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
  return low >= FIRST + LEAST ? low : END;
}

const bound = (socket, event, bind) => new Promise((resolve) => {
  socket.once('error', () => resolve(false)).once(event, () => resolve(true));
  bind(socket);
});

/** Until this process ends the name is its own: a listener in the kernel's namespace of names, which leaves no file behind. */
async function claim(port) {
  const holder = net.createServer();
  const claimed = await bound(holder, 'listening', () => holder.listen(`\0tickwire-test-port-${port}`));
  if (claimed) holder.unref();
  return claimed;
}

async function tcpIsFree(port) {
  const server = net.createServer();
  const free = await bound(server, 'listening', () => server.listen(port, '0.0.0.0'));
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}

async function udpIsFree(port) {
  const socket = dgram.createSocket('udp4');
  const free = await bound(socket, 'listening', () => socket.bind(port, '0.0.0.0'));
  await new Promise((resolve) => socket.close(resolve));
  return free;
}

/** A port that nobody has, of UDP and of TCP; no other call gives it, here or in a test that runs beside, until this process ends. */
export async function freePort() {
  const room = end() - FIRST;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(Math.random() * room);
    if ((await claim(port)) && (await tcpIsFree(port)) && (await udpIsFree(port))) return port;
  }
  throw new Error(`none of ${ATTEMPTS} ports from ${FIRST} on is free`);
}

// A capture file (pcap, raw IPv4) of payloads that were never on a wire: what a dissector needs around them, no more.
import { writeFileSync } from 'node:fs';

const RAW_IPV4 = 101, ADDRESS = [127, 0, 0, 1];

function ipv4(protocol, segment) {
  const head = Buffer.alloc(20);
  head[0] = 0x45;
  head.writeUInt16BE(20 + segment.length, 2);
  head[8] = 64; // time to live
  head[9] = protocol;
  head.set(ADDRESS, 12);
  head.set(ADDRESS, 16);
  return Buffer.concat([head, segment]);
}

function udp({ from, to, bytes }) {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(from, 0);
  head.writeUInt16BE(to, 2);
  head.writeUInt16BE(8 + bytes.length, 4);
  return ipv4(17, Buffer.concat([head, bytes]));
}

function tcp({ from, to, bytes }, seq, ack) {
  const head = Buffer.alloc(20);
  head.writeUInt16BE(from, 0);
  head.writeUInt16BE(to, 2);
  head.writeUInt32BE(seq, 4);
  head.writeUInt32BE(ack, 8);
  head[12] = 5 << 4; // the header's length in words
  head[13] = 0x18; // PSH, ACK
  head.writeUInt16BE(0xffff, 14);
  return ipv4(6, Buffer.concat([head, bytes]));
}

/** One record a millisecond. */
function write(file, packets) {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(262_144, 16);
  head.writeUInt32LE(RAW_IPV4, 20);
  writeFileSync(file, Buffer.concat([head, ...packets.flatMap((packet, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1 + Math.floor(i / 1000), 0);
    record.writeUInt32LE((i % 1000) * 1000, 4);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    return [record, packet];
  })]));
  return file;
}

/** `packets`: { from, to, bytes } with UDP ports. */
export const writeUdp = (file, packets) => write(file, packets.map(udp));

/** One TCP connection; `segments` in the order they were sent: { from, to, bytes }. */
export function writeTcp(file, segments) {
  const sent = new Map(); // port -> bytes so far
  return write(file, segments.map((segment) => {
    const seq = 1 + (sent.get(segment.from) ?? 0), ack = 1 + (sent.get(segment.to) ?? 0);
    sent.set(segment.from, seq - 1 + segment.bytes.length);
    return tcp(segment, seq, ack);
  }));
}

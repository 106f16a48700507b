// An export of the journal, changed so that its checksums fit.
import { readFileSync, writeFileSync } from 'node:fs';

// CRC-32C, to forge what a checksum would betray
const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let i = 0; i < 8; i++) n = n & 1 ? (n >>> 1) ^ 0x82f63b78 : n >>> 1;
  return n >>> 0;
});
const crc32c = (bytes) => ~bytes.reduce((crc, byte) => (crc >>> 8) ^ table[(crc ^ byte) & 255], ~0) >>> 0;

/** Changes bytes of an exported message and its checksum. `change` gets the payload, for the first one that it says true to. */
export function forge(file, change) {
  const bytes = readFileSync(file), end = Number(bytes.readBigUInt64LE(bytes.length - 44));
  for (let at = 56; at < end;) {
    const length = bytes.readUInt32LE(at), body = bytes.subarray(at + 8, at + 8 + length);
    const done = change(body.subarray(18 + body.readUInt16LE(16)));
    if (done) {
      bytes.writeUInt32LE(crc32c(body), at + 4);
      writeFileSync(file, bytes);
      return;
    }
    at += 8 + length;
  }
  throw new Error('nothing to forge');
}

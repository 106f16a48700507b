// An export of the journal, and snapshots, changed so that their checksums fit.
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

/** The chunks of a stream's last snapshot as a program of another version would have written them: `first` of each is left to whoever sends them. */
export function anotherVersion(messages) {
  const envelope = Buffer.from(messages.at(-1).data).subarray(0, 80);
  const chunks = messages.map(({ data }) => Buffer.from(data)).filter((chunk) => chunk.subarray(0, 80).equals(envelope));
  chunks[0].writeUInt32LE(99, 96 + 8); // behind the magic of the snapshot itself
  const state = Buffer.concat(chunks.map((chunk) => chunk.subarray(96, -4)));
  envelope.writeBigUInt64LE(0xf0f0n, 56); // another writer
  envelope.writeUInt32LE(crc32c(state), 72);
  envelope.writeUInt32LE(crc32c(envelope.subarray(0, 76)), 76);
  return chunks.map((chunk, number) => (first) => {
    const made = Buffer.from(chunk);
    envelope.copy(made);
    made.writeBigUInt64LE(BigInt(number === 0 ? 0 : first), 88);
    made.writeUInt32LE(crc32c(made.subarray(0, -4)), made.length - 4);
    return made;
  });
}

// CRC-32C (Castagnoli) and the checksum of a book (docs/stream.md): one byte count of bids, the bids, one byte count of
// asks, the asks, best first; per level price then quantity as 8 bytes, little endian.

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value >>> 0;
});

export function crc32c(bytes, length = bytes.length) {
  let value = 0xffffffff;
  for (let i = 0; i < length; i++) value = table[(value ^ bytes[i]) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

const MOST_LEVELS = 10; // of a side that the checksum looks at
const bytes = new Uint8Array(2 + 2 * MOST_LEVELS * 16);
const view = new DataView(bytes.buffer);

// A scaled integer, Number or BigInt, as 64 bits two's complement: halves, because a Number has no 64 bits.
function putInt64(at, value) {
  if (typeof value === 'bigint') {
    view.setBigInt64(at, value, true);
    return;
  }
  const high = Math.floor(value / 4294967296);
  view.setUint32(at, value - high * 4294967296, true);
  view.setInt32(at + 4, high, true);
}

function putSide(at, levels, most) {
  const count = Math.min(levels.length, most);
  bytes[at++] = count;
  for (let i = 0; i < count; i++, at += 16) {
    putInt64(at, levels[i].scaledPrice);
    putInt64(at + 8, levels[i].scaledQuantity);
  }
  return at;
}

/** Over two sides, each best first, of levels with `scaledPrice` and `scaledQuantity` (format/decimal.js). */
export function bookChecksum(bids, asks, depth) {
  const most = Math.min(MOST_LEVELS, depth);
  return crc32c(bytes, putSide(putSide(0, bids, most), asks, most));
}

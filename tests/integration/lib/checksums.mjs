// The checksums of a day as published, and whether two days of the same messages agree in them.
import assert from 'node:assert/strict';

const ENOUGH = 1000;

/** For a subscriber's onMessage: notes the checksum of each update on an orderbook channel as "subject seq" in `checksums`. */
export const noteChecksums = (checksums) => (subject, payload) => {
  if (subject.endsWith('.orderbook')) checksums.set(`${subject} ${payload.seq}`, payload.checksum);
};

/**
 * Both days, { checksums, heldBack }, published the same books at the same numbers. An ingest that the machine kept from
 * running holds back until it is certain that it still leads, and what changes meanwhile merges (updates_held_back_total):
 * only then may a day lack numbers that the other one has, and what both published must agree all the same.
 */
export function sameChecksums(got, want) {
  const sorted = (entries) => [...entries].sort();
  if (got.heldBack + want.heldBack === 0) return assert.deepEqual(sorted(got.checksums), sorted(want.checksums));
  const shared = [...got.checksums].filter(([at]) => want.checksums.has(at));
  assert.ok(shared.length > ENOUGH, `${shared.length} updates at the same numbers: too few to compare`);
  assert.deepEqual(shared.filter(([at, checksum]) => want.checksums.get(at) !== checksum), []);
}

// Random numbers that a seed repeats. TICKWIRE_SEED sets another one; tests print theirs when they fail.

export function randomOf(number) {
  const seed = (Number(process.env.TICKWIRE_SEED ?? 1) * 7919 + number) >>> 0;
  let state = seed || 1;
  const random = (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  for (let i = 0; i < 10; i++) random(2);
  return { random, seed };
}

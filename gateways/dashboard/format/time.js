// Times of the stream: strings of nanoseconds since 1970 UTC.

/** Whole seconds. */
export const secondsOf = (ns) => Number(ns.slice(0, -9));

/** Milliseconds with a fraction; exact to about a quarter of a microsecond. */
export const millisOf = (ns) => Number(ns) / 1e6;

const two = (value) => (value < 10 ? `0${value}` : `${value}`);

/** Time of day, UTC: "14:03:07", with `fraction` digits of the second. Strings of nanoseconds keep all nine. */
export function clockOf(ns, fraction = 0) {
  const second = secondsOf(ns), day = ((second % 86400) + 86400) % 86400;
  const text = `${two(Math.floor(day / 3600))}:${two(Math.floor(day / 60) % 60)}:${two(day % 60)}`;
  return fraction > 0 ? `${text}.${ns.slice(-9).slice(0, fraction)}` : text;
}

/** Local time of day of a time in milliseconds. */
export function wallClock(ms) {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** How long: "0.4 s", "12 s", "3 min 5 s", "2 h 10 min", "3 days". */
export function spanOf(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds >= 172_800) return `${Math.floor(seconds / 86400)} days`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** A latency: "85 µs", "1.24 ms", "3.1 s". */
export function latencyOf(ms) {
  const size = Math.abs(ms);
  if (size < 1) return `${Math.round(ms * 1000)} µs`;
  if (size < 1000) return `${ms.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

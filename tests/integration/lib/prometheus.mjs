// A strict reader of the Prometheus text format (0.0.4): what a scraper accepts, and nothing else.
import { page } from './programs.mjs';

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const sample = new RegExp(`^(${name})(?:\\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*",?)*)\\})? (\\S+)$`);
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/g;

const numberOf = (text) => {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  if (text === 'NaN') return NaN;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw new Error(`not a number: ${text}`);
  return Number(text);
};

/** The family a sample belongs to: histograms and summaries add endings of their own. */
function familyOf(families, sampleName) {
  if (families.has(sampleName)) return families.get(sampleName);
  const base = sampleName.replace(/_(bucket|sum|count)$/, '');
  const family = families.get(base);
  return family && ['histogram', 'summary'].includes(family.type) ? family : undefined;
}

/** Text to Map of family name -> { type, help, samples: [{ name, labels, value }] }. Throws on the first fault. */
export function parsePrometheus(body) {
  if (!body.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map(), seen = new Set();
  let current;
  for (const line of body.slice(0, -1).split('\n')) {
    const told = new RegExp(`^# (HELP|TYPE) (${name}) (.*)$`).exec(line);
    if (told) {
      const [, what, family, rest] = told;
      if (!families.has(family)) families.set(family, { samples: [] });
      current = families.get(family);
      if (what === 'TYPE') {
        if (current.type) throw new Error(`TYPE of ${family} twice`);
        if (current.samples.length > 0) throw new Error(`TYPE of ${family} after its samples`);
        if (!['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(rest)) throw new Error(`type ${rest}`);
        current.type = rest;
      } else {
        if (current.help !== undefined) throw new Error(`HELP of ${family} twice`);
        current.help = rest;
      }
      continue;
    }
    if (line.startsWith('#')) continue;
    const found = sample.exec(line);
    if (!found) throw new Error(`not a sample: ${JSON.stringify(line)}`);
    const family = familyOf(families, found[1]);
    if (!family?.type) throw new Error(`no TYPE for ${found[1]}`);
    if (family !== current) throw new Error(`the samples of ${found[1]} do not stand together`);
    const labels = Object.fromEntries([...(found[2] ?? '').matchAll(label)].map(([, key, value]) => [key, value]));
    const identity = `${found[1]}${JSON.stringify(Object.entries(labels).sort())}`;
    if (seen.has(identity)) throw new Error(`twice: ${line}`);
    seen.add(identity);
    const value = numberOf(found[3]);
    if (family.type === 'counter' && !(value >= 0)) throw new Error(`a counter of ${value}: ${line}`);
    family.samples.push({ name: found[1], labels, value });
  }
  for (const [family, { type, samples }] of families) if (type === 'histogram') checkHistogram(family, samples);
  return families;
}

function checkHistogram(family, samples) {
  const buckets = samples.filter((s) => s.name === `${family}_bucket`);
  const count = samples.find((s) => s.name === `${family}_count`);
  if (!count || !samples.some((s) => s.name === `${family}_sum`)) throw new Error(`${family} lacks _sum or _count`);
  const bounds = buckets.map((b) => numberOf(b.labels.le));
  if (bounds.at(-1) !== Infinity) throw new Error(`${family} has no +Inf bucket at its end`);
  for (let i = 1; i < buckets.length; i++)
    if (!(bounds[i] > bounds[i - 1]) || buckets[i].value < buckets[i - 1].value) throw new Error(`${family}: buckets step back`);
  if (buckets.at(-1).value !== count.value) throw new Error(`${family}: the +Inf bucket is not the count`);
}

/** One plain value; undefined if there is none. */
export function valueOf(families, family) {
  const samples = families.get(family)?.samples ?? [];
  return samples.length === 0 ? undefined : samples.reduce((sum, s) => sum + s.value, 0);
}

/** Reads /metrics and returns the values by name without the prefix: { lost_total: 0, … }. Every name must be there. */
export async function scrape(url, prefix = 'tickwire_ingest_') {
  const response = await page(`${url}/metrics`);
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}`);
  const families = parsePrometheus(await response.text());
  return new Proxy({ families }, {
    get: (target, name) => {
      if (name in target || typeof name !== 'string' || name === 'then') return target[name]; // await asks for then
      const value = valueOf(families, prefix + name);
      if (value === undefined) throw new Error(`no metric ${prefix}${name}`);
      return value;
    },
  });
}

import { simulate } from './simulate.ts';
Error.stackTraceLimit = 0;
const from = Number(process.argv[2] ?? 1),
  many = Number(process.argv[3] ?? 1),
  trace = process.argv[4] === 'trace';
const started = process.cpuUsage();
const t0 = performance.now();
let steps = 0,
  bad = 0;
const kinds: Record<string, number> = {};
const ends: Record<string, number> = {};
let rec: number[] = [];
for (let seed = from; seed < from + many; seed++) {
  const o = await simulate(seed, trace ? { trace: (l) => console.log(l) } : {});
  steps += o.steps;
  rec.push(o.recoveryMs);
  for (const [k, v] of Object.entries(o.ends)) ends[k] = (ends[k] ?? 0) + v;
  for (const [k, v] of Object.entries(o.trouble)) kinds[k] = (kinds[k] ?? 0) + v;
  if (o.violations.length) {
    bad++;
    if (bad <= 12) console.log(seed, o.steps, o.violations.slice(0, 4));
  }
  if (many === 1) console.log(o);
  await new Promise((r) => setImmediate(r));
}
const cpu = process.cpuUsage(started);
rec.sort((a, b) => a - b);
const th = (process as any).threadCpuUsage();
console.log({
  th: (th.user + th.system) / 1000 / many,
  bad,
  steps: steps / many,
  cpuMsPerSeed: (cpu.user + cpu.system) / 1000 / many,
  wallPerSeed: (performance.now() - t0) / many,
  kinds,
  ends,
  recP50: rec[rec.length >> 1],
  recMax: rec.at(-1),
});

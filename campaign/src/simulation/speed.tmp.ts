Error.stackTraceLimit = 0;
import { simulate } from './simulate.ts';
const rounds: number[] = [];
let all: number[] = [];
let steps = 0;
const end = performance.now() + Number(process.argv[2] ?? 30) * 1000;
while (performance.now() < end) {
  const a = process.cpuUsage(),
    t = (process as any).threadCpuUsage();
  steps = 0;
  for (let seed = 1; seed <= 200; seed++) {
    steps += (await simulate(seed)).steps;
    await new Promise((r) => setImmediate(r));
  }
  const b = process.cpuUsage(a),
    u = (process as any).threadCpuUsage(t);
  all.push((b.user + b.system) / 200_000);
  rounds.push((u.user + u.system) / 200_000);
}
rounds.sort((x, y) => x - y);
all.sort((x, y) => x - y);
console.log(
  'rounds',
  rounds.length,
  'steps',
  steps / 200,
  'thread min/p50',
  rounds[0]!.toFixed(3),
  rounds[rounds.length >> 1]!.toFixed(3),
  'process min/p50',
  all[0]!.toFixed(3),
  all[all.length >> 1]!.toFixed(3),
);

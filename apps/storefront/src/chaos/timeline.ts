/** The band of phases: which stretch of the last minutes was which. Pure; times in milliseconds since the epoch. */
import type { LivePhase, Phase } from '@ballast/contracts';

export type Stretch = {
  phase: Phase;
  from: number;
  to: number;
  /** Where it begins and how wide it is, in percent of the band. */
  start: number;
  width: number;
};

/** The stretches within the last `span` milliseconds, oldest first. What was before the history began is left empty. */
export function stretchesOf(phase: LivePhase, now: number, span: number): Stretch[] {
  const begin = now - span;
  const stretches: Stretch[] = [];
  phase.history.forEach((entry, index) => {
    const from = Math.max(begin, Date.parse(entry.at));
    const next = phase.history[index + 1];
    const to = Math.min(now, next === undefined ? now : Date.parse(next.at));
    if (to <= begin || to <= from) return;
    const last = stretches.at(-1);
    if (last?.phase === entry.phase) last.to = to;
    else stretches.push({ phase: entry.phase, from, to, start: 0, width: 0 });
  });
  return stretches.map((stretch) => ({
    ...stretch,
    start: ((stretch.from - begin) / span) * 100,
    width: ((stretch.to - stretch.from) / span) * 100,
  }));
}

/** How long each phase lasted within the stretches, in milliseconds. */
export function timeInPhases(stretches: readonly Stretch[]): Record<Phase, number> {
  const time: Record<Phase, number> = { STEADY: 0, INJECT: 0, DEGRADED: 0, RECOVERING: 0 };
  for (const { phase, from, to } of stretches) time[phase] += to - from;
  return time;
}

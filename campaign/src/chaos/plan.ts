/** A schedule of faults and load, drawn from a seed: what `npm run campaign -- --seed 7 --minutes 5` carries out. */
import { createHash } from 'node:crypto';
import type { Experiment, FaultTargets } from '@ballast/contracts';
import { Chance } from '../simulation/chance.ts';
import { Faults, type Drawn } from './draw.ts';

export interface PlanOptions {
  /** From 0 to 2^32 - 1. */
  seed: number;
  /** Whole seconds, 10 at least. */
  seconds: number;
  targets: FaultTargets;
}

/** Times in seconds. */
const rhythm = {
  /** Nothing is broken before. */
  leadIn: 3,
  /** How long faults come, */
  on: [18, 25],
  /** how long none comes then, */
  off: [8, 11],
  /** and what lies between two of them. */
  gap: [2, 3],
  /** No fault is on for longer into an off time. */
  overhang: 1.5,
} as const;

/** Faults that are on at a time. */
const mostAtOnce = 3;
/** A killed process is back and at work by then, in seconds; until then no other is killed. */
const backAfterDeath = 5;
/** Faults that are drawn and do not fit in yet; with more, an instant is left empty. */
const mostWaiting = 12;
/** Orders a second while faults come, and in between. */
const ordersPerSecond = [4, 9] as const;
const readsPerSecond = [5, 20] as const;
const declinedShare = 0.3;

/**
 * The schedule. It depends on nothing but the seed, the length and what there is to break, in whatever order that is told.
 * It never holds a negative control. Steps are in order of time.
 */
export function drawPlan({ seed, seconds, targets }: PlanOptions): Experiment {
  const chance = new Chance(seed);
  const faults = new Faults(targets, chance);
  const steps: Experiment['steps'] = [];
  const on: { drawn: Drawn; from: number; to: number }[] = [];

  const load = (at: number): void => {
    const between = ([least, most]: readonly [number, number]): number => least + chance.below(most - least + 1);
    steps.push({
      at: tenths(at),
      load: {
        ordersPerSecond: between(ordersPerSecond),
        declined: declinedShare,
        readsPerSecond: between(readsPerSecond),
      },
    });
  };
  const fits = (drawn: Drawn, at: number): boolean => {
    const now = on.filter(({ to }) => to > at);
    if (now.length >= mostAtOnce) return false;
    // Nothing can be armed in a process that is dead and not back yet.
    const busy = on.filter(({ drawn: other, to }) => to + (other.kills ? backAfterDeath : 0) > at);
    if (busy.some((other) => other.drawn.targets.some((target) => drawn.targets.includes(target)))) return false;
    return !drawn.kills || on.every((other) => !other.drawn.kills || other.to + backAfterDeath <= at);
  };

  /** Drawn, and still to be fitted in: nothing that is dealt out is lost. */
  const waiting: Drawn[] = [];
  const choose = (time: number, most: number): Drawn | undefined => {
    while (waiting.length < mostWaiting && !waiting.some((drawn) => fits(drawn, time))) waiting.push(faults.draw());
    const index = waiting.findIndex((drawn) => fits(drawn, time));
    return index === -1 ? undefined : shortened(waiting.splice(index, 1)[0]!, most);
  };

  load(0);
  let at: number = rhythm.leadIn;
  while (at < seconds && !faults.none) {
    const onUntil = Math.min(at + chance.between(...rhythm.on), seconds - 1);
    for (; at < onUntil; at += chance.between(...rhythm.gap)) {
      const time = tenths(at);
      const most = Math.min(onUntil + rhythm.overhang, seconds) - time;
      const next = choose(time, most);
      if (next === undefined) continue;
      on.push({ drawn: next, from: time, to: time + next.lasts });
      steps.push({ at: time, fault: next.request });
    }
    at = onUntil + chance.between(...rhythm.off);
    if (at < seconds) load(at);
  }
  return { version: 1, name: `campaign ${seed}`, seed, seconds, steps };
}

/** Short and the same for the same targets in any order: whether two runs had the same things to break. */
export function fingerprintOf(targets: FaultTargets): string {
  const lines = [
    ...targets.instances.flatMap(({ instance, points }) => points.map((point) => `${instance} ${point}`)),
    ...targets.links.map(({ from, to }) => `${from}>${to}`),
    ...targets.parts.map(({ action, unavailable }) => `${action} ${unavailable === null}`),
  ];
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex').slice(0, 12);
}

/** The same, over in so many seconds at most, and in one at least. */
function shortened(drawn: Drawn, most: number): Drawn {
  const seconds = Math.max(1, Math.min(drawn.request.seconds, Math.floor(most)));
  return { ...drawn, request: { ...drawn.request, seconds }, lasts: Math.min(drawn.lasts, seconds) };
}

const tenths = (seconds: number): number => Math.round(seconds * 10) / 10;

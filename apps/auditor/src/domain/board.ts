/**
 * From what offends to a verdict. Looks report what they find, the board remembers since when each thing offends, and
 * says `violated` only once it has for longer than the promise allows. What could not be looked at is `unknown`: nothing
 * is ever shown as if it held because it held before.
 */
import type { Verdict, VerdictState, Verdicts } from '@ballast/contracts';
import type { Invariant } from './invariants.ts';
import { madeAt } from './uuid7.ts';

/** Something that is not as it must be. */
export interface Offence {
  /** What offends: an order's id, a role's name and the like. */
  id: string;
  /** What makes it this offence and no other, where the id alone does not: damage is acknowledged by it. */
  key?: string;
  /** For a person. */
  why: string;
  /** For how long it may be so, in ms. */
  lasts: number;
  /** For how long after the last fault was healed it may be so, in ms. Left out: faults are no excuse. */
  afterHeal?: number;
  /** For how long it has been so already, in ms, where the row tells. */
  age?: number;
}

/** What a look found. */
export interface Finding {
  invariant: number;
  part: string;
  /** What was looked at. */
  detail: string;
  offences: readonly Offence[];
}

/** From and to, in ms since the epoch. */
export interface Window {
  from: number;
  to: number;
}

/** What is known of faults. `healedAt` is in ms since the epoch. */
export interface FaultState {
  faults: 'active' | 'none' | 'unknown';
  healedAt: number | null;
}

/** Damage that is known, by invariant: keys of what offends, and when orders were placed that may be damaged. */
export type KnownDamage = Record<string, { keys: string[]; windows: Window[] }>;

export interface Board {
  /** Takes what a look found; `milliseconds` is how long it took. */
  note(finding: Finding, milliseconds: number): void;
  /** A look could not be had, and why. */
  fail(invariant: number, part: string, why: string): void;
  /**
   * Marks what offends now as known, of one invariant where one is given, and what will about orders placed in the window,
   * of any. Returns how many things that were.
   */
  acknowledge(invariant?: number, placed?: Window): { marked: number; known: number };
  verdicts(): Verdict[];
  /** All that was acknowledged, to be given to the board of a later process. */
  known(): KnownDamage;
}

export interface BoardOptions {
  /** In ms since the epoch. */
  now: () => number;
  /** Asked each time. */
  faults: () => FaultState;
  /** Told of each look, and whether its invariant is violated. */
  onLook?: (invariant: number, violated: boolean) => void;
  /** What was acknowledged before. */
  known?: KnownDamage;
}

interface Known {
  offence: Offence;
  since: number;
}

interface Part {
  detail: string;
  /** When it was last looked at; null after a failure. */
  at: number | null;
  why: string;
  offences: Map<string, Known>;
  /** Acknowledged ones that still offend. */
  known: number;
  /** All that offend, of which only so many are kept. */
  total: number;
}

interface Entry {
  invariant: Invariant;
  parts: Map<string, Part>;
  acknowledged: Set<string>;
  /** Orders placed in these are known to be damaged, oldest window first. */
  windows: Window[];
  checks: number;
  violations: number;
  checkedAt: number | null;
  milliseconds: number;
  violatedSince: number | null;
}

/** Offences remembered per part, and acknowledged ones per invariant. */
const mostRemembered = 2_000;
const mostAcknowledged = 20_000;
const mostWindows = 100;
const mostShown = 20;

/** A board for these invariants. */
export function createBoard(
  invariants: readonly Invariant[],
  { now, faults, onLook, known = {} }: BoardOptions,
): Board {
  const entries = new Map(invariants.map((invariant) => [invariant.invariant, newEntry(invariant)]));
  for (const [invariant, { keys, windows }] of Object.entries(known)) {
    const entry = entries.get(Number(invariant));
    for (const key of keys) entry?.acknowledged.add(key);
    entry?.windows.push(...windows);
  }
  const entryOf = (invariant: number): Entry => {
    const entry = entries.get(invariant);
    if (entry === undefined) throw new Error(`invariant ${invariant} is not judged here`);
    return entry;
  };
  const partOf = (entry: Entry, name: string): Part => {
    const part = entry.parts.get(name);
    if (part === undefined) throw new Error(`invariant ${entry.invariant.invariant} has no part ${name}`);
    return part;
  };

  const isViolation = ({ offence, since }: Known): boolean => {
    if (now() < since + offence.lasts) return false;
    if (offence.afterHeal === undefined) return true;
    const state = faults();
    return state.faults === 'none' && (state.healedAt === null || now() >= state.healedAt + offence.afterHeal);
  };

  /** What is known of a part is too old to say anything. */
  const isStale = ({ invariant }: Entry, name: string, { at }: Part): boolean =>
    at === null || now() - at > invariant.parts[name]!;

  const judge = (entry: Entry): { state: VerdictState; violating: Known[]; offending: Known[] } => {
    const offending = [...entry.parts].flatMap(([name, part]) =>
      isStale(entry, name, part) ? [] : [...part.offences.values()],
    );
    const violating = offending.filter(isViolation);
    const isUnknown = [...entry.parts].some(([name, part]) => isStale(entry, name, part));
    if (violating.length > 0) return { state: 'violated', violating, offending };
    if (isUnknown) return { state: 'unknown', violating, offending };
    return { state: offending.length > 0 ? 'settling' : 'holds', violating, offending };
  };

  const verdict = (entry: Entry): Verdict => {
    const { state, violating, offending } = judge(entry);
    const { invariant, parts, checks, violations, checkedAt, milliseconds, violatedSince } = entry;
    const shown = [...violating, ...offending.filter((known) => !violating.includes(known))];
    const beyond = [...parts].reduce(
      (sum, [name, part]) => sum + (isStale(entry, name, part) ? 0 : part.total - part.offences.size - part.known),
      0,
    );
    return {
      invariant: invariant.invariant,
      title: invariant.title,
      when: invariant.when,
      state,
      detail: detailOf(entry, shown[0], (name, part) => isStale(entry, name, part), now()),
      offending: [...new Set(shown.map(({ offence }) => offence.id))].slice(0, mostShown),
      offendingTotal: shown.length + beyond,
      checks,
      violations,
      checkedAt: toText(checkedAt),
      milliseconds,
      violatedSince: state === 'violated' ? toText(violatedSince) : null,
    };
  };

  return {
    note: ({ invariant, part: name, detail, offences }, milliseconds) => {
      const entry = entryOf(invariant);
      const part = partOf(entry, name);
      const at = now();
      const before = part.offences;
      part.offences = new Map();
      part.known = 0;
      part.total = offences.length;
      for (const offence of offences) {
        const key = keyOf(offence);
        if (entry.acknowledged.has(key) || isInWindow(entry, offence)) part.known += 1;
        else if (part.offences.size < mostRemembered)
          part.offences.set(key, { offence, since: before.get(key)?.since ?? at - (offence.age ?? 0) });
      }
      Object.assign(part, { detail, at, why: '' });
      entry.checks += 1;
      entry.checkedAt = at;
      entry.milliseconds = milliseconds;
      const violated = judge(entry).state === 'violated';
      if (violated) entry.violations += 1;
      entry.violatedSince = violated ? (entry.violatedSince ?? at) : null;
      onLook?.(invariant, violated);
    },
    fail: (invariant, name, why) => {
      const part = partOf(entryOf(invariant), name);
      // What offended is remembered: it may still offend, and since then, when it can be seen again.
      part.at = null;
      part.why = why;
    },
    acknowledge: (only, placed) => {
      let marked = 0;
      let known = 0;
      // Whatever has damaged an order may have made it wrong in more ways than one.
      if (placed !== undefined) for (const entry of entries.values()) addWindow(entry, placed);
      for (const entry of only === undefined ? entries.values() : [entryOf(only)]) {
        for (const part of entry.parts.values()) {
          for (const key of part.offences.keys()) {
            if (entry.acknowledged.size >= mostAcknowledged) break;
            entry.acknowledged.add(key);
            part.offences.delete(key);
            part.known += 1;
            marked += 1;
          }
        }
        known += entry.acknowledged.size;
      }
      return { marked, known };
    },
    verdicts: () => [...entries.values()].map(verdict),
    known: () =>
      Object.fromEntries(
        [...entries].map(([invariant, { acknowledged, windows }]) => [invariant, { keys: [...acknowledged], windows }]),
      ),
  };
}

/** `GET /verdicts`' view of the faults. */
export const faultsOf = ({ faults, healedAt }: FaultState): Pick<Verdicts, 'faults' | 'lastHealAt'> => ({
  faults,
  lastHealAt: toText(healedAt),
});

const keyOf = ({ id, key }: Offence): string => key ?? id;

function isInWindow({ windows }: Entry, { id }: Offence): boolean {
  if (windows.length === 0) return false;
  const at = madeAt(id);
  return at !== null && windows.some(({ from, to }) => from <= at && at <= to);
}

/** The same window told again, or told longer, is one. */
function addWindow(entry: Entry, { from, to }: Window): void {
  const same = entry.windows.find((window) => window.from === from);
  if (same !== undefined) same.to = Math.max(same.to, to);
  else entry.windows = [...entry.windows.slice(1 - mostWindows), { from, to }];
}

const toText = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

function newEntry(invariant: Invariant): Entry {
  const parts = Object.keys(invariant.parts).map((name): [string, Part] => [
    name,
    { detail: '', at: null, why: 'not looked at yet', offences: new Map(), known: 0, total: 0 },
  ]);
  return {
    invariant,
    parts: new Map(parts),
    acknowledged: new Set(),
    windows: [],
    checks: 0,
    violations: 0,
    checkedAt: null,
    milliseconds: 0,
    violatedSince: null,
  };
}

/** What offends first, what was looked at, what could not be. */
function detailOf(
  { parts }: Entry,
  worst: Known | undefined,
  isStale: (name: string, part: Part) => boolean,
  now: number,
): string {
  const known = [...parts.values()].reduce((sum, part) => sum + part.known, 0);
  const sentences = [
    ...(worst === undefined ? [] : [worst.offence.why]),
    ...[...parts].map(([name, part]) => {
      if (!isStale(name, part)) return part.detail;
      if (part.at === null) return `${name}: ${part.why}`;
      return `${name}: last looked at ${Math.round((now - part.at) / 1_000)} s ago`;
    }),
    ...(known === 0 ? [] : [`${known} known, acknowledged`]),
  ];
  return sentences.filter((sentence) => sentence !== '').join('; ');
}

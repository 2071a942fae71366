/** What the auditor said during a run, asked once a second. */
import type { Verdict, Verdicts } from '@ballast/contracts';
import type { Violation } from '../judge.ts';

/** One invariant over a whole run. */
export interface Checked {
  invariant: number;
  title: string;
  when: Verdict['when'];
  /** Looks the auditor has taken since it was first asked. */
  checks: number;
  /** Answers in which it could not say. */
  unknown: number;
  /** Answers in which it was violated, and looks that found a violation. */
  violated: number;
  violations: number;
  last: Verdict['state'];
  detail: string;
}

interface Entry extends Checked {
  /** The auditor's own counts at the latest answer; it begins anew when it is started anew. */
  counted: { checks: number; violations: number };
  /** What offended, as first seen. */
  examples: Set<string>;
  /** Answers in which it could say. */
  known: number;
}

/** Examples that are kept of each invariant. */
const mostExamples = 5;

export class VerdictLog {
  readonly #entries = new Map<number, Entry>();
  #answers = 0;
  #silences = 0;

  /** Takes in an answer of `GET /verdicts`; null where there was none. */
  note(verdicts: Verdicts | null): void {
    if (verdicts === null) {
      this.#silences += 1;
      return;
    }
    this.#answers += 1;
    for (const verdict of verdicts.items) this.#noteOne(verdict);
  }

  get answers(): number {
    return this.#answers;
  }

  /** Times it was asked and did not answer. */
  get silences(): number {
    return this.#silences;
  }

  checked(): Checked[] {
    return [...this.#entries.values()]
      .toSorted((one, other) => one.invariant - other.invariant)
      .map(({ counted: _counted, examples: _examples, known: _known, ...checked }) => checked);
  }

  /** Invariants that the auditor lists and never could say anything of. */
  neverKnown(): Checked[] {
    const blind = [...this.#entries.values()].filter(({ known, checks }) => known === 0 || checks === 0);
    return this.checked().filter(({ invariant }) => blind.some((entry) => entry.invariant === invariant));
  }

  /** Invariants that do not hold by the latest answer: after the faults and the time to settle, all have to. */
  unsettled(): Checked[] {
    return this.checked().filter(({ last }) => last !== 'holds');
  }

  /** The auditor says `violated` of quiet invariants only once they have had their time; so each of them counts. */
  violations(): Violation[] {
    return [...this.#entries.values()]
      .filter(({ violated, violations }) => violated > 0 || violations > 0)
      .map(({ invariant, title, when, violated, violations, examples }) => ({
        invariant: `auditor ${invariant}, ${title} (${when})`,
        detail: `violated in ${Math.max(violated, violations)} looks: ${[...examples].join(' | ')}`,
      }));
  }

  #noteOne(verdict: Verdict): void {
    const { invariant, title, when, state, detail, checks, violations } = verdict;
    const entry = this.#entries.get(invariant) ?? {
      invariant,
      title,
      when,
      checks: 0,
      unknown: 0,
      violated: 0,
      violations: 0,
      last: state,
      detail,
      counted: { checks, violations: 0 },
      examples: new Set<string>(),
      known: 0,
    };
    this.#entries.set(invariant, entry);
    // A count that fell began anew: all of it is new.
    const since = (now: number, before: number): number => (now >= before ? now - before : now);
    entry.checks += since(checks, entry.counted.checks);
    entry.violations += since(violations, entry.counted.violations);
    entry.counted = { checks, violations };
    entry.last = state;
    entry.detail = detail;
    if (state === 'unknown') entry.unknown += 1;
    else entry.known += 1;
    if (state !== 'violated') return;
    entry.violated += 1;
    if (entry.examples.size < mostExamples) {
      entry.examples.add(
        `${detail}${verdict.offending.length === 0 ? '' : `: ${verdict.offending.slice(0, 3).join(', ')}`}`,
      );
    }
  }
}

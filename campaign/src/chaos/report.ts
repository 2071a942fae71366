/** What a run found out: as a document, and as lines for a person. */
import type { Experiment, LoadState } from '@ballast/contracts';
import type { Violation } from '../judge.ts';
import type { Injected, NotInjected } from './fault-log.ts';
import type { Guard, RecoveryFigures } from './guards.ts';
import type { TrafficFigures } from './traffic/tally.ts';
import type { Checked } from './verdict-log.ts';

export interface ChaosReport {
  /** The command that does the same again. */
  repeat: string;
  passed: boolean;
  startedAt: string;
  seconds: { scheduled: number; whole: number };
  /** Runs share machines: recovery is slower where others compute. One-minute load averages, and cores. */
  machine: { cores: number; loadBefore: number; loadAfter: number };
  /** Of what there was to break. Two runs with one seed have one schedule only where this is the same. */
  targets: string;
  experiment: Experiment;
  faults: { injected: number; kinds: Injected[]; missing: NotInjected[] };
  recovery: RecoveryFigures[];
  auditor: { answers: number; silences: number; invariants: Checked[] };
  /** The controller's orders and reads, as it counts them. */
  load: LoadState;
  /** The campaign's own customers, by what they do. */
  traffic: TrafficFigures;
  ends: Record<string, number>;
  guards: Guard[];
  violations: Violation[];
}

/** Targets that are named of one kind of fault. */
const mostTargets = 6;

/** The report as lines. */
export function reportLines(report: ChaosReport): string[] {
  const { faults, recovery, auditor, load, traffic, machine } = report;
  const milliseconds = (value: number | null): string => (value === null ? '–' : `${Math.round(value)} ms`);
  return [
    '',
    `faults injected      ${faults.injected}`,
    ...faults.kinds.map(
      ({ what, times, targets }) => `  ${String(times).padStart(3)} ${what.padEnd(26)} ${few(targets)}`,
    ),
    `not injected         ${faults.missing.length}`,
    ...faults.missing.map(({ what, target, why }) => `  ${what} ${target}: ${why}`),
    '',
    'recovery             p50, p99 of those alone; p99 of all; bound',
    ...recovery.map(
      ({ kind, all, alone, p50, p99, p99OfAll, bound, kept, slowest }) =>
        `  ${kind.padEnd(18)} ${`${alone} of ${all}`.padEnd(9)} ${milliseconds(p50)}, ${milliseconds(p99)}; ${milliseconds(p99OfAll)}; ${bound === null ? 'none' : `${bound} ms`}${kept ? '' : `  MISSED by: ${slowest}`}`,
    ),
    '',
    `invariants           checked by the auditor (${auditor.answers} answers, ${auditor.silences} times none)`,
    ...auditor.invariants.map(
      ({ invariant, title, checks, unknown, violated, violations, last }) =>
        `  ${String(invariant).padStart(2)} ${title.padEnd(44)} ${checks} times, ${Math.max(violated, violations)} violated${unknown === 0 ? '' : `, ${unknown} unknown`}${last === 'holds' ? '' : `, at the end ${last}`}`,
    ),
    '',
    `load                 ${load.sent} sent, ${load.accepted} accepted, ${load.refused} refused, ${load.failed} failed, ${load.skipped} left out`,
    ...Object.entries(traffic).map(([name, figures]) => `  ${name.padEnd(18)} ${pairs(figures)}`),
    `ends                 ${pairs(report.ends)}`,
    '',
    'the run counts if',
    ...report.guards.map(({ name, wanted, got, met }) => `  ${met ? 'yes' : 'NO '} ${name}: ${got} (${wanted})`),
    '',
    `violations           ${report.violations.length}`,
    ...report.violations.map(({ invariant, detail }) => `  ${invariant}: ${detail}`),
    `load average         ${machine.loadBefore.toFixed(1)} before, ${machine.loadAfter.toFixed(1)} after, on ${machine.cores} cores; whole run ${report.seconds.whole.toFixed(0)} s`,
    ...(report.passed ? ['passed'] : ['FAILED', `repeat with ${report.repeat}`]),
  ];
}

/** Whether a run has nothing to be blamed for. */
export function isPassed({
  recovery,
  guards,
  violations,
}: Pick<ChaosReport, 'recovery' | 'guards' | 'violations'>): boolean {
  return violations.length === 0 && guards.every(({ met }) => met) && recovery.every(({ kept }) => kept);
}

const pairs = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

function few(targets: Readonly<Record<string, number>>): string {
  const names = Object.entries(targets).map(([name, times]) => (times === 1 ? name : `${name} ×${times}`));
  const more = names.length > mostTargets ? `, and ${names.length - mostTargets} more` : '';
  return `${names.slice(0, mostTargets).join(', ')}${more}`;
}

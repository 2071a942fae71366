/**
 * Runs one experiment at a time: its steps at their times, then everything is healed and calm, then it is judged.
 *
 * | phase     | it is left                                                                                       |
 * | --------- | ------------------------------------------------------------------------------------------------ |
 * | `running` | when its seconds are over                                                                        |
 * | `healing` | when no fault is left and every service is ready                                                 |
 * | `judging` | when the auditor has a verdict on every invariant; both together take ninety seconds at most     |
 * | `done`    | when the next one begins                                                                         |
 * | `stopped` | the same; by `stop`, at any time before                                                          |
 */
import type { Experiment, ExperimentState, Fault, FaultRequest, Load } from '@ballast/contracts';
import { ProblemError, type Report } from '@ballast/service';
import { judge, unsettled, violatedSince, violationCounts } from '../domain/judgement.ts';
import type { Faults } from '../faults/engine.ts';
import { pause } from '../faults/lever.ts';
import type { Journal } from '../journal.ts';
import type { AcceptedOrder, LoadGenerator } from '../load/load.ts';
import type { ChaosState } from '../state.ts';

export interface Runner {
  /** Begins; throws `conflict` while another runs, 422 where a step cannot be done. */
  run(experiment: Experiment): Promise<ExperimentState>;
  /** Ends it and heals what it has broken. */
  stop(): ExperimentState;
  state(): ExperimentState;
  running(): boolean;
  /** Puts the present state into the shared one. */
  publish(): void;
}

const settleMs = 90_000;
const lookMs = 500;
const noLoad: Load = { ordersPerSecond: 0, declined: 0, readsPerSecond: 0 };

/** A run under way. */
interface Run {
  experiment: Experiment;
  began: number;
  abort: AbortController;
  faultIds: string[];
  violated: Set<number>;
}

export function createRunner(parts: {
  faults: Faults;
  /** Throws a `ProblemError` where a fault cannot be planned. */
  check: (request: FaultRequest) => Promise<void>;
  load: LoadGenerator | null;
  journal: Journal;
  state: ChaosState;
  /** Who is not ready. */
  notReady: () => Promise<readonly string[]>;
  /** Of orders that were answered 2xx, those that are not there. */
  missing: (orders: readonly AcceptedOrder[]) => Promise<readonly string[]>;
  recording: () => ExperimentState['recording'];
  report: Report;
}): Runner {
  const { faults, check, load, journal, state, notReady, missing, recording, report } = parts;
  let current: Run | null = null;
  let shown = state.get('experiment');

  const publish = (): void => {
    if (current !== null && shown.phase === 'running') {
      const elapsed = (performance.now() - current.began) / 1_000;
      shown = { ...shown, elapsed: Math.round(Math.min(elapsed, shown.seconds) * 10) / 10 };
    }
    state.set('experiment', { ...shown, recording: recording() });
  };
  const show = (more: Partial<ExperimentState>): void => {
    shown = { ...shown, ...more };
    publish();
  };
  const now = (): ExperimentState => ({ ...shown, recording: recording() });

  const doSteps = async (run: Run): Promise<void> => {
    const { experiment, began, abort } = run;
    const steps = experiment.steps.toSorted((one, other) => one.at - other.at);
    for (const [place, step] of steps.entries()) {
      await pause(Math.max(0, began + step.at * 1_000 - performance.now()), abort.signal);
      if (abort.signal.aborted) return;
      if ('load' in step) {
        load?.set(step.load);
        show({ step: place + 1, doing: `${step.load.ordersPerSecond} orders a second` });
        continue;
      }
      // The next step does not wait for it.
      void inject(run, step.fault, place + 1);
    }
    await pause(Math.max(0, began + experiment.seconds * 1_000 - performance.now()), abort.signal);
  };
  const inject = async (run: Run, request: FaultRequest, step: number): Promise<void> => {
    try {
      const fault = await faults.inject(request);
      run.faultIds.push(fault.id);
      if (current === run && shown.phase === 'running') show({ step: Math.max(step, shown.step), doing: fault.title });
      // Stopped, or at its end, while it was being injected.
      if (run.abort.signal.aborted || shown.phase !== 'running') await faults.heal(fault.id);
    } catch (error) {
      report('a step of an experiment could not be done', error, { step });
    }
  };
  /** Accepted orders that do not exist; null where nobody could say. */
  const lostOf = async (accepted: readonly AcceptedOrder[]): Promise<readonly string[] | null> => {
    try {
      return await missing(accepted);
    } catch (error) {
      report('nobody says whether accepted orders exist', error);
      return null;
    }
  };
  const settle = async (run: Run): Promise<void> => {
    const deadline = performance.now() + settleMs;
    const goOn = (): boolean => !run.abort.signal.aborted && performance.now() < deadline;
    for (;;) {
      const open = faults.busy() ? ['faults'] : await notReady();
      if (open.length === 0 || !goOn()) break;
      show({ doing: `Waiting for ${open.slice(0, 3).join('; ')}` });
      await pause(lookMs, run.abort.signal);
    }
    // Stopped: it is said already.
    if (run.abort.signal.aborted) return;
    show({ phase: 'judging' });
    for (;;) {
      const open = unsettled(state.get('verdicts'));
      if (open.length === 0 || !goOn()) return;
      show({ doing: `Waiting for verdicts on ${open.slice(0, 3).join('; ')}` });
      await pause(lookMs, run.abort.signal);
    }
  };
  const runWhole = async (run: Run): Promise<void> => {
    const before = violationCounts(state.get('verdicts'));
    const totals = journal.totals();
    const acceptedFrom = Date.now();
    const judgeNow = (): void => {
      for (const invariant of violatedSince(before, state.get('verdicts'))) run.violated.add(invariant);
    };
    const unwatch = state.onChange('verdicts', judgeNow);
    try {
      await doSteps(run);
      // Stopped: the load may be another's by now.
      if (run.abort.signal.aborted) return;
      load?.set(noLoad);
      show({ phase: 'healing', elapsed: run.experiment.seconds, doing: 'Healing what is left' });
      await faults.healAll();
      await settle(run);
      if (run.abort.signal.aborted) return;
      const accepted = load?.accepted().filter(({ at }) => at >= acceptedFrom) ?? [];
      // Whatever a client was told 2xx exists.
      const lost = await lostOf(accepted);
      if (run.abort.signal.aborted) return;
      if (lost !== null && lost.length > 0) run.violated.add(7);
      judgeNow();
      const after = journal.totals();
      const found = run.faultIds.map((id) => faults.find(id)).filter((fault): fault is Fault => fault !== null);
      const judged = judge({
        faults: found,
        violated: run.violated,
        verdicts: state.get('verdicts'),
        requests: after.requests - totals.requests,
        failed: after.failed - totals.failed,
      });
      // What nobody could look for is not shown as if it were there.
      const result = { ...judged, passed: judged.passed && lost !== null };
      current = null;
      show({ phase: 'done', doing: result.passed ? 'It has passed' : 'It has not passed', result });
    } catch (error) {
      report('an experiment broke off', error);
      if (current !== run) return;
      current = null;
      load?.set(noLoad);
      show({ phase: 'stopped', doing: 'It broke off' });
      await faults.healAll();
    } finally {
      unwatch();
    }
  };

  return {
    run: async (experiment) => {
      const refuse = (): void => {
        if (current !== null) throw new ProblemError('conflict', 'Another experiment is running: stop it first.');
      };
      refuse();
      await checkSteps(experiment, check);
      refuse();
      const run: Run = {
        experiment,
        began: performance.now(),
        abort: new AbortController(),
        faultIds: [],
        violated: new Set(),
      };
      current = run;
      load?.seed(experiment.seed);
      show({
        phase: 'running',
        name: experiment.name,
        startedAt: new Date().toISOString(),
        elapsed: 0,
        seconds: experiment.seconds,
        step: 0,
        steps: experiment.steps.length,
        doing: 'It begins',
      });
      void runWhole(run);
      return now();
    },
    stop: () => {
      const run = current;
      if (run === null) return now();
      current = null;
      run.abort.abort();
      load?.set(noLoad);
      show({ phase: 'stopped', doing: 'It was stopped' });
      void faults.healAll();
      return now();
    },
    state: now,
    running: () => current !== null,
    publish,
  };
}

async function checkSteps(experiment: Experiment, check: (request: FaultRequest) => Promise<void>): Promise<void> {
  for (const [place, step] of experiment.steps.entries()) {
    if (step.at > experiment.seconds) {
      const field = `steps.${place}.at`;
      throw new ProblemError('invalid-input', `${field} is after the end of the experiment.`, { field });
    }
    if (!('fault' in step)) continue;
    try {
      await check(step.fault);
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== 'invalid-input') throw error;
      const field = `steps.${place}.fault.${error.field ?? 'kind'}`;
      throw new ProblemError('invalid-input', `${field}: ${error.message}`, { field });
    }
  }
}

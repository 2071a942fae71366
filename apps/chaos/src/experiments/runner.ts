/**
 * Runs one experiment at a time: its steps at their times, then everything is healed and calm, then it is judged.
 *
 * | phase     | it is left                                                                                       |
 * | --------- | ------------------------------------------------------------------------------------------------ |
 * | `running` | when its seconds are over and its last injection has been answered                               |
 * | `healing` | when no fault is left, no request of the load is under way, and every service is ready           |
 * | `judging` | when the auditor has looked at every invariant since; both together take ninety seconds at most  |
 * | `done`    | when the next one begins                                                                         |
 * | `stopped` | the same; by `stop`, at any time before                                                          |
 */
import type { Experiment, ExperimentState, Fault, FaultRequest, Load } from '@ballast/contracts';
import { ProblemError, type Report } from '@ballast/service';
import { judge, looksOf, reasonsAgainst, unsettled, violatedSince, type Outcome } from '../domain/judgement.ts';
import type { Faults } from '../faults/engine.ts';
import { pause } from '../faults/lever.ts';
import type { Journal } from '../journal.ts';
import type { AcceptedOrder, LoadGenerator } from '../load/load.ts';
import type { ChaosState } from '../state.ts';
import { checkSteps, doSteps } from './steps.ts';

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
/** A look of the auditor's that was under way when all was calm has ended by then, in ms: later ones have seen the calm. */
const lookLastsMs = 2_000;
const noLoad: Load = { ordersPerSecond: 0, declined: 0, readsPerSecond: 0 };

/** A run under way. */
interface Run {
  experiment: Experiment;
  began: number;
  abort: AbortController;
  /** Its faults by id, as they were seen last: some are over long before the end, and forgotten elsewhere. */
  faults: Map<string, Fault>;
  /** Steps that could not be done. */
  notDone: number;
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
  /** In place of ninety seconds, in ms. */
  patienceMs?: number;
}): Runner {
  const { faults, check, load, journal, state, notReady, missing, recording, report } = parts;
  const patienceMs = parts.patienceMs ?? settleMs;
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

  const inject = async (run: Run, request: FaultRequest, step: number): Promise<void> => {
    try {
      const fault = await faults.inject(request);
      run.faults.set(fault.id, fault);
      if (!run.abort.signal.aborted) show({ step: Math.max(step, shown.step), doing: fault.title });
      // Stopped while it was being injected.
      else await faults.heal(fault.id);
    } catch (error) {
      run.notDone += 1;
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
  /** What is not over yet, for people. */
  const unrest = async (): Promise<readonly string[]> => {
    if (faults.busy()) return ['faults'];
    const { inFlight = 0, load: now = noLoad } = load?.state() ?? {};
    // Of orders under way some are accepted yet. A load that somebody has begun by hand has no end.
    const isSilent = now.ordersPerSecond === 0 && now.readsPerSecond === 0;
    if (isSilent && inFlight > 0) return ['requests under way'];
    return await notReady();
  };
  /** Waits for calm, and then for verdicts on it; resolves to what was still waited for when time was up. */
  const settle = async (run: Run): Promise<readonly string[]> => {
    const deadline = performance.now() + patienceMs;
    const waitFor = async (what: string, look: () => Promise<readonly string[]>): Promise<readonly string[]> => {
      for (;;) {
        const open = await look();
        if (open.length === 0 || run.abort.signal.aborted || performance.now() >= deadline) return open;
        show({ doing: `Waiting for ${what}${open.slice(0, 3).join('; ')}` });
        await pause(lookMs, run.abort.signal);
      }
    };
    const open = await waitFor('', unrest);
    // Stopped: it is said already.
    if (open.length > 0 || run.abort.signal.aborted) return open;
    const since = Date.now() + lookLastsMs;
    show({ phase: 'judging' });
    return await waitFor('verdicts on ', async () => unsettled(state.get('verdicts'), since));
  };
  const runWhole = async (run: Run): Promise<void> => {
    const { experiment, began, abort } = run;
    const totals = journal.totals();
    const acceptedFrom = Date.now();
    let looks = looksOf(state.get('verdicts'));
    const look = (): void => {
      const verdicts = state.get('verdicts');
      for (const invariant of violatedSince(looks, verdicts)) run.violated.add(invariant);
      if (verdicts !== null) looks = looksOf(verdicts);
    };
    const unwatch = [
      state.onChange('verdicts', look),
      state.onChange('faults', (all) => {
        for (const fault of all) if (run.faults.has(fault.id)) run.faults.set(fault.id, fault);
      }),
    ];
    try {
      await doSteps(experiment, {
        began,
        signal: abort.signal,
        load: (next, step) => {
          load?.set(next);
          show({ step, doing: `${next.ordersPerSecond} orders a second` });
        },
        inject: (request, step) => inject(run, request, step),
      });
      // Stopped: the load may be another's by now.
      if (abort.signal.aborted) return;
      load?.set(noLoad);
      show({ phase: 'healing', elapsed: experiment.seconds, doing: 'Healing what is left' });
      await faults.healAll();
      const open = await settle(run);
      if (abort.signal.aborted) return;
      const lost = await lostOf(load?.accepted().filter(({ at }) => at >= acceptedFrom) ?? []);
      if (abort.signal.aborted) return;
      // Whatever a client was told 2xx exists.
      if (lost !== null && lost.length > 0) run.violated.add(7);
      look();
      const after = journal.totals();
      const outcome: Outcome = {
        faults: [...run.faults].map(([id, seen]) => faults.find(id) ?? seen),
        notDone: run.notDone,
        violated: run.violated,
        open,
        lostOrders: lost === null ? null : lost.length,
        requests: after.requests - totals.requests,
        failed: after.failed - totals.failed,
      };
      const reasons = reasonsAgainst(outcome);
      const doing = reasons.length === 0 ? 'It has passed' : `It has not passed: ${reasons.join('; ')}`.slice(0, 500);
      current = null;
      show({ phase: 'done', doing, result: judge(outcome) });
    } catch (error) {
      report('an experiment broke off', error);
      if (current !== run) return;
      current = null;
      run.abort.abort();
      load?.set(noLoad);
      show({ phase: 'stopped', doing: 'It broke off' });
      await faults.healAll();
    } finally {
      for (const stop of unwatch) stop();
    }
  };

  return {
    run: async (experiment) => {
      const refuse = (): void => {
        if (current !== null) throw new ProblemError('conflict', 'Another experiment is running: stop it first.');
      };
      refuse();
      await checkSteps(experiment, { check, hasLoad: load !== null });
      refuse();
      const run: Run = {
        experiment,
        began: performance.now(),
        abort: new AbortController(),
        faults: new Map(),
        notDone: 0,
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

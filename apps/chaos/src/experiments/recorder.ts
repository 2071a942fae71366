/** Writes down what is done by hand, so that it can be done again. */
import type { Experiment, ExperimentState, Fault, FaultRequest, Load } from '@ballast/contracts';

export interface Recorder {
  /** Begins, with the load that is on already; false where it is recording already. */
  begin(load: Load): boolean;
  /** Ends it; null where nothing was being recorded. */
  end(find: (id: string) => Fault | null): Experiment | null;
  /** A fault was injected by hand. */
  injected(fault: Fault): void;
  loaded(load: Load): void;
  state(): ExperimentState['recording'];
}

/** As the contract has it; what is done beyond is not written down. */
const mostSteps = 2_000;
const mostSeconds = 3_600;

type Step = { at: number; load: Load } | { at: number; fault: FaultRequest; id: string };

/** Nothing is being recorded yet. `now` is in ms since 1970. */
export function createRecorder(now: () => number = Date.now): Recorder {
  let began: number | null = null;
  let steps: Step[] = [];

  /** Seconds into the recording. */
  const since = (time: number): number => Math.max(0, time - (began ?? time)) / 1_000;
  const tenths = (seconds: number): number => Math.round(seconds * 10) / 10;
  const add = (step: Step): void => {
    if (began !== null && steps.length < mostSteps && step.at <= mostSeconds) steps.push(step);
  };

  return {
    begin: (load) => {
      if (began !== null) return false;
      began = now();
      steps = load.ordersPerSecond > 0 || load.readsPerSecond > 0 ? [{ at: 0, load }] : [];
      return true;
    },
    end: (find) => {
      if (began === null) return null;
      // No step is after the end, also where the clock was set back.
      const seconds = Math.ceil(Math.max(1, since(now()), ...steps.map(({ at }) => at)));
      const experiment: Experiment = {
        version: 1,
        name: `Recorded ${new Date(began).toISOString().slice(0, 16).replace('T', ' ')}`,
        seed: 1,
        seconds: Math.min(mostSeconds, seconds),
        steps: steps
          .toSorted((one, other) => one.at - other.at)
          .map((step) => ('load' in step ? step : { at: step.at, fault: asLongAs(step.fault, find(step.id)) })),
      };
      began = null;
      steps = [];
      return experiment;
    },
    // Its answer may come seconds after its effect.
    injected: ({ id, request, injectedAt }) => add({ at: tenths(since(Date.parse(injectedAt))), fault: request, id }),
    loaded: (load) => add({ at: tenths(since(now())), load }),
    state: () => (began === null ? null : { since: new Date(began).toISOString(), steps: steps.length }),
  };
}

/** A fault that was healed by hand lasts as long as it really did. */
function asLongAs(request: FaultRequest, fault: Fault | null): FaultRequest {
  if (fault?.endedAt === null || fault?.endedAt === undefined) return request;
  // What is over as soon as it has been done has no length.
  if (fault.until === fault.injectedAt) return request;
  const lasted = Math.ceil((Date.parse(fault.endedAt) - Date.parse(fault.injectedAt)) / 1_000);
  return { ...request, seconds: Math.max(1, Math.min(request.seconds, lasted)) };
}

/** Writes down what is done by hand, so that it can be done again. */
import type { Experiment, ExperimentState, Fault, FaultRequest, Load } from '@ballast/contracts';

export interface Recorder {
  /** Begins; false where it is recording already. */
  begin(load: Load): boolean;
  /** Ends it; null where nothing was being recorded. */
  end(find: (id: string) => Fault | null): Experiment | null;
  injected(fault: Fault): void;
  loaded(load: Load): void;
  state(): ExperimentState['recording'];
}

const mostSteps = 2_000;
const mostSeconds = 3_600;

type Step = { at: number; load: Load } | { at: number; fault: FaultRequest; id: string };

export function createRecorder(): Recorder {
  let began: { clock: number; since: Date } | null = null;
  let steps: Step[] = [];

  const at = (): number =>
    began === null ? 0 : Math.min(mostSeconds, Math.round((performance.now() - began.clock) / 100) / 10);
  const add = (step: Step): void => {
    if (began !== null && steps.length < mostSteps) steps.push(step);
  };

  return {
    begin: (load) => {
      if (began !== null) return false;
      began = { clock: performance.now(), since: new Date() };
      steps = load.ordersPerSecond > 0 || load.readsPerSecond > 0 ? [{ at: 0, load }] : [];
      return true;
    },
    end: (find) => {
      if (began === null) return null;
      const experiment: Experiment = {
        version: 1,
        name: `Recorded ${began.since.toISOString().slice(0, 16).replace('T', ' ')}`,
        seed: 1,
        seconds: Math.max(1, Math.min(mostSeconds, Math.ceil((performance.now() - began.clock) / 1_000))),
        steps: steps.map((step) =>
          'load' in step ? step : { at: step.at, fault: asLongAs(step.fault, find(step.id)) },
        ),
      };
      began = null;
      steps = [];
      return experiment;
    },
    injected: (fault) => add({ at: at(), fault: fault.request, id: fault.id }),
    loaded: (load) => add({ at: at(), load }),
    state: () => (began === null ? null : { since: began.since.toISOString(), steps: steps.length }),
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

/** Every call `/chaos` makes beside its live stream, by name and with its types. All are for operators, in the lab. */
import type {
  Experiment,
  ExperimentState,
  Fault,
  FaultRequest,
  FaultTargets,
  Load,
  LoadState,
} from '@ballast/contracts';
import { call } from './calls.ts';

/** Address of the live stream. */
export const liveAddress = '/api/live';

/** Milliseconds a call may take: what is broken may be what the controller has to ask. */
const patienceMilliseconds = 20_000;

function send<Answer>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Answer> {
  return call(`/api/chaos/${path}`, {
    method,
    patient: false,
    timeoutMilliseconds: patienceMilliseconds,
    ...(body === undefined ? {} : { body }),
  });
}

/** What can be broken here. */
export function getTargets(signal: AbortSignal): Promise<FaultTargets> {
  return call('/api/chaos/targets', { signal });
}

export function injectFault(request: FaultRequest): Promise<Fault> {
  return send('POST', 'faults', request);
}

export function healFault(id: string): Promise<unknown> {
  return send('DELETE', `faults/${encodeURIComponent(id)}`);
}

export function healAll(): Promise<unknown> {
  return send('DELETE', 'faults');
}

export function putLoad(load: Load): Promise<LoadState> {
  return send('PUT', 'load', load);
}

/** The experiments that come with Ballast. */
export function getExperiments(signal: AbortSignal): Promise<{ items: Experiment[] }> {
  return call('/api/chaos/experiments', { signal });
}

export function startExperiment(experiment: Experiment): Promise<ExperimentState> {
  return send('POST', 'experiment', experiment);
}

/** Stops the experiment that runs, and heals. */
export function stopExperiment(): Promise<ExperimentState> {
  return send('DELETE', 'experiment');
}

export function startRecording(): Promise<unknown> {
  return send('POST', 'recording');
}

/** Ends the recording and answers what was recorded. */
export function stopRecording(): Promise<Experiment> {
  return send('DELETE', 'recording');
}

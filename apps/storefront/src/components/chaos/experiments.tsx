/** Experiments: the drill that comes with Ballast, and those driven by hand, recorded, and kept as files. */
import { useState } from 'preact/hooks';
import type { Experiment, ExperimentState } from '@ballast/contracts';
import { getExperiments, startExperiment, startRecording, stopExperiment, stopRecording } from '../../api/chaos.ts';
import { experiment } from '../../state/chaos-live.ts';
import { formatDuration, plural } from '../../format/time.ts';
import { useResource } from '../hooks.ts';
import { SelectField } from '../lab/fields.tsx';
import { useAction } from './action.ts';
import type { Action } from './action.ts';
import { ExperimentFile } from './experiment-file.tsx';
import { ExperimentResult } from './experiment-result.tsx';
import { Problem } from './problem.tsx';

const running: ReadonlySet<ExperimentState['phase']> = new Set(['running', 'healing', 'judging']);

export function Experiments() {
  const state = experiment.value;
  const action = useAction();
  const [own, setOwn] = useState<Experiment | null>(null);
  const isRunning = state !== null && running.has(state.phase);
  return (
    <section class="chaos-card" aria-labelledby="experiments">
      <h2 id="experiments">Experiments</h2>
      {isRunning ? <Progress state={state} action={action} /> : <Drill action={action} />}
      <Drive state={state} own={own} isRunning={isRunning} action={action} onOwn={setOwn} />
      <Problem sentence={action.problem} />
      {state !== null && !isRunning && <ExperimentResult state={state} />}
    </section>
  );
}

const phaseWords: Record<ExperimentState['phase'], string> = {
  idle: 'Nothing runs',
  running: 'Running',
  healing: 'Healing what is left',
  judging: 'Waiting, then judging',
  done: 'Done',
  stopped: 'Stopped',
};

function Progress({ state, action }: { state: ExperimentState; action: Action }) {
  const share = state.seconds <= 0 ? 0 : Math.min(1, state.elapsed / state.seconds);
  return (
    <div class="experiment-progress" data-testid="experiment-progress" data-phase={state.phase}>
      <p>
        <strong>{state.name ?? 'Experiment'}</strong>: {phaseWords[state.phase].toLowerCase()}
      </p>
      <progress class="level" max={1} value={share} aria-label="Progress of the experiment" />
      <p class="small">
        Step {state.step} of {state.steps}, {formatDuration(Math.floor(state.elapsed) * 1000)} of{' '}
        {formatDuration(state.seconds * 1000)}. {state.doing}
      </p>
      <button
        type="button"
        class="button button-quiet button-small"
        aria-disabled={action.busy ? true : undefined}
        onClick={() => void action.run(stopExperiment)}
        data-testid="stop-experiment"
      >
        {action.busy ? 'Stopping…' : 'Stop and heal'}
      </button>
    </div>
  );
}

/** The drill is chosen already; other experiments that come with Ballast are a choice away. */
function Drill({ action }: { action: Action }) {
  const known = useResource('experiments', getExperiments);
  const [name, setName] = useState('');
  const items = known.data?.items ?? [];
  const chosen = items.find((item) => item.name === name) ?? items[0];
  return (
    <div class="experiment-part">
      <h3>Drill</h3>
      {known.status === 'failed' && (
        <p class="small">The built-in experiments could not be had. Another try is under way.</p>
      )}
      {chosen !== undefined && (
        <>
          {items.length > 1 && (
            <SelectField id="experiment-name" label="A fixed tour" value={chosen.name} onChange={setName}>
              {items.map((item) => (
                <option key={item.name} value={item.name}>
                  {item.name}
                </option>
              ))}
            </SelectField>
          )}
          <p class="small">
            {chosen.description ?? chosen.name}
            {/[.!?]$/.test(chosen.description ?? chosen.name) ? '' : '.'} {plural(chosen.steps.length, 'step')} in{' '}
            {formatDuration(chosen.seconds * 1000)}.
          </p>
        </>
      )}
      <button
        type="button"
        class="button"
        disabled={chosen === undefined}
        aria-disabled={action.busy ? true : undefined}
        onClick={() => {
          if (chosen !== undefined) void action.run(() => startExperiment(chosen));
        }}
        data-testid="run-drill"
      >
        Run {chosen === undefined ? 'the drill' : `“${chosen.name}”`}
      </button>
    </div>
  );
}

type DriveProps = {
  state: ExperimentState | null;
  own: Experiment | null;
  isRunning: boolean;
  action: Action;
  onOwn: (experiment: Experiment | null) => void;
};

function Drive({ state, own, isRunning, action, onOwn }: DriveProps) {
  const recording = state?.recording ?? null;
  const stop = async (): Promise<void> => {
    await action.run(async () => onOwn(await stopRecording()));
  };
  return (
    <div class="experiment-part">
      <h3>Drive</h3>
      {recording === null ? (
        <p class="small">Record what you break and heal by hand, keep it as a file, and run it again.</p>
      ) : (
        <p class="small" data-testid="recording">
          <strong class="text-bad">● Recording.</strong> {plural(recording.steps, 'step')} so far: break something in
          the mesh, or change the load.
        </p>
      )}
      <div class="experiment-buttons">
        <button
          type="button"
          class="button button-quiet button-small"
          aria-disabled={action.busy ? true : undefined}
          disabled={isRunning && recording === null}
          onClick={() => void (recording === null ? action.run(startRecording) : stop())}
          data-testid="record"
        >
          {recording === null ? 'Record' : 'Stop recording'}
        </button>
        <ExperimentFile own={own} onOwn={onOwn} onProblem={action.tell} />
        {own !== null && (
          <button
            type="button"
            class="button button-small"
            disabled={isRunning}
            aria-disabled={action.busy ? true : undefined}
            onClick={() => void action.run(() => startExperiment(own))}
            data-testid="run-own"
          >
            Run “{own.name}”
          </button>
        )}
      </div>
      {own !== null && (
        <p class="small" data-testid="own-experiment">
          “{own.name}”: {plural(own.steps.length, 'step')} in {formatDuration(own.seconds * 1000)}, seed {own.seed}.
        </p>
      )}
    </div>
  );
}

/** An experiment as a file: taken in when it is one, given out as JSON. */
import { useRef } from 'preact/hooks';
import type { Experiment } from '@ballast/contracts';
import { fileNameOf } from '../../chaos/experiment-name.ts';

type ExperimentFileProps = {
  own: Experiment | null;
  onOwn: (experiment: Experiment) => void;
  /** Why a file was not taken; null when a new one is looked at. */
  onProblem: (sentence: string | null) => void;
};

export function ExperimentFile({ own, onOwn, onProblem }: ExperimentFileProps) {
  const input = useRef<HTMLInputElement>(null);

  const read = async (file: File): Promise<void> => {
    onProblem(null);
    // Only those who bring a file need what checks it.
    const { longestFile, readExperiment } = await import('../../chaos/experiment-file.ts');
    if (file.size > longestFile) return onProblem('This file is too long to be an experiment.');
    const { experiment, problem } = readExperiment(await file.text());
    if (experiment === null) onProblem(problem);
    else onOwn(experiment);
  };

  return (
    <>
      <button
        type="button"
        class="button button-quiet button-small"
        onClick={() => input.current?.click()}
        data-testid="import-experiment"
      >
        Import a file
      </button>
      <input
        ref={input}
        class="visually-hidden"
        type="file"
        accept="application/json,.json"
        tabIndex={-1}
        aria-label="A file with an experiment"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          // The same file chosen again is a new choice.
          event.currentTarget.value = '';
          if (file !== undefined) void read(file).catch(reportError);
        }}
        data-testid="experiment-file"
      />
      {own !== null && (
        <button
          type="button"
          class="button button-quiet button-small"
          onClick={() => save(own)}
          data-testid="export-experiment"
        >
          Export as JSON
        </button>
      )}
    </>
  );
}

function save(experiment: Experiment): void {
  const address = URL.createObjectURL(
    new Blob([`${JSON.stringify(experiment, null, 2)}\n`], { type: 'application/json' }),
  );
  const link = document.createElement('a');
  link.href = address;
  link.download = fileNameOf(experiment.name);
  link.click();
  // The download has its own hold on the data by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

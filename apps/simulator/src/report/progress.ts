/** What is told while a simulation runs: a line that is written over on a terminal, and one every two seconds elsewhere. */
import type { Options } from '../config.ts';
import type { Crew } from '../crew/crew.ts';
import { judgeScenarios } from './comparison.ts';
import { progressLine } from './text.ts';

export interface Screen {
  say(...lines: string[]): void;
  /** Replaces the line before it, where that can be. */
  progress(line: string): void;
  /** Removes the line of progress, where there is one. */
  clear(): void;
  /** Between two lines of progress, in ms. */
  everyMs: number;
}

/** A screen on a stream. */
export function screenOn(stream: NodeJS.WriteStream): Screen {
  const terminal = stream.isTTY;
  let shown = false;
  const clear = (): void => {
    if (shown) stream.write('\r\u001b[K');
    shown = false;
  };
  return {
    everyMs: terminal ? 1_000 : 2_000,
    clear,
    say: (...lines) => {
      clear();
      stream.write(lines.map((line) => `${line}\n`).join(''));
    },
    progress: (line) => {
      if (!terminal) return void stream.write(`${line}\n`);
      clear();
      // A longer line would wrap, and what wraps cannot be written over.
      stream.write(line.slice(0, Math.max(20, stream.columns - 1)));
      shown = true;
    },
  };
}

/** Begins to tell how it goes; call what is returned to end that. */
export function watchProgress(watched: {
  options: Pick<Options, 'allotted' | 'devices'>;
  crew: Pick<Crew, 'latest'>;
  screen: Screen;
  startsAt: number;
}): () => void {
  const { options, crew, screen, startsAt } = watched;
  let frames = 0;
  const timer = setInterval(() => {
    const seen = crew.latest();
    const perSecond = ((seen.telemetry.sent - frames) * 1_000) / screen.everyMs;
    frames = seen.telemetry.sent;
    const unexpected = judgeScenarios(options.allotted, seen, false)
      .flatMap((result) => result.seen)
      .filter((outcome) => !outcome.expected)
      .reduce((sum, { count }) => sum + count, 0);
    screen.progress(
      progressLine(Math.max(0, Date.now() - startsAt) / 1_000, options.devices, seen, perSecond, unexpected),
    );
  }, screen.everyMs);
  return () => {
    clearInterval(timer);
    screen.clear();
  };
}

/** Those who play devices: the threads of this process, and other processes that have joined. */
import { Worker } from 'node:worker_threads';
import type { Options } from '../config.ts';
import { partOf } from '../mix.ts';
import { Problem } from '../problem.ts';
import { sumOf, Tally, type Snapshot } from '../tally.ts';
import type { Assignment, FromThread, Moments, ToThread } from './assignment.ts';

/** One or many of them, led alike. */
export interface Crew {
  /** Resolves once every device has what it needs; rejects where it cannot be had. */
  prepared: Promise<void>;
  go(moments: Moments): void;
  /** Breaks off. */
  stop(): void;
  /** How it stands, as of a second ago at the most. */
  latest(): Snapshot;
  /** Resolves to the last word once all have ended; rejects where one was lost. */
  done: Promise<Snapshot>;
  /** Ends what is still running, at once. */
  end(): Promise<void>;
}

/** The promise, of which nobody has to take notice: a failure is told by whichever promise is waited for. */
export function unwatched<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => undefined);
  return promise;
}

/** Several crews as one. */
export function together(crews: readonly Crew[]): Crew {
  return {
    prepared: unwatched(Promise.all(crews.map((crew) => crew.prepared)).then(() => {})),
    go: (moments) => crews.forEach((crew) => crew.go(moments)),
    stop: () => crews.forEach((crew) => crew.stop()),
    latest: () => sumOf(crews.map((crew) => crew.latest())),
    done: unwatched(Promise.all(crews.map((crew) => crew.done)).then(sumOf)),
    end: async () => void (await Promise.all(crews.map((crew) => crew.end()))),
  };
}

/** Starts this process's threads; each begins to prepare at once. */
export function startThreads(options: Options): Crew {
  const { join, threads } = options;
  const shares = join.processes * threads;
  return together(
    Array.from({ length: threads }, (_, thread) =>
      startThread({
        devices: partOf(options.allotted, { process: join.process - 1, processes: join.processes, thread, threads }),
        gateway: options.gateway,
        identity: options.identity,
        operator: options.operator,
        rate: options.rate,
        connectRate: options.connectRate / shares,
        unknown: Math.max(1, Math.floor(options.unknown / shares)),
        authDeadlineMs: options.authDeadline * 1_000,
        patienceMs: options.patience * 1_000,
        tokenSeconds: options.seconds + 1_800,
        seed: options.seed,
      }),
    ),
  );
}

function startThread(assignment: Assignment): Crew {
  const prepared = Promise.withResolvers<void>();
  const done = Promise.withResolvers<Snapshot>();
  let latest = new Tally().snapshot();
  const worker = new Worker(new URL('thread.ts', import.meta.url), { workerData: assignment });
  const tell = (message: ToThread): void => {
    // A thread has no origin; the rule is about windows.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    worker.postMessage(message);
  };
  const fail = (error: Error): void => {
    prepared.reject(error);
    done.reject(error);
  };
  worker.on('message', (message: FromThread) => {
    switch (message.kind) {
      case 'snapshot':
        latest = message.snapshot;
        break;
      case 'prepared':
        prepared.resolve();
        break;
      case 'done':
        latest = message.snapshot;
        prepared.resolve();
        done.resolve(message.snapshot);
        break;
      case 'failed':
        fail(message.plain ? new Problem(message.message) : new Error(message.message));
        break;
    }
  });
  worker.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => fail(new Error(`a thread has ended with ${code} before its devices had`)));
  return {
    prepared: unwatched(prepared.promise),
    go: (moments) => tell({ kind: 'go', moments }),
    stop: () => tell({ kind: 'stop' }),
    latest: () => latest,
    done: unwatched(done.promise),
    end: async () => void (await worker.terminate()),
  };
}

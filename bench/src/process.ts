/** A contender in a process of its own: the parent tells it how long and how many at once, it answers what it has done. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Contender } from './measure.ts';

interface Work {
  /** One operation, from start to end. */
  one: () => Promise<void>;
  /** Throws where less than `operations` were really done. */
  check: (operations: number) => Promise<void>;
  stop: () => Promise<void>;
}

type Request = { kind: 'run'; milliseconds: number; atOnce: number } | { kind: 'stop' };
type Answer = { kind: 'ready' } | { kind: 'done'; operations: number } | { kind: 'failed'; message: string };

/** Child's side. */
export function serve(work: Work): void {
  const answer = (value: Answer): void => void process.send!(value);
  let total = 0;
  process.on('message', (request: Request) => {
    void (async () => {
      if (request.kind === 'stop') {
        await work.stop();
        process.exit(0);
      }
      let operations = 0;
      const until = performance.now() + request.milliseconds;
      const worker = async (): Promise<void> => {
        while (performance.now() < until) {
          await work.one();
          operations += 1;
        }
      };
      await Promise.all(Array.from({ length: request.atOnce }, worker));
      total += operations;
      await work.check(total);
      answer({ kind: 'done', operations });
    })().catch((error: unknown) => answer({ kind: 'failed', message: String((error as Error).stack ?? error) }));
  });
  answer({ kind: 'ready' });
}

export interface Forked {
  pid: number;
  /** The contender with that many operations at once. */
  contender(name: string, atOnce: number): Contender;
  stop(): Promise<void>;
}

/** Parent's side: resolves once the child is ready. */
export async function forked(file: string, environment: Record<string, string>): Promise<Forked> {
  const child: ChildProcess = fork(file, { env: { ...process.env, ...environment } });
  const exited = once(child, 'exit');
  const next = async (): Promise<Answer> => {
    const gone = exited.then(([code]) => {
      throw new Error(`${file} ended with ${String(code)}`);
    });
    const [answer] = (await Promise.race([once(child, 'message'), gone])) as [Answer];
    if (answer.kind === 'failed') throw new Error(answer.message);
    return answer;
  };
  await next();
  return {
    pid: child.pid!,
    contender: (name, atOnce) => ({
      name,
      pids: [child.pid!],
      run: async (milliseconds) => {
        const answered = next();
        child.send({ kind: 'run', milliseconds, atOnce } satisfies Request);
        const answer = await answered;
        return answer.kind === 'done' ? answer.operations : 0;
      },
    }),
    stop: async () => {
      child.send({ kind: 'stop' } satisfies Request);
      await exited;
    },
  };
}

/** A reporter for `node --test-reporter`: what each test came to, one JSON object a line. Read by test-file.ts. */
import { inspect } from 'node:util';
import type { TestEvent } from 'node:test/reporters';

/** One line of the report. A `summary` at the end says that the file ran to its end. */
export type ReportLine =
  | {
      kind: 'test';
      name: string;
      /** 0 for a test that is in no other. */
      nesting: number;
      isSuite: boolean;
      passed: boolean;
      /** Why it is not counted as run, e.g. `skipped: needs Docker`. */
      notRun?: string;
      /** Node's word for why it failed, e.g. `subtestsFailed`. */
      failureType?: string;
      error?: string;
    }
  | { kind: 'summary' };

/** Called by Node with the events of one process. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    const line = toLine(event);
    if (line !== undefined) yield `${JSON.stringify(line)}\n`;
  }
}

function toLine(event: TestEvent): ReportLine | undefined {
  if (event.type === 'test:summary') return { kind: 'summary' };
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return undefined;
  const { name, nesting, details, skip, todo } = event.data;
  const notRun = reason('skipped', skip) ?? reason('to do', todo);
  return {
    kind: 'test',
    name,
    nesting,
    isSuite: details.type === 'suite',
    passed: event.type === 'test:pass',
    ...(notRun === undefined ? {} : { notRun }),
    ...(event.type === 'test:fail' ? failure(event.data.details.error) : {}),
  };
}

function reason(word: string, value: string | boolean | undefined): string | undefined {
  if (value === undefined || value === false) return undefined;
  return typeof value === 'string' && value !== '' ? `${word}: ${value}` : word;
}

/** Node wraps what a test threw; the cause has the stack that points into the test. */
function failure(error: Error & { failureType?: string }): { failureType?: string; error: string } {
  const cause = error.cause ?? error;
  const text = cause instanceof Error ? withCauses(cause) : inspect(cause);
  return { ...(error.failureType === undefined ? {} : { failureType: error.failureType }), error: text };
}

function withCauses(error: Error): string {
  const text = error.stack ?? error.message;
  return error.cause instanceof Error ? `${text}\ncaused by ${withCauses(error.cause)}` : text;
}

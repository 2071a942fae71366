/** The tools of `/lab`: commands for a shell, waiting for something to come about, and the list of decisions. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readDecision } from '../build/decisions.ts';
import { ApiError } from '../src/api/errors.ts';
import { curlCommand } from '../src/lab/curl.ts';
import { services } from '../src/lab/services.ts';
import { pause, watchUntil } from '../src/lab/watch.ts';

/** What a shell makes of a command: its words, with `$TOKEN` and the like filled in. */
function wordsOf(command: string): string[] {
  const script = `uuidgen() { echo fresh-key; }\ncurl() { for word in "$@"; do printf '%s\\n' "$word"; done; }\n${command}`;
  const env = { PATH: process.env['PATH'] ?? '', TOKEN: 'the-token', ORDER: 'the-order' };
  return execFileSync('sh', ['-c', script], { env, encoding: 'utf8' }).trimEnd().split('\n');
}

describe('a call as curl', () => {
  it('carries the bearer token, a fresh key and the body, whatever is in it', () => {
    const body = { orderId: '$ORDER', details: `it's "broken" \`here\`` };
    const command = curlCommand('http://127.0.0.1:4000', {
      method: 'POST',
      path: '/api/claims',
      idempotent: true,
      body,
    });
    assert.deepEqual(wordsOf(command), [
      '-s',
      '-X',
      'POST',
      'http://127.0.0.1:4000/api/claims',
      '-H',
      'Authorization: Bearer the-token',
      '-H',
      'Idempotency-Key: fresh-key',
      '-H',
      'content-type: application/json',
      '-d',
      JSON.stringify({ ...body, orderId: 'the-order' }),
    ]);
  });

  it('needs no token where nobody has to be signed in, and shows the head where that matters', () => {
    const words = wordsOf(curlCommand('http://shop.test', { path: '/api/payment-methods', head: true, open: true }));
    assert.deepEqual(words, ['-si', 'http://shop.test/api/payment-methods']);
  });

  it('leaves a body without places to fill in as it is', () => {
    const command = curlCommand('http://shop.test', { method: 'PUT', path: '/x', body: { text: `it's $5` } });
    assert.equal(wordsOf(command).at(-1), JSON.stringify({ text: `it's $5` }));
  });
});

describe('watching', () => {
  const failure = (status: number, retryAfterSeconds: number | null = null): ApiError =>
    new ApiError('failed', { kind: 'problem', status, code: '', field: null, retryAfterSeconds });

  /** Answers in turn; a clock that moves by what is waited. */
  const world = (answers: (number | Error)[]) => {
    let time = 0;
    const waits: number[] = [];
    const look = async (): Promise<number> => {
      const answer = answers.shift();
      assert.notEqual(answer, undefined, 'the test has no more answers');
      if (answer instanceof Error) throw answer;
      return answer as number;
    };
    const surroundings = {
      now: () => time,
      pause: async (milliseconds: number) => {
        waits.push(milliseconds);
        time += milliseconds;
      },
    };
    return {
      look,
      waits,
      options: { every: 100, deadline: 5_000, signal: new AbortController().signal, surroundings },
    };
  };

  it('ends with the answer that was waited for, and has told all of them', async () => {
    const { look, options } = world([1, 2, 3]);
    const seen: number[] = [];
    const end = await watchUntil(look, (answer) => answer === 3, {
      ...options,
      onAnswer: (answer) => seen.push(answer),
    });
    assert.equal(end, 3);
    assert.deepEqual(seen, [1, 2, 3]);
  });

  it('goes on through failures that pass, and waits as long as it is asked to', async () => {
    const { look, waits, options } = world([failure(503), failure(429, 2), 1]);
    assert.equal(await watchUntil(look, () => true, options), 1);
    assert.deepEqual(waits, [100, 2_000]);
  });

  it('throws what does not pass', async () => {
    const { look, options } = world([failure(404)]);
    await assert.rejects(
      watchUntil(look, () => true, options),
      /failed/,
    );
  });

  it('gives up at the deadline', async () => {
    const { look, waits, options } = world(Array.from({ length: 60 }, () => 1));
    assert.equal(await watchUntil(look, () => false, options), null);
    assert.equal(waits.length, 50);
  });

  it('ends at once when the page goes on', async () => {
    const abort = new AbortController();
    const waiting = pause(600_000, abort.signal);
    abort.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
    await assert.rejects(pause(600_000, abort.signal), { name: 'AbortError' });
  });
});

describe('the decisions', () => {
  const folder = join(import.meta.dirname, '../../../docs/adr');

  it('are all of docs/adr, each with a title and one sentence', () => {
    const files = readdirSync(folder).filter((name) => /^\d{4}-/.test(name));
    assert.ok(files.length >= 19);
    for (const name of files) {
      const decision = readDecision(name, readFileSync(join(folder, name), 'utf8'));
      assert.equal(decision.number, Number(name.slice(0, 4)));
      assert.ok(decision.title.length > 3, name);
      assert.match(decision.summary, /^\S.{8,400}[.!?]$/, name);
      assert.doesNotMatch(decision.summary, /\]\(|`|\*\*/, `${name} is without Markdown`);
    }
  });

  it('are read without their sources, and one that says nothing is refused', () => {
    const text =
      '# 4. Group commit\n\n**Decision.** `createBatcher` ([`batcher.ts`](../x.ts)): one statement. Then more.';
    assert.deepEqual(readDecision('0004-group-commit.md', text), {
      number: 4,
      title: 'Group commit',
      summary: 'createBatcher: one statement.',
      path: 'docs/adr/0004-group-commit.md',
    });
    assert.throws(() => readDecision('0005-x.md', '# 5. Nothing'), /0005-x\.md/);
    assert.throws(() => readDecision('0005-x.md', 'no heading'), /0005-x\.md/);
  });
});

describe('the reference', () => {
  it('names only code that is there', () => {
    const paths = services.flatMap(({ name, patterns }) => [`apps/${name}`, ...patterns.map(({ path }) => path)]);
    assert.deepEqual(
      paths.filter((path) => !existsSync(join(import.meta.dirname, '../../..', path))),
      [],
    );
  });
});

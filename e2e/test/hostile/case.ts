/** One wrong request as data: what is sent, through which door, and how it must be refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Problem } from '@ballast/contracts';
import type { Reply, Request } from './wire.ts';
import type { World } from './world.ts';

/** The refusal that is right. Where several are, any of them. */
export interface Refusal {
  status: number | readonly number[];
  code?: string | readonly string[];
  /** The value that is to blame, as the problem names it. */
  field?: string;
}

export interface Case {
  name: string;
  service: string;
  /** The request, or its very bytes. */
  request: (world: World) => Request | Buffer | Promise<Request | Buffer>;
  refusal: Refusal;
}

/** A refusal comes within 100 ms by the guarantee; this leaves room for a machine that others use too. */
const patienceMs = 10_000;

/** A suite with one test for each case. The world is there by the time they run. */
export function sweep(title: string, cases: readonly Case[], world: () => World): void {
  describe(title, { concurrency: 6 }, () => {
    for (const { name, service, request, refusal } of cases) {
      it(`${service}: ${name}`, async () => {
        const made = await request(world());
        const bytes = Buffer.isBuffer(made) ? made : undefined;
        const asked: Request = Buffer.isBuffer(made)
          ? { method: made.toString('latin1', 0, 5).startsWith('HEAD ') ? 'HEAD' : 'RAW', path: '' }
          : made;
        const reply = await world().send(service, asked, bytes === undefined ? {} : { bytes });
        assertRefused(reply, refusal, { service, isHead: asked.method === 'HEAD' });
      });
    }
  });
}

const among = (accepted: number | string | readonly (number | string)[], value: number | string): boolean =>
  Array.isArray(accepted) ? accepted.includes(value) : accepted === value;

/** Asserts that an answer is the refusal it should be, as a problem document that tells what is needed and no more. */
export function assertRefused(reply: Reply, refusal: Refusal, asked: { service: string; isHead?: boolean }): void {
  const got = `${reply.status} ${reply.body.slice(0, 500)}`;
  assert.ok(among(refusal.status, reply.status), `expected ${String(refusal.status)}, got ${got}`);
  assert.match(
    reply.headers.get('content-type') ?? 'none',
    /^application\/problem\+json/,
    `not a problem document: ${got}`,
  );
  assert.equal(reply.headers.get('x-instance'), asked.service, 'x-instance names who refused');
  if (reply.status === 401) assert.ok(reply.headers.has('www-authenticate'), 'a 401 says how to authenticate');
  assert.ok(reply.milliseconds < patienceMs, `took ${Math.round(reply.milliseconds)} ms`);
  if (asked.isHead === true) return;

  const problem = JSON.parse(reply.body) as Problem;
  assert.equal(problem.status, reply.status);
  assert.equal(problem.type, `urn:ballast:problem:${problem.code}`);
  assert.ok(problem.title.length > 0 && problem.detail.length > 0, `title and detail: ${got}`);
  assert.equal(typeof problem.retryable, 'boolean');
  assert.doesNotMatch(
    reply.body,
    /node_modules|file:\/\/|\bat .+:\d+:\d+|SELECT |INSERT /,
    'a refusal shows no internals',
  );
  if (refusal.code !== undefined)
    assert.ok(among(refusal.code, problem.code), `expected code ${String(refusal.code)}, got ${got}`);
  if (refusal.field !== undefined) assert.equal(problem.field?.toLowerCase(), refusal.field.toLowerCase(), got);
}

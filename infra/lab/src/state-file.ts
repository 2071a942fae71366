/** What a running lab writes down, so that `status` and `stop` work from another terminal and a later start can clean up. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { LabPaths } from './paths.ts';
import { hasCode } from './problem.ts';
import { isAlive, type ProcessIdentity, startTimeOf } from './process-table.ts';

const identity = Type.Object({ pid: Type.Integer({ minimum: 2 }), startTime: Type.String() });

const schema = Type.Object({
  version: Type.Literal(1),
  supervisor: identity,
  startedAt: Type.String(),
  portBase: Type.Integer(),
  profile: Type.String(),
  parts: Type.Record(Type.String(), Type.String()),
  /** URLs a person may open; no secrets. */
  urls: Type.Record(Type.String(), Type.String()),
  standIns: Type.Array(Type.String()),
  components: Type.Array(
    Type.Object({
      name: Type.String(),
      kind: Type.String(),
      state: Type.String(),
      port: Type.Integer(),
      address: Type.String(),
      seconds: Type.Number(),
      restarts: Type.Integer(),
      log: Type.String(),
      process: Type.Union([identity, Type.Null()]),
    }),
  ),
});

/** The content of `state.json`. */
export type LabState = Static<typeof schema>;

const checker = Compile(schema);
const identityChecker = Compile(identity);

/** Reads a lab's state; undefined when there is none or it is damaged, which cleaning up by marker makes good. */
export function readState(paths: LabPaths): LabState | undefined {
  const value = readJson(paths.state);
  return checker.Check(value) ? value : undefined;
}

/** Replaces a lab's state in one step, so that a reader never sees half of it. */
export function writeState(paths: LabPaths, state: LabState): void {
  mkdirSync(paths.root, { recursive: true });
  writeFileSync(`${paths.state}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${paths.state}.new`, paths.state);
}

/** The living supervisor of a lab, or undefined. */
export function runningSupervisor(paths: LabPaths): ProcessIdentity | undefined {
  const holder = readJson(paths.lock);
  return identityChecker.Check(holder) && isAlive(holder) ? holder : undefined;
}

/**
 * Makes this process the lab's supervisor; answers false when another living one is.
 * The lock of a dead one is taken over.
 */
export function takeLock(paths: LabPaths): boolean {
  mkdirSync(paths.root, { recursive: true });
  const mine: ProcessIdentity = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
  const complete = `${paths.lock}.${process.pid}`;
  writeFileSync(complete, JSON.stringify(mine), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      // A link appears whole or not at all, so nobody ever reads half a lock.
      if (link(complete, paths.lock)) return true;
      if (runningSupervisor(paths) !== undefined) return false;
      rmSync(paths.lock, { force: true });
    }
    return false;
  } finally {
    rmSync(complete, { force: true });
  }
}

function link(existing: string, name: string): boolean {
  try {
    linkSync(existing, name);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Gives the lock back and forgets the state: nothing of this lab runs any more. */
export function forget(paths: LabPaths): void {
  rmSync(paths.state, { force: true });
  rmSync(paths.lock, { force: true });
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

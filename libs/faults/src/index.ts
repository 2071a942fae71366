/**
 * Named fail points: places in the code where a test or an operator can make the process misbehave on purpose.
 *
 * A fail point costs one property read while nothing is armed. Points are armed only in lab mode: `configureFaults`
 * is called by `libs/service` with what `LAB_MODE` and `FAULTS` say, and does nothing without the former.
 */

/** What an armed point does when it is reached. */
export type FaultAction = 'crash' | 'error' | 'delay' | 'freeze';

/** One armed fault. `skip` lets that many passes through first; `times` is how often it fires after that. */
export interface Fault {
  point: string;
  action: FaultAction;
  /** For `delay`: milliseconds. */
  milliseconds: number;
  skip: number;
  times: number;
}

/** Thrown by a point armed with `error`. */
export class InjectedFault extends Error {
  readonly point: string;
  constructor(point: string) {
    super(`fault injected at ${point}`);
    this.name = 'InjectedFault';
    this.point = point;
  }
}

const armed = new Map<string, Fault>();
const reached = new Set<string>();
const planted = new Set<string>();
let enabled = false;

/**
 * Parses `point=action[:milliseconds][@skip][xtimes]`, comma separated, e.g.
 * `before-commit=crash@2` (the third pass kills the process) or `after-publish=delay:500x3`.
 * Throws a `TypeError` naming the part it cannot read.
 */
export function parseFaults(text: string): Fault[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const match = /^([a-z][a-z0-9.-]*)=(crash|error|delay|freeze)(?::(\d+))?(?:@(\d+))?(?:x(\d+))?$/.exec(part);
      if (!match) throw new TypeError(`FAULTS: cannot read "${part}"; expected point=action[:ms][@skip][xtimes]`);
      const [, point, action, milliseconds, skip, times] = match;
      return {
        point: point!,
        action: action as FaultAction,
        milliseconds: Number(milliseconds ?? 0),
        skip: Number(skip ?? 0),
        times: Number(times ?? 1),
      };
    });
}

/**
 * Switches fail points and defects on (lab only), arms what `faults` names and plants what `defects` names, comma
 * separated. Called once, at the start of a process.
 */
export function configureFaults(options: { labMode: boolean; faults: string; defects?: string }): void {
  enabled = options.labMode;
  armed.clear();
  planted.clear();
  if (!enabled) return;
  for (const fault of parseFaults(options.faults)) armed.set(fault.point, fault);
  for (const name of (options.defects ?? '').split(',')) if (name.trim() !== '') plantDefect(name.trim());
}

/** Whether this process runs as part of a lab. */
export const faultsEnabled = (): boolean => enabled;

/** Arms one fault while the process runs; refused outside the lab. */
export function arm(fault: Fault): void {
  if (!enabled) throw new Error('fail points exist in lab mode only');
  armed.set(fault.point, { ...fault });
}

/** Disarms a point, or all of them. */
export function disarm(point?: string): void {
  if (point === undefined) armed.clear();
  else armed.delete(point);
}

/** Points this process has passed so far, armed or not (only recorded in lab mode). */
export function listFailPoints(): string[] {
  return [...reached].sort();
}

/** Faults that are armed now. */
export function listArmed(): Readonly<Fault>[] {
  return [...armed.values()];
}

/**
 * True where a defect was planted: the code then leaves out the very thing that keeps a promise, so that a test can see
 * its own check fail. `if (!defect('catalog.no-version-check')) …`. Never true outside the lab.
 */
export function defect(name: string): boolean {
  return enabled && planted.size > 0 && planted.has(name);
}

/** Plants a defect; refused outside the lab. */
export function plantDefect(name: string): void {
  if (!enabled) throw new Error('defects exist in lab mode only');
  if (!/^[a-z][a-z0-9.-]*$/.test(name)) throw new TypeError(`DEFECTS: cannot read "${name}"`);
  planted.add(name);
}

/** Removes a planted defect. */
export function removeDefect(name: string): void {
  planted.delete(name);
}

/** Defects that are planted now. */
export function listDefects(): string[] {
  return [...planted].sort();
}

function fire(fault: Fault): Promise<void> | undefined {
  if (fault.skip > 0) {
    fault.skip -= 1;
    return undefined;
  }
  fault.times -= 1;
  if (fault.times <= 0) armed.delete(fault.point);
  switch (fault.action) {
    case 'crash':
      // SIGKILL, not exit(): nothing may be flushed, closed or said on the way out.
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => {});
    case 'error':
      throw new InjectedFault(fault.point);
    case 'delay':
      return new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
    case 'freeze':
      process.kill(process.pid, 'SIGSTOP');
      return undefined;
  }
}

/**
 * A place where things may go wrong. `await failPoint('before-commit')` returns at once unless that point is armed.
 * A detail narrows it: `failPoint('before-commit', 'ReleaseStock')` also answers to `before-commit.ReleaseStock`
 * written in lower case with dashes (`before-commit.release-stock`).
 */
export function failPoint(point: string, detail?: string): Promise<void> | undefined {
  if (!enabled) return undefined;
  reached.add(point);
  if (armed.size === 0) return undefined;
  const fault = armed.get(point) ?? (detail === undefined ? undefined : armed.get(`${point}.${kebab(detail)}`));
  return fault === undefined ? undefined : fire(fault);
}

const kebab = (text: string): string => text.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase();

/**
 * Named fail points: places in the code where a test or an operator can make the process misbehave on purpose.
 *
 * A fail point costs one property read while nothing is armed. Points are armed only in lab mode: `configureFaults`
 * is called by `libs/service` with what `LAB_MODE` and `FAULTS` say, and does nothing without the former.
 */

/** What an armed point does when it is reached. */
export type FaultAction = 'crash' | 'error' | 'delay' | 'freeze';

/** One armed fault. */
export interface Fault {
  point: string;
  action: FaultAction;
  /** How long a `delay` or a `freeze` is; a freeze of 0 lasts until somebody sends SIGCONT. */
  milliseconds: number;
  /** That many passes go through first. */
  skip: number;
  /** How often it fires after that; `Infinity` for every pass. */
  times: number;
  /** On the clock of `performance.now()`, in ms: from then on it does nothing, and no freeze lasts longer. */
  until?: number;
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
/** What there is in this process, with where it is: declared by its modules, or passed so far. */
const points = new Map<string, string>();
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

/** Disarms a point, or all of them. Who is being delayed there goes on at once. */
export function disarm(point?: string): void {
  if (point === undefined) armed.clear();
  else armed.delete(point);
  for (const delay of delays) if (point === undefined || delay.point === point) delay.end();
}

/**
 * Tells which fail points a module has, each with the place in a few words, so that they are known before anybody has
 * passed them. Called as the module is loaded.
 */
export function declareFailPoints(declared: Readonly<Record<string, string>>): void {
  for (const [point, place] of Object.entries(declared)) points.set(point, place);
}

/** Points of this process by name, each with its place: those declared, and those passed in lab mode all the same. */
export function listFailPoints(): Record<string, string> {
  return Object.fromEntries([...points].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Whether there is such a point here, be it with a detail (`before-commit.order-placed`). */
export function isFailPoint(name: string): boolean {
  return points.has(name) || [...points.keys()].some((point) => name.startsWith(`${point}.`));
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

/** Passes that are being delayed. */
const delays = new Set<{ point: string; end: () => void }>();

function delay(point: string, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      delays.delete(entry);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    const entry = { point, end };
    delays.add(entry);
  });
}

const stillness = new Int32Array(new SharedArrayBuffer(4));

/**
 * Stops the process. With a time it thaws by itself: nothing runs on the main thread, so nothing is read, answered or
 * noticed, while the kernel goes on taking connections and bytes for it, as it does for a process stopped by a signal.
 */
function freeze(milliseconds: number): void {
  if (milliseconds === 0) process.kill(process.pid, 'SIGSTOP');
  else Atomics.wait(stillness, 0, 0, milliseconds);
}

function fire(fault: Fault): Promise<void> | undefined {
  const left = fault.until === undefined ? Number.POSITIVE_INFINITY : fault.until - performance.now();
  if (left <= 0) {
    armed.delete(fault.point);
    return undefined;
  }
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
      return delay(fault.point, Math.min(fault.milliseconds, left));
    case 'freeze':
      freeze(Math.min(fault.milliseconds, left));
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
  if (!points.has(point)) points.set(point, 'passed, declared nowhere');
  if (armed.size === 0) return undefined;
  const fault = armed.get(point) ?? (detail === undefined ? undefined : armed.get(`${point}.${kebab(detail)}`));
  return fault === undefined ? undefined : fire(fault);
}

const kebab = (text: string): string => text.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase();

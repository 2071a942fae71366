/** Every fault of a run, as the chaos controller told of it: it forgets the older ones, this does not. */
import type { Experiment, Fault, FaultRequest } from '@ballast/contracts';
import type { Span } from './figures.ts';

/** So many injections of one kind, with what they were aimed at. */
export interface Injected {
  /** `link drop upstream`, `point crash`, `redis.flush` */
  what: string;
  times: number;
  /** By target, how often. */
  targets: Record<string, number>;
}

/** A fault of the schedule that did nothing, and why. */
export interface NotInjected {
  what: string;
  target: string;
  why: string;
}

/** How long something took to work again after it was left alone, in ms. */
export interface Recovery {
  /** As the receipt names it: `process`, `postgres`, … */
  kind: string;
  title: string;
  milliseconds: number;
  /** Nothing else was broken or recovering meanwhile: only then it is this fault's own time. */
  alone: boolean;
}

export class FaultLog {
  readonly #faults = new Map<string, Fault>();

  /** Takes in what `GET /faults` answers. */
  note(items: readonly Fault[]): void {
    for (const fault of items) this.#faults.set(fault.id, fault);
  }

  /** Oldest first. */
  get all(): Fault[] {
    return [...this.#faults.values()].toSorted(
      (one, other) => Date.parse(one.injectedAt) - Date.parse(other.injectedAt),
    );
  }

  /** Those that were really on at some time. */
  get injected(): Fault[] {
    return this.all.filter(({ state }) => state !== 'failed');
  }

  get unhealed(): Fault[] {
    return this.all.filter(({ state }) => state === 'active' || state === 'recovering');
  }

  /** From each injection until what was hurt worked again. */
  get windows(): Span[] {
    return this.injected.map(spanOf);
  }

  /** From each injection until its end, recovery left out. */
  get onTimes(): Span[] {
    return this.injected.map((fault) => ({ from: Date.parse(fault.injectedAt), to: endOf(fault) }));
  }

  counts(): Injected[] {
    const kinds = new Map<string, Injected>();
    for (const { request } of this.injected) {
      const what = whatOf(request);
      const entry = kinds.get(what) ?? { what, times: 0, targets: {} };
      const target = targetOf(request);
      entry.times += 1;
      entry.targets[target] = (entry.targets[target] ?? 0) + 1;
      kinds.set(what, entry);
    }
    return [...kinds.values()].toSorted((one, other) => other.times - one.times || (one.what < other.what ? -1 : 1));
  }

  /** What failed, and steps of the schedule that the controller shows no fault for: it refused them. */
  missing(experiment: Experiment): NotInjected[] {
    const shown = new Map<string, number>();
    for (const { request } of this.all) {
      const key = keyOf(request);
      shown.set(key, (shown.get(key) ?? 0) + 1);
    }
    const refused = faultsOf(experiment).filter((request) => {
      const left = shown.get(keyOf(request)) ?? 0;
      shown.set(keyOf(request), left - 1);
      return left <= 0;
    });
    return [
      ...this.all
        .filter(({ state }) => state === 'failed')
        .map(({ request, detail }) => ({
          what: whatOf(request),
          target: targetOf(request),
          why: detail ?? 'no reason was told',
        })),
      ...refused.map((request) => ({
        what: whatOf(request),
        target: targetOf(request),
        why: 'the controller shows no such fault: it refused it, or the experiment was over before its time',
      })),
    ];
  }

  recoveries(): Recovery[] {
    const faults = this.injected;
    return faults.flatMap((fault) => {
      const { recovery, kind } = fault.receipt;
      if (recovery === null) return [];
      const from = endOf(fault);
      const to = from + recovery;
      const alone = faults.every((other) => {
        if (other === fault) return true;
        const span = spanOf(other);
        return span.to < from || span.from > to;
      });
      return [{ kind, title: fault.title, milliseconds: recovery, alone }];
    });
  }
}

/** The faults of a schedule, in its order. */
export function faultsOf(experiment: Experiment): FaultRequest[] {
  return experiment.steps.flatMap((step) => ('fault' in step ? [step.fault] : []));
}

/** What is done, without whom it is done to. */
export function whatOf(request: FaultRequest): string {
  switch (request.kind) {
    case 'point':
      return `point ${request.action}`;
    case 'link':
      return request.toxic === 'down' ? 'link down' : `link ${request.toxic} ${request.stream ?? 'downstream'}`;
    case 'part':
      return request.action;
    case 'control':
      return `control ${request.control}`;
  }
}

/** Whom it is done to. */
function targetOf(request: FaultRequest): string {
  switch (request.kind) {
    case 'point':
      return `${request.instance} ${request.point}`;
    case 'link':
      return `${request.from}>${request.to}`;
    case 'part':
      return request.instance ?? 'everybody';
    case 'control':
      return 'the mesh';
  }
}

function endOf({ endedAt }: Fault): number {
  return endedAt === null ? Number.POSITIVE_INFINITY : Date.parse(endedAt);
}

function spanOf(fault: Fault): Span {
  const { recovery } = fault.receipt;
  const healed = fault.state === 'healed' ? endOf(fault) + (recovery ?? 0) : Number.POSITIVE_INFINITY;
  return { from: Date.parse(fault.injectedAt), to: healed };
}

/** Requests are equal when they say the same, in whatever order their fields come. */
function keyOf(request: FaultRequest): string {
  return JSON.stringify(request, (_name, value: unknown) =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
}

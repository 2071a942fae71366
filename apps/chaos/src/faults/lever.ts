/** What the engine is given by whoever knows how to break something: a plan for one fault. */
import type { FaultRequest } from '@ballast/contracts';

export interface Plan {
  title: string;
  nodes: readonly string[];
  /** `from>to` */
  links: readonly string[];
  /** What is hurt, for the receipt. */
  kind: string;
  /** False: it is over as soon as it has been done. */
  lasts: boolean;
  /** What there can be one of only: a second fault with the same one takes the place of the first. */
  exclusive: string | null;
  /** Does it. Rejects with the reason where it could not be done; what was done in part is taken back by `end`. */
  inject(): Promise<void>;
  /** Takes it back, also where it was never done or done in part. Rejects with the reason; it is then called again. */
  end(): Promise<void>;
  /** Looks whether it has ended by itself, until `signal` aborts; calls `over` once if it has. */
  watch?(signal: AbortSignal, over: (detail: string | null) => void): Promise<void>;
  /** What does not do its work yet, for people; empty when all does. */
  waiting(): Promise<readonly string[]>;
}

/** Looks at targets and makes the plan. Throws a `ProblemError` (422) that names the field with what is not there. */
export type Planner<Kind extends FaultRequest['kind']> = (
  id: string,
  request: Extract<FaultRequest, { kind: Kind }>,
) => Promise<Plan>;

export const pause = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done);
  });

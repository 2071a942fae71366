/** After the faults: heals what is left, and waits until the mesh is as it must be, within the bounds that are promised. */
import type { Mesh } from '@ballast/lab';
import type { Violation } from '../judge.ts';
import type { Controller } from './controller.ts';
import type { FaultLog } from './fault-log.ts';
import type { Monitor } from './monitor.ts';
import { rest } from './traffic/customer.ts';
import type { VerdictLog } from './verdict-log.ts';
import type { Witness } from './witness.ts';

/** In ms. */
const healBoundMs = 60_000;
const sagasBoundMs = 60_000;
/** The auditor gives quiet invariants the minute that sagas have, and looks again. */
const verdictsBoundMs = 90_000;
const lookMs = 250;

/** What it looks at. */
export interface Settling {
  mesh: Mesh;
  controller: Controller;
  monitor: Monitor;
  faults: FaultLog;
  verdicts: VerdictLog;
  witness: Witness;
  say: (line: string) => void;
}

/** Heals all and waits for what was hurt. What is not back in a minute is a violation. */
export async function heal({ mesh, controller, monitor, faults, say }: Settling): Promise<Violation[]> {
  say('healing what is left');
  const deadline = Date.now() + healBoundMs;
  let trouble: unknown;
  const healed = async (): Promise<boolean> => {
    try {
      await controller.setLoad({ ordersPerSecond: 0, declined: 0, readsPerSecond: 0 });
      faults.note(await controller.healAll());
    } catch (error) {
      trouble = error;
      return false;
    }
    return faults.unhealed.length === 0;
  };
  const over = await eventually(healed, deadline);
  await monitor.look();
  const unhealed = faults.unhealed.map(({ title, detail }) => ({
    invariant: 'what was hurt works again',
    detail: `${title}: not in ${healBoundMs / 1_000} s; ${detail ?? 'no reason was told'}`,
  }));
  if (!over && unhealed.length === 0) {
    unhealed.push({
      invariant: 'what was hurt works again',
      detail: `the controller does not heal: ${String(trouble)}`,
    });
  }
  try {
    await mesh.waitUntilReady();
  } catch (error) {
    unhealed.push({ invariant: 'what was hurt works again', detail: String(error) });
  }
  return unhealed;
}

/** Waits for the sagas' ends, the outboxes and the auditor. */
export async function calmDown({ monitor, verdicts, witness, say }: Settling): Promise<Violation[]> {
  const from = Date.now();
  say('waiting for the ends of all orders');
  await eventually(async () => {
    const { sagas, messages } = await witness.waiting();
    return sagas === 0 && messages === 0;
  }, from + sagasBoundMs);
  say('waiting for the auditor');
  const looks = monitor.looks;
  const settled = await eventually(async () => {
    // The monitor asks once a second, as all the time before.
    return monitor.looks > looks && verdicts.checked().length > 0 && verdicts.unsettled().length === 0;
  }, from + verdictsBoundMs);
  if (settled) return [];
  return verdicts.unsettled().map(({ invariant, title, last, detail }) => ({
    invariant: `auditor ${invariant}, ${title}`,
    detail: `${last} ${verdictsBoundMs / 1_000} s after the last fault: ${detail}`,
  }));
}

async function eventually(check: () => Promise<boolean>, deadline: number): Promise<boolean> {
  const never = new AbortController().signal;
  for (;;) {
    if (await check()) return true;
    if (Date.now() > deadline) return false;
    await rest(lookMs, never);
  }
}

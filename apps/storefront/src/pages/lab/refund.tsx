/** A claim on a completed order, granted, and the money on its way back. */
import { useState } from 'preact/hooks';
import type { Claim, LabRows, Order } from '@ballast/contracts';
import { fileClaim, getClaim, getClaimRows, grantClaim } from '../../api/lab.ts';
import { Demonstration } from '../../components/lab/demonstration.tsx';
import { BeforeAfter } from '../../components/lab/rows.tsx';
import { Statement } from '../../components/lab/statement.tsx';
import { CannotGoOn, useTask } from '../../components/lab/task.ts';
import { Link } from '../../components/link.tsx';
import { watchUntil } from '../../lab/watch.ts';
import { newIdempotencyKey } from '../../state/checkout-attempt.ts';
import { formatMoney } from '../../format/money.ts';
import { elapsedMilliseconds, formatClock, formatDuration } from '../../format/time.ts';
import { completedOrder } from './small-order.ts';

type Step = { state: Claim['state']; at: string; claim: Claim };
type Shown = { order: Order; steps: readonly Step[]; filed: LabRows | null; settled: LabRows | null };

const details = 'Filed by the demonstration on /lab.';
const note = 'Granted by the demonstration on /lab.';

const stateWords: Record<Claim['state'], string> = {
  open: 'Filed: nobody has decided',
  granted: 'Granted: the money is on its way back',
  refunded: 'Refunded by the payment provider',
  refused: 'Refused',
  'refund-refused': 'The payment provider refused to give the money back',
};

export function Refund() {
  const task = useTask();
  const [shown, setShown] = useState<Shown | null>(null);

  const run = (): void =>
    task.run(async (signal, tell) => {
      setShown(null);
      const order = await completedOrder(signal, tell);
      const key = newIdempotencyKey();
      const steps: Step[] = [];
      const see = (claim: Claim, at: string): void => {
        if (steps.at(-1)?.state === claim.state) return;
        steps.push({ state: claim.state, at, claim });
        setShown((known) => ({ order, steps: [...steps], filed: known?.filed ?? null, settled: null }));
      };
      tell('Filing a claim…');
      const filed = await fileClaim({ orderId: order.orderId, reason: 'damaged', details }, key, signal);
      see(filed, filed.createdAt);
      const rows = await getClaimRows(key, signal);
      setShown((known) => (known === null ? null : { ...known, filed: rows }));
      tell('Granting it…');
      const granted = await grantClaim(filed.claimId, note, signal);
      see(granted, granted.decidedAt ?? new Date().toISOString());
      tell('Waiting for the payment provider…');
      const end = await watchUntil(
        (asked) => getClaim(filed.claimId, asked),
        ({ state }) => state === 'refunded' || state === 'refund-refused',
        // The claim does not say when it was refunded: what is shown is when this page saw it.
        { every: 400, deadline: 60_000, signal, onAnswer: (claim) => see(claim, new Date().toISOString()) },
      );
      if (end === null) throw new CannotGoOn('The refund did not come within a minute. Is a part of the mesh down?');
      const settled = await getClaimRows(key, signal);
      setShown((known) => (known === null ? null : { ...known, settled }));
    });

  const last = shown?.steps.at(-1)?.claim;
  return (
    <Demonstration
      id="refund"
      title="Claim and refund an order"
      lead="A completed order is claimed and the claim granted. Payments is told, asks the provider to give the money back, and tells claims when it has: each step a message through an outbox."
      task={task}
      action="Order, claim and grant"
      onRun={run}
      summary={last === undefined || task.busy ? '' : `${stateWords[last.state]}: ${formatMoney(last.amount)}.`}
      calls={[
        {
          what: 'File a claim on a completed order of yours',
          method: 'POST',
          path: '/api/claims',
          idempotent: true,
          body: { orderId: '$ORDER', reason: 'damaged', details },
        },
        { what: 'Grant it', method: 'POST', path: '/api/claims/$CLAIM/decision', body: { decision: 'grant', note } },
        { what: 'Follow it', path: '/api/claims/$CLAIM' },
      ]}
    >
      {shown !== null && (
        <>
          <p class="small">
            Order{' '}
            <Link href={`/orders/${shown.order.orderId}`} data-testid="claimed-order">
              {shown.order.orderId}
            </Link>
          </p>
          <ol class="stages" aria-label="What became of the claim" data-testid="claim-steps">
            {shown.steps.map(({ state, at }, index) => {
              const before = shown.steps[index - 1];
              return (
                <li key={state} class={`stage stage-${state}`} data-state={state}>
                  <span>{stateWords[state]}</span>
                  <time dateTime={at}>{formatClock(at)}</time>
                  <span class="small">
                    {before !== undefined && `+${formatDuration(elapsedMilliseconds(before.at, at))}`}
                  </span>
                </li>
              );
            })}
          </ol>
          {shown.filed !== null && (
            <>
              <Statement text={shown.filed.statement} />
              <BeforeAfter
                title="The claim’s row: filed, and now"
                before={shown.filed.rows}
                after={(shown.settled ?? shown.filed).rows}
              />
            </>
          )}
        </>
      )}
    </Demonstration>
  );
}

/** What each fault did, measured: how long callers failed, how many, how slow, and how long it took to come back. */
import { useState } from 'preact/hooks';
import type { Fault } from '@ballast/contracts';
import { durationOrNothing, failedOf, sortFaults } from '../../chaos/receipts.ts';
import { faultLooks } from '../../chaos/words.ts';
import { formatClock } from '../../format/time.ts';
import { faults } from '../../state/chaos-live.ts';

/** Shown at first, and when all are asked for. */
const few = 8;
const all = 200;

export function Receipts() {
  const [most, setMost] = useState(few);
  const { ended } = sortFaults(faults.value, all);
  return (
    <section class="chaos-section" aria-labelledby="receipts">
      <h2 id="receipts">Receipts</h2>
      {ended.length === 0 ? (
        <p class="small">No fault has ended yet.</p>
      ) : (
        <table class="rows receipts" data-testid="receipts">
          <caption>
            Times from the requests of the load and the probes at the bff; “–” where nothing was measured
          </caption>
          <thead>
            <tr>
              <th scope="col" class="receipts-wide">
                Fault
              </th>
              <th scope="col">State</th>
              <th scope="col">Outage</th>
              <th scope="col">Requests failed</th>
              <th scope="col">p50</th>
              <th scope="col">p95</th>
              <th scope="col">Recovery</th>
            </tr>
          </thead>
          <tbody>
            {ended.slice(0, most).map((fault) => (
              <Receipt key={fault.id} fault={fault} />
            ))}
          </tbody>
        </table>
      )}
      {ended.length > most && (
        <p>
          <button type="button" class="link-button" onClick={() => setMost(all)}>
            Show all {ended.length}
          </button>
        </p>
      )}
    </section>
  );
}

function Receipt({ fault }: { fault: Fault }) {
  const look = faultLooks[fault.state];
  const { receipt } = fault;
  return (
    <tr data-receipt={fault.id} data-state={fault.state}>
      <td data-column="Fault">
        <span>
          <strong>{fault.title}</strong>{' '}
          <span class="small">
            {formatClock(fault.injectedAt)}, {receipt.kind}
          </span>
          {fault.detail !== null && <span class="small receipt-detail">{fault.detail}</span>}
        </span>
      </td>
      <td data-column="State">
        <span class={`tone-text tone-${look.tone}`}>
          <span aria-hidden="true">{look.sign}</span> {look.word}
        </span>
      </td>
      <td data-column="Outage">{durationOrNothing(receipt.outage)}</td>
      <td data-column="Requests failed">{failedOf(fault)}</td>
      <td data-column="p50">{durationOrNothing(receipt.p50)}</td>
      <td data-column="p95">{durationOrNothing(receipt.p95)}</td>
      <td data-column="Recovery">{durationOrNothing(receipt.recovery)}</td>
    </tr>
  );
}

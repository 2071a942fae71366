/** The outbox's relay paused: rows wait, and drain when it goes on. */
import { useState } from 'preact/hooks';
import type { LabRelay, Order } from '@ballast/contracts';
import { getOrder } from '../../api/calls.ts';
import { ApiError, sentenceOf } from '../../api/errors.ts';
import { getRelay, pauseRelay, resumeRelay, serviceAddress } from '../../api/lab.ts';
import { Demonstration, SideButton } from '../../components/lab/demonstration.tsx';
import { NumberField } from '../../components/lab/fields.tsx';
import { RowsTable } from '../../components/lab/rows.tsx';
import { Statement } from '../../components/lab/statement.tsx';
import { CannotGoOn, useTask } from '../../components/lab/task.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import { watchUntil } from '../../lab/watch.ts';
import { showNote } from '../../state/announcements.ts';
import { isFinal } from '../../state/order-stream.ts';
import { formatDuration, plural } from '../../format/time.ts';
import { placeSmallOrder } from './small-order.ts';

const instance = 'payments';

/** Milliseconds after the end of the pause within which everything should be told and every order ended. */
const patience = 60_000;

type Seen = { relay: LabRelay; orders: readonly Order[]; most: number; toldBefore: number };

export function Relay() {
  const task = useTask();
  const [seconds, setSeconds] = useState(20);
  const [count, setCount] = useState(3);
  const [seen, setSeen] = useState<Seen | null>(null);
  const [resuming, setResuming] = useState(false);

  const resume = async (): Promise<void> => {
    setResuming(true);
    try {
      const relay = await resumeRelay(instance);
      setSeen((known) => (known === null ? null : { ...known, relay }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      showNote(sentenceOf(error), { tone: 'problem' });
    } finally {
      setResuming(false);
    }
  };

  const run = (): void =>
    task.run(async (signal, tell) => {
      setSeen(null);
      const { told } = await getRelay(instance, signal);
      tell('Pausing the relay of payments…');
      const paused = await pauseRelay(instance, seconds, signal);
      setSeen({ relay: paused, orders: [], most: paused.rows, toldBefore: told });
      const ids: string[] = [];
      for (let number = 1; number <= count; number += 1) {
        tell(`Placing order ${number} of ${count}…`);
        ids.push(await placeSmallOrder(signal));
      }
      tell('What payments has to tell waits in its outbox…');
      const end = await watchUntil(
        async (asked) => {
          const [relay, ...orders] = await Promise.all([
            getRelay(instance, asked),
            ...ids.map((orderId) => getOrder(orderId, asked)),
          ]);
          return { relay, orders };
        },
        ({ relay, orders }) => !relay.paused && relay.rows === 0 && orders.every(({ state }) => isFinal(state)),
        {
          every: 700,
          deadline: seconds * 1_000 + patience,
          signal,
          onAnswer: ({ relay, orders }) => {
            if (!relay.paused) tell('The relay tells what has waited…');
            setSeen((known) => ({
              relay,
              orders,
              most: Math.max(known?.most ?? 0, relay.rows),
              toldBefore: told,
            }));
          },
        },
      );
      if (end === null) throw new CannotGoOn('The backlog did not drain in time.');
    });

  return (
    <Demonstration
      id="relay"
      title="Pause the relay"
      lead="Payments writes what it did and what it has to tell in one transaction. With the relay paused the rows wait in its outbox and the orders stand still; when it goes on, nothing is lost and each goes out in its order."
      task={task}
      action="Pause and order"
      onRun={run}
      more={
        <SideButton
          onClick={() => void resume()}
          disabled={seen?.relay.paused !== true || resuming}
          testId="resume-relay"
        >
          Resume now
        </SideButton>
      }
      inputs={
        <>
          <NumberField
            id="relay-seconds"
            label="Pause (seconds)"
            value={seconds}
            min={3}
            max={120}
            onChange={setSeconds}
          />
          <NumberField id="relay-orders" label="Orders" value={count} min={1} max={8} onChange={setCount} />
        </>
      }
      summary={seen === null || task.busy ? '' : summaryOf(seen)}
      calls={[
        { what: 'Pause it', method: 'POST', path: serviceAddress(instance, 'relay/pause'), body: { seconds } },
        { what: 'Look at the backlog', path: serviceAddress(instance, 'relay') },
        { what: 'Resume it', method: 'POST', path: serviceAddress(instance, 'relay/resume') },
      ]}
    >
      {seen !== null && (
        <>
          <dl class="lab-facts lab-facts-row">
            <div>
              <dt>Relay</dt>
              <dd data-testid="relay-state">{seen.relay.paused ? 'paused' : 'running'}</dd>
            </div>
            <div>
              <dt>Rows waiting</dt>
              <dd data-testid="relay-rows">{seen.relay.rows}</dd>
            </div>
            <div>
              <dt>Most at a time</dt>
              <dd data-testid="relay-most">{seen.most}</dd>
            </div>
            <div>
              <dt>Oldest waits</dt>
              <dd>{formatDuration(seen.relay.oldestSeconds * 1_000)}</dd>
            </div>
            <div>
              <dt>Told since</dt>
              <dd>{seen.relay.told - seen.toldBefore}</dd>
            </div>
          </dl>
          {seen.orders.length > 0 && (
            <ul class="relay-orders" aria-label="The orders">
              {seen.orders.map(({ orderId, state }) => (
                <li key={orderId}>
                  <code>{orderId}</code> <StateBadge state={state} />
                </li>
              ))}
            </ul>
          )}
          <RowsTable title="Waiting, the oldest first" rows={seen.relay.waiting} />
          <Statement text={seen.relay.statement} />
        </>
      )}
    </Demonstration>
  );
}

function summaryOf({ relay, most, toldBefore, orders }: Seen): string {
  const completed = orders.filter(({ state }) => state === 'Completed').length;
  return (
    `Up to ${plural(most, 'row')} waited; ${relay.rows === 0 ? 'none' : relay.rows} now. ` +
    `${relay.told - toldBefore} told since; ${completed} of ${plural(orders.length, 'order')} complete.`
  );
}

/** A service that fails, the breaker in front of it, and its way back. */
import { useRef, useState } from 'preact/hooks';
import { call } from '../../api/calls.ts';
import { ApiError, sentenceOf } from '../../api/errors.ts';
import { armFault, disarmFault, getCluster, serviceAddress } from '../../api/lab.ts';
import { Demonstration, SideButton } from '../../components/lab/demonstration.tsx';
import { NumberField } from '../../components/lab/fields.tsx';
import { Marks } from '../../components/lab/marks.tsx';
import type { MarkTone } from '../../components/lab/marks.tsx';
import { Statement } from '../../components/lab/statement.tsx';
import { CannotGoOn, useTask } from '../../components/lab/task.ts';
import { callsSince, hasComeRound, stepsSince, upstreamNamed } from '../../lab/circuit.ts';
import type { BreakerStep, Upstream } from '../../lab/circuit.ts';
import { pause } from '../../lab/watch.ts';
import { instancesOf, noteCluster } from '../../state/lab-cluster.ts';
import { showNote } from '../../state/announcements.ts';
import { formatClock, formatDuration, plural } from '../../format/time.ts';

const upstream = 'payments';
const point = 'http.request';

/** Calls that are sent at once, and the milliseconds before the next ones. */
const together = 4;
const rest = 500;

/** Milliseconds after the fault's own end within which the breaker should have closed. */
const patience = 45_000;

/** The bff keeps the latest transitions only: all of them are gathered here. */
type Seen = { before: Upstream; now: Upstream; steps: readonly BreakerStep[]; rule: string };

export function Circuit() {
  const task = useTask();
  const [seconds, setSeconds] = useState(6);
  const [seen, setSeen] = useState<Seen | null>(null);
  const [marks, setMarks] = useState<readonly MarkTone[]>([]);
  const [armed, setArmed] = useState(false);
  const healing = useRef(false);

  const heal = async (): Promise<void> => {
    if (healing.current) return;
    healing.current = true;
    try {
      await Promise.all(instancesOf(upstream).map((instance) => disarmFault(instance, point)));
      setArmed(false);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // The fault ends by itself; until then the button is there to be pressed again.
      showNote(sentenceOf(error), { tone: 'problem' });
    } finally {
      healing.current = false;
    }
  };

  const run = (): void =>
    task.run(async (signal, tell) => {
      setMarks([]);
      setSeen(null);
      const first = await getCluster(signal);
      const before = upstreamNamed(first, upstream);
      if (before === null) throw new CannotGoOn(`The bff knows no breaker in front of ${upstream}.`);
      const startedAt = first.at;
      let last = before;
      let steps: readonly BreakerStep[] = [];
      const fault = { action: 'error', times: 1_000, seconds } as const;
      await Promise.all(instancesOf(upstream).map((instance) => armFault(instance, point, fault, signal)));
      setArmed(true);
      const until = Date.now() + seconds * 1_000 + patience;
      try {
        while (Date.now() < until) {
          await Promise.all(Array.from({ length: together }, () => ask(signal)));
          const cluster = await getCluster(signal);
          noteCluster(cluster);
          const now = upstreamNamed(cluster, upstream) ?? last;
          const fresh = marksOf(callsSince(last, now));
          steps = [...steps, ...stepsSince(last, now, startedAt)];
          last = now;
          setMarks((known) => [...known, ...fresh]);
          setSeen({ before, now, steps, rule: cluster.rule });
          tell(`The breaker in front of ${upstream} is ${now.state}…`);
          if (hasComeRound(steps)) return;
          await pause(rest, signal);
        }
        throw new CannotGoOn('The breaker did not open and close again in time.');
      } finally {
        await heal();
      }
    });

  const calls = seen === null ? null : callsSince(seen.before, seen.now);
  const steps = seen?.steps ?? [];
  return (
    <Demonstration
      id="circuit"
      title="Trip a circuit"
      lead="A fail point makes every request to payments fail. The breaker opens and answers by itself at once; later it lets one probe through, and closes when that succeeds."
      task={task}
      action="Trip it"
      onRun={run}
      more={
        <>
          <SideButton onClick={() => void heal()} disabled={!armed} testId="heal-circuit">
            Heal now
          </SideButton>
          {task.busy && (
            <SideButton onClick={task.stop} testId="stop-circuit">
              Stop
            </SideButton>
          )}
        </>
      }
      inputs={
        <NumberField
          id="circuit-seconds"
          label="Broken for (seconds)"
          value={seconds}
          min={3}
          max={60}
          onChange={setSeconds}
        />
      }
      summary={calls === null || task.busy ? '' : summaryOf(steps, calls)}
      calls={[
        ...instancesOf(upstream).map((instance) => ({
          what: `Break ${instance}`,
          method: 'PUT' as const,
          path: serviceAddress(instance, `faults/${point}`),
          body: { action: 'error', times: 1_000, seconds },
        })),
        { what: 'A call that goes to payments', path: '/api/payment-methods', head: true, open: true },
        { what: 'What the breakers do', path: '/api/lab/cluster' },
        ...instancesOf(upstream).map((instance) => ({
          what: `Heal ${instance}`,
          method: 'DELETE' as const,
          path: serviceAddress(instance, `faults/${point}`),
        })),
      ]}
    >
      {seen !== null && calls !== null && (
        <>
          <Marks
            marks={marks}
            groups={[
              { tone: 'good', label: 'answered by payments', count: calls.answered },
              { tone: 'bad', label: 'failed in payments', count: calls.failed },
              { tone: 'refused', label: 'turned away by the open circuit', count: calls.shortCircuited },
            ]}
          />
          <dl class="lab-facts lab-facts-row">
            <div>
              <dt>State now</dt>
              <dd data-testid="breaker-state">{seen.now.state}</dd>
            </div>
            <div>
              <dt>Reached payments</dt>
              <dd>{calls.answered + calls.failed}</dd>
            </div>
            <div>
              <dt>of them failed</dt>
              <dd>{calls.failed}</dd>
            </div>
            <div>
              <dt>Answered without asking it</dt>
              <dd>{calls.shortCircuited}</dd>
            </div>
          </dl>
          <ol class="stages stages-flow" aria-label="What the breaker did" data-testid="breaker-steps">
            {steps.map(({ at, to, elapsed }) => (
              <li key={`${at} ${to}`} class={`stage stage-${to}`} data-state={to}>
                <span>{to}</span>
                <time dateTime={at}>{formatClock(at)}</time>
                <span class="small">+{formatDuration(elapsed)}</span>
              </li>
            ))}
          </ol>
          <Statement title="The rule at work" text={seen.rule} />
        </>
      )}
    </Demonstration>
  );
}

/** One call that goes to payments. What became of it the breaker has counted. */
async function ask(signal: AbortSignal): Promise<void> {
  try {
    await call('/api/payment-methods', { signal, patient: false });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

function marksOf({ answered, failed, shortCircuited }: Upstream['totals']): MarkTone[] {
  const some = (count: number, tone: MarkTone): MarkTone[] => Array.from({ length: count }, () => tone);
  return [...some(failed, 'bad'), ...some(shortCircuited, 'refused'), ...some(answered, 'good')];
}

function summaryOf(steps: readonly BreakerStep[], calls: Upstream['totals']): string {
  const times = (state: BreakerStep['to']): number => steps.filter(({ to }) => to === state).length;
  const opened = `opened ${plural(times('open'), 'time')}, let ${plural(times('half-open'), 'probe')} through`;
  const reached = calls.answered + calls.failed;
  return (
    `The breaker ${opened} and is ${steps.at(-1)?.to ?? 'as it was'}. ` +
    `${plural(reached, 'call')} reached payments, ${calls.shortCircuited} were answered without asking it.`
  );
}

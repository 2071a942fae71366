/** A bucket emptied at once, and filling again. */
import { useState } from 'preact/hooks';
import type { LabBuckets } from '@ballast/contracts';
import { getBuckets, spendToken } from '../../api/lab.ts';
import { ApiError, parseRetryAfter } from '../../api/errors.ts';
import { Demonstration, SideButton } from '../../components/lab/demonstration.tsx';
import { NumberField } from '../../components/lab/fields.tsx';
import { Marks } from '../../components/lab/marks.tsx';
import type { MarkTone } from '../../components/lab/marks.tsx';
import { Statement } from '../../components/lab/statement.tsx';
import { useTask } from '../../components/lab/task.ts';
import { watchUntil } from '../../lab/watch.ts';
import { plural } from '../../format/time.ts';

type Spent = { status: number; retryAfter: number | null };
type Bucket = LabBuckets['buckets'][number];

/** Milliseconds between two looks at a bucket that fills, and the longest look. */
const every = 500;
const longest = 90_000;

export function Burst() {
  const task = useTask();
  const [count, setCount] = useState(20);
  const [sent, setSent] = useState(0);
  const [answers, setAnswers] = useState<readonly Spent[]>([]);
  const [buckets, setBuckets] = useState<LabBuckets | null>(null);

  const run = (): void =>
    task.run(async (signal, tell) => {
      setAnswers([]);
      setSent(count);
      setBuckets(await getBuckets(signal));
      tell(`${plural(count, 'call')} at once…`);
      await Promise.all(
        Array.from({ length: count }, () => spend(signal, (spent) => setAnswers((known) => [...known, spent]))),
      );
      tell('The bucket fills again…');
      await watchUntil(getBuckets, isFull, { every, deadline: longest, signal, onAnswer: setBuckets });
    });

  const accepted = answers.filter(({ status }) => status < 300).length;
  const refused = answers.filter(({ status }) => status === 429);
  const waits = refused.map(({ retryAfter }) => retryAfter).filter((seconds) => seconds !== null);
  return (
    <Demonstration
      id="burst"
      title="Burst a bucket"
      lead="Each call takes a token of your session’s bucket for expensive calls. When it is empty the answer is 429 with Retry-After; it fills steadily, and all replicas of the bff count in the same one."
      task={task}
      action="Burst"
      onRun={run}
      more={
        task.busy && (
          <SideButton onClick={task.stop} testId="stop-burst">
            Stop watching
          </SideButton>
        )
      }
      inputs={<NumberField id="burst-count" label="Calls" value={count} min={1} max={100} onChange={setCount} />}
      summary={
        // Said once, when all have come: they come too fast to be read out one by one.
        answers.length === 0 || answers.length < sent
          ? ''
          : `${plural(answers.length, 'answer')}: ${accepted} accepted, ${refused.length} refused with 429` +
            `${waits.length > 0 ? ` and asked to wait up to ${plural(Math.max(...waits), 'second')}` : ''}.`
      }
      calls={[
        { what: 'Spend a token', method: 'POST', path: '/api/lab/buckets/expensive/spend', head: true },
        { what: 'Look at the buckets, which spends nothing', path: '/api/lab/buckets' },
      ]}
    >
      {answers.length > 0 && (
        <Marks
          marks={answers.map(({ status }) => toneOf(status))}
          groups={[
            { tone: 'good', label: 'accepted (204)', count: accepted },
            { tone: 'refused', label: 'refused (429)', count: refused.length },
            { tone: 'bad', label: 'failed otherwise', count: answers.length - accepted - refused.length },
          ]}
        />
      )}
      {buckets !== null && (
        <>
          <ul class="side-by-side">
            {buckets.buckets.map((bucket) => (
              <li class="lab-box" key={bucket.name} data-testid={`bucket-${bucket.name}`}>
                <BucketLevel bucket={bucket} />
              </li>
            ))}
          </ul>
          <Statement title="The rule at work" text={buckets.rule} />
        </>
      )}
    </Demonstration>
  );
}

async function spend(signal: AbortSignal, note: (spent: Spent) => void): Promise<void> {
  try {
    await spendToken(signal, ({ status, headers }) =>
      note({ status, retryAfter: parseRetryAfter(headers.get('retry-after'), Date.now()) }),
    );
  } catch (error) {
    // Being refused is what this is about; only an answer that did not come at all is a failure.
    if (!(error instanceof ApiError) || error.details.kind !== 'problem') throw error;
  }
}

function toneOf(status: number): MarkTone {
  if (status < 300) return 'good';
  return status === 429 ? 'refused' : 'bad';
}

function isFull({ buckets }: LabBuckets): boolean {
  const expensive = buckets.find(({ name }) => name === 'expensive');
  return expensive === undefined || expensive.remaining >= expensive.burst;
}

function BucketLevel({ bucket }: { bucket: Bucket }) {
  const remaining = Math.floor(bucket.remaining * 10) / 10;
  return (
    <>
      <h5>
        Bucket “{bucket.name}” of this {bucket.owner}
      </h5>
      <p class="figure-large">
        {remaining} <span>of {bucket.burst} tokens</span>
      </p>
      <progress
        class="level"
        max={bucket.burst}
        value={Math.max(0, bucket.remaining)}
        aria-label={`Tokens in the bucket ${bucket.name}`}
      />
      <p class="small">
        Fills by {Math.round(bucket.perSecond * 1000) / 1000} a second; counted{' '}
        {bucket.store === 'redis' ? 'in Redis, for all replicas' : 'locally, because Redis cannot be asked'}.
      </p>
    </>
  );
}

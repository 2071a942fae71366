/** A credential rotated under load: its stages, and the roles PostgreSQL has. */
import { useState } from 'preact/hooks';
import type { LabCredentials } from '@ballast/contracts';
import { ApiError } from '../../api/errors.ts';
import { getCredentials, loadCredentials, rotateCredentials, serviceAddress } from '../../api/lab.ts';
import { Demonstration } from '../../components/lab/demonstration.tsx';
import { NumberField } from '../../components/lab/fields.tsx';
import { CannotGoOn, useTask } from '../../components/lab/task.ts';
import { rotationEnded, stagesSince, stageWords } from '../../lab/rotation.ts';
import { pause, watchUntil } from '../../lab/watch.ts';
import { formatClock, formatDuration, plural } from '../../format/time.ts';

const instance = 'identity';
const perSecond = 50;
const longMilliseconds = 2_000;

/** Milliseconds of load before the rotation begins, so that there are queries to carry over. */
const headStart = 1_500;

type Seen = { before: LabCredentials; now: LabCredentials };

export function Rotation() {
  const task = useTask();
  const [seconds, setSeconds] = useState(10);
  const [seen, setSeen] = useState<Seen | null>(null);

  const run = (): void =>
    task.run(async (signal, tell) => {
      setSeen(null);
      const before = await credentialsNow(signal);
      setSeen({ before, now: before });
      if (before.source === 'static') {
        throw new CannotGoOn(
          'Identity runs with static credentials here: there is no lease to rotate. Start the mesh with Vault.',
        );
      }
      tell('Queries begin…');
      await loadCredentials(instance, { seconds, perSecond, longMilliseconds }, signal);
      await pause(Math.min(headStart, (seconds * 1_000) / 3), signal);
      tell('Rotating under load…');
      await rotateCredentials(instance, signal);
      const end = await watchUntil(
        (asked) => getCredentials(instance, asked),
        (now) => rotationEnded(stagesSince(before, now)) && now.load?.running !== true,
        { every: 500, deadline: seconds * 1_000 + 60_000, signal, onAnswer: (now) => setSeen({ before, now }) },
      );
      if (end === null) throw new CannotGoOn('The rotation did not come to its end in time.');
    });

  const stages = seen === null ? [] : stagesSince(seen.before, seen.now);
  const ended = rotationEnded(stages);
  return (
    <Demonstration
      id="rotation"
      title="Rotate a credential under load"
      lead={`${perSecond} queries a second run on identity’s own pool, one in ten lasting ${formatDuration(longMilliseconds)}. Meanwhile it takes a new role from Vault, swaps the pool, lets the old one finish, and gives the old role back.`}
      task={task}
      action="Rotate"
      onRun={run}
      inputs={
        <NumberField
          id="rotation-seconds"
          label="Load for (seconds)"
          value={seconds}
          min={3}
          max={60}
          onChange={setSeconds}
        />
      }
      summary={seen === null || !ended || task.busy ? '' : summaryOf(seen)}
      calls={[
        {
          what: 'Begin the queries',
          method: 'POST',
          path: serviceAddress(instance, 'credentials/load'),
          body: { seconds, perSecond, longMilliseconds },
        },
        { what: 'Rotate', method: 'POST', path: serviceAddress(instance, 'credentials/rotate') },
        { what: 'Stages, roles and queries', path: serviceAddress(instance, 'credentials') },
      ]}
    >
      {seen !== null && (
        <>
          <ol class="stages" aria-label="Stages of the rotation" data-testid="rotation-stages">
            {stages.map(({ at, stage, username, detail, elapsed }) => (
              <li key={`${at} ${stage}`} class={`stage stage-${stage}`} data-stage={stage}>
                <span>
                  {stageWords[stage]} {username !== null && <code>{username}</code>}
                  {detail !== null && <span class="small"> {detail}</span>}
                </span>
                <time dateTime={at}>{formatClock(at)}</time>
                <span class="small">+{formatDuration(elapsed)}</span>
              </li>
            ))}
          </ol>
          <Load load={seen.now.load} />
          <Roles credentials={seen.now} old={seen.before.username} />
        </>
      )}
    </Demonstration>
  );
}

/** What identity says of its credentials. Throws `CannotGoOn` where it leases none. */
async function credentialsNow(signal: AbortSignal): Promise<LabCredentials> {
  try {
    return await getCredentials(instance, signal);
  } catch (error) {
    if (error instanceof ApiError && error.details.status === 404) {
      throw new CannotGoOn('Identity has no leased credentials in this mesh: there is nothing to rotate.');
    }
    throw error;
  }
}

function Load({ load }: { load: LabCredentials['load'] }) {
  if (load === null) return null;
  return (
    <dl class="lab-facts lab-facts-row">
      <div>
        <dt>Queries done</dt>
        <dd>{load.done}</dd>
      </div>
      <div>
        <dt>Failed</dt>
        <dd data-testid="failed-queries">{load.failed}</dd>
      </div>
      <div>
        <dt>In flight</dt>
        <dd>{load.inFlight}</dd>
      </div>
      <div>
        <dt>Longest</dt>
        <dd>{formatDuration(load.longest)}</dd>
      </div>
    </dl>
  );
}

function Roles({ credentials, old }: { credentials: LabCredentials; old: string }) {
  return (
    <table class="rows" data-testid="database-roles">
      <caption>Login roles of identity in PostgreSQL now</caption>
      <thead>
        <tr>
          <th scope="col">Role</th>
          <th scope="col">Is</th>
          <th scope="col">Connections</th>
          <th scope="col">Valid until</th>
        </tr>
      </thead>
      <tbody>
        {credentials.databaseRoles.map((role) => (
          <tr key={role.name} data-role={role.name}>
            <td data-column="Role">{role.name}</td>
            <td data-column="Is">
              {role.name === credentials.username ? 'in use' : role.name === old ? 'the old one' : 'not in use'}
            </td>
            <td data-column="Connections">{role.connections}</td>
            <td data-column="Valid until">{role.validUntil === null ? 'for ever' : formatClock(role.validUntil)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function summaryOf({ before, now }: Seen): string {
  const stages = stagesSince(before, now);
  if (stages.at(-1)?.stage === 'failed')
    return `The rotation failed: ${stages.at(-1)?.detail ?? 'no reason was given'}.`;
  const isGone = !now.databaseRoles.some(({ name }) => name === before.username);
  const load =
    now.load === null ? '' : `${plural(now.load.done, 'query', 'queries')} done, ${now.load.failed} failed. `;
  return `${load}${now.username} is in use; the old role ${before.username} ${isGone ? 'has left' : 'is still in'} the database.`;
}

/** What the lab does with things it does not run itself: telling of them, reaching them, preparing the database. */
import { bootstrapDatabase } from '../../../postgres/bootstrap.ts';
import type { ComponentKind, OnEvent } from '../events.ts';
import { accepts } from '../ports.ts';
import { describe, LabProblem } from '../problem.ts';
import type { Secrets } from '../secrets.ts';
import { type PartName, partVariables } from './part.ts';
import { withoutSecrets } from './parts.ts';

const reachTimeout = 5000;
const standardPorts: Record<PartName, number> = { postgres: 5432, redis: 6379, rabbitmq: 5672 };

/** Does the work, and tells before and after it of something that is no process of the lab's. */
export async function telling<Result>(
  onEvent: OnEvent,
  what: { component: string; kind: ComponentKind; address: string },
  work: () => Promise<Result>,
): Promise<Result> {
  const started = performance.now();
  const tell = (state: 'starting' | 'ready'): void =>
    onEvent({ type: 'state', ...what, state, seconds: (performance.now() - started) / 1000 });
  tell('starting');
  const result = await work();
  tell('ready');
  return result;
}

/** @throws LabProblem with the variable to correct, when nothing accepts a connection within 5 s. */
export async function requireReachable(part: PartName, partUrl: string): Promise<void> {
  const variable = partVariables[part].url;
  const url = URL.parse(partUrl);
  if (url !== null && (await accepts(url.hostname, Number(url.port) || standardPorts[part], reachTimeout))) return;
  throw new LabProblem(
    part,
    `${part} at ${withoutSecrets(partUrl)} did not accept a connection within 5 s; start it there, correct ${variable}, or unset ${variable} to have the lab start its own.`,
  );
}

/** Makes database, roles and schemas. @throws LabProblem when the administrator's rights do not suffice. */
export async function prepareDatabase(adminUrl: string, secrets: Secrets): Promise<void> {
  try {
    await bootstrapDatabase(adminUrl, secrets.postgresRoles);
  } catch (error) {
    throw new LabProblem(
      'postgres',
      `PostgreSQL at ${withoutSecrets(adminUrl)} could not be prepared for the mesh: ${describe(error)}; it needs an administrator who may create databases and roles. In the lab, "npm start -- --fresh" starts on empty data.`,
      { cause: error },
    );
  }
}

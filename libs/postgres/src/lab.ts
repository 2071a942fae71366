/** The lab's routes about a service's login: what it is, taking another one, and queries to do it under. */
import { LabCredentialLoad, LabCredentials } from '@ballast/contracts';
import { createReporter, problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import type { Static } from 'typebox';
import { toDatabaseError } from './errors.ts';
import { startLoad, type Load } from './load.ts';
import type { LeasedDatabase } from './open.ts';

type DatabaseRole = Static<typeof LabCredentials>['databaseRoles'][number];

/** Logins of whoever owns what this service has, Vault's administrator aside, and their sessions. */
const databaseRoles = {
  name: 'lab-database-roles',
  text: `
  SELECT r.rolname AS name, nullif(r.rolvaliduntil, 'infinity') AS "validUntil", count(a.pid)::int AS connections
    FROM pg_roles r LEFT JOIN pg_stat_activity a ON a.usesysid = r.oid
   WHERE r.rolcanlogin
     AND (r.rolname = current_user
      OR EXISTS (SELECT FROM pg_auth_members m
                  JOIN pg_roles owner ON owner.oid = m.roleid
                  WHERE m.member = r.oid AND owner.rolname = current_user AND NOT m.admin_option))
   GROUP BY r.oid, r.rolname, r.rolvaliduntil
   ORDER BY r.rolname
   LIMIT 100`,
};

/**
 * `GET /lab/credentials`, `POST /lab/credentials/rotate`, `POST /lab/credentials/load`. Give it to `addLabRoutes`:
 * `addLabRoutes(server, (lab) => credentialLabRoutes(lab, database))`.
 */
export function credentialLabRoutes(lab: HttpServer, database: LeasedDatabase): void {
  const report = createReporter(lab.log);
  let load: Load | undefined;
  const answer = async (): Promise<LabCredentials> => {
    const { address, expiresAt, notRevoked: _, stages, ...status } = database.credentials.status();
    const [state, roles] = await Promise.all([database.credentials.vaultState(), readRoles(database, report)]);
    return {
      ...status,
      vault: address === null || state === null ? null : { address, state },
      expiresAt: expiresAt?.toISOString() ?? null,
      stages: stages.map(({ at, ...stage }) => ({ at: at.toISOString(), ...stage })),
      load: load?.status() ?? null,
      databaseRoles: roles,
    };
  };
  const response = { 200: LabCredentials, 202: LabCredentials, ...problemResponses };

  lab.get('/credentials', { schema: { response } }, answer);
  lab.post('/credentials/rotate', { schema: { response } }, async (_request, reply) => {
    if (database.credentials.status().source === 'static') {
      throw new ProblemError('conflict', 'This service has a static login: there is no other to take.');
    }
    // How it goes shows in the stages.
    database.credentials.rotate().catch((error: unknown) => report('a rotation asked for in the lab failed', error));
    return reply.code(202).send(await answer());
  });
  lab.post('/credentials/load', { schema: { body: LabCredentialLoad, response } }, async ({ body }, reply) => {
    if (load?.status().running === true) throw new ProblemError('in-progress', 'Queries of an earlier call still run.');
    load = startLoad(database, body);
    return reply.code(202).send(await answer());
  });
  lab.addHook('onClose', () => load?.stop());
}

/** Without the database there is still something to show: nobody knows the roles then. */
async function readRoles(
  database: LeasedDatabase,
  report: (what: string, error: unknown) => void,
): Promise<DatabaseRole[]> {
  try {
    const rows = await database.query<{ name: string; validUntil: Date | null; connections: number }>(databaseRoles);
    return rows.map(({ validUntil, ...row }) => ({ ...row, validUntil: validUntil?.toISOString() ?? null }));
  } catch (error) {
    report('the database roles cannot be read', toDatabaseError(error));
    return [];
  }
}

/** What the files here know of PostgreSQL's roles. */
import type { Client } from 'pg';

/** True when the server has a role of that name. */
export async function roleExists(client: Client, role: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
  return rowCount === 1;
}

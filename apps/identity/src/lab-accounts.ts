/** The accounts everybody may use in the lab (contract.md). They exist only where `LAB_MODE=1`. */
import { randomUUIDv7 } from 'node:crypto';
import type { Role } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import type { PasswordHasher } from './domain/password-hasher.ts';
import { createUser, findAccount } from './store/users.ts';

const labAccounts: readonly { email: string; password: string; roles: readonly Role[] }[] = [
  { email: 'demo@ballast.test', password: 'ballast-demo', roles: ['customer'] },
  { email: 'operator@ballast.test', password: 'ballast-operator', roles: ['customer', 'operator'] },
];

/** Creates those that are missing. Replicas may do so together: an address can be taken once. */
export async function seedLabAccounts(database: Database, passwords: PasswordHasher): Promise<void> {
  for (const { email, password, roles } of labAccounts) {
    // Hashing is what costs: the look saves it on every start but the first. The insert alone decides.
    if ((await findAccount(database, email)) !== null) continue;
    const passwordHash = await passwords.hash(password);
    await createUser(database, { userId: randomUUIDv7(), email, passwordHash, roles });
  }
}

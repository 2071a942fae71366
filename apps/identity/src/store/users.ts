/** Accounts in PostgreSQL. */
import type { Role, User } from '@ballast/contracts';
import type { Queryable } from '@ballast/postgres';

interface UserRow {
  user_id: string;
  email: string;
  roles: Role[];
}

/** An account together with the hash its password is checked against. */
export interface Account {
  user: User;
  passwordHash: string;
}

// One statement decides who gets an address: the unique index makes all but one of any number of callers find it taken.
const insertUser = {
  name: 'insert-user',
  text: `
    INSERT INTO users (user_id, email, password_hash, roles)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT ON CONSTRAINT users_email_unique DO NOTHING
    RETURNING user_id, email, roles`,
};

const selectAccount = {
  name: 'select-account',
  text: 'SELECT user_id, email, roles, password_hash FROM users WHERE email = $1',
};

/** Stores an account under a normalised address; null when the address is taken. */
export async function createUser(
  database: Queryable,
  account: { userId: string; email: string; passwordHash: string; roles: readonly Role[] },
): Promise<User | null> {
  const [row] = await database.query<UserRow>(insertUser, [
    account.userId,
    account.email,
    account.passwordHash,
    account.roles,
  ]);
  return row === undefined ? null : toUser(row);
}

/** The account with this normalised address; null when there is none. */
export async function findAccount(database: Queryable, email: string): Promise<Account | null> {
  const [row] = await database.query<UserRow & { password_hash: string }>(selectAccount, [email]);
  return row === undefined ? null : { user: toUser(row), passwordHash: row.password_hash };
}

const toUser = (row: UserRow): User => ({ userId: row.user_id, email: row.email, roles: row.roles });

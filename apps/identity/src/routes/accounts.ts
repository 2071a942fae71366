/** `POST /register` and `POST /login`. */
import { randomUUIDv7 } from 'node:crypto';
import { Credentials, RegisterResponse, TokenPair } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import { normaliseEmail } from '../domain/email.ts';
import { TooBusy } from '../domain/limiter.ts';
import type { PasswordHasher } from '../domain/password-hasher.ts';
import { createUser, findAccount } from '../store/users.ts';
import type { Sessions } from '../sessions.ts';
import { noQuery } from './schemas.ts';

/**
 * Looser than `Credentials`: what could never have been registered is simply wrong, so that a refusal says nothing
 * about the rules. The limits only keep the work bounded.
 */
const LoginRequest = Type.Object(
  { email: Type.String({ maxLength: 1024 }), password: Type.String({ maxLength: 1024 }) },
  { additionalProperties: false },
);

/** Adds the routes by which accounts are opened and sessions begun. */
export function addAccountRoutes(
  server: HttpServer,
  { database, passwords, sessions }: { database: Database; passwords: PasswordHasher; sessions: Sessions },
): void {
  server.post(
    '/register',
    {
      config: { access: 'public' },
      schema: {
        summary: 'Open an account',
        querystring: noQuery,
        body: Credentials,
        response: { 201: RegisterResponse, ...problemResponses },
      },
    },
    async (request, reply) => {
      const { email, password } = request.body;
      const user = await createUser(database, {
        userId: randomUUIDv7(),
        email: normaliseEmail(email),
        passwordHash: await unlessBusy(passwords.hash(password)),
        roles: ['customer'],
      });
      if (user === null) {
        throw new ProblemError('conflict', 'There is an account with this e-mail address already.', { field: 'email' });
      }
      return reply.code(201).send({ user });
    },
  );

  server.post(
    '/login',
    {
      config: { access: 'public' },
      schema: {
        summary: 'Sign in',
        querystring: noQuery,
        body: LoginRequest,
        response: { 200: TokenPair, ...problemResponses },
      },
    },
    async (request, reply) => {
      const { email, password } = request.body;
      const account = await findAccount(database, normaliseEmail(email));
      const fits = await unlessBusy(passwords.matches(account?.passwordHash ?? null, password));
      if (account === null || !fits) {
        throw new ProblemError('invalid-credentials', 'The email address or the password is wrong.');
      }
      reply.header('cache-control', 'no-store');
      return sessions.begin(account.user);
    },
  );
}

async function unlessBusy<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof TooBusy)) throw error;
    throw new ProblemError('unavailable', 'Too many people are signing in at this moment.', { cause: error });
  }
}

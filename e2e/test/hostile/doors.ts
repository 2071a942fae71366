/** The ways in: through the bff with a session or a token, or straight to the service that answers. */
import type { Request } from './wire.ts';
import type { Account, World } from './world.ts';

export interface Door {
  name: string;
  service: string;
  /** Where the door has `/orders`. */
  prefix: '' | '/api';
  headers(account: Account): [string, string][];
}

const bearer = (account: Account): [string, string][] => [['authorization', `Bearer ${account.accessToken}`]];

export const withSession: Door = {
  name: 'with a session',
  service: 'bff',
  prefix: '/api',
  headers: ({ cookie, csrf }) => [
    ['cookie', cookie],
    ['x-csrf-token', csrf],
  ],
};
export const withToken: Door = { name: 'with a token', service: 'bff', prefix: '/api', headers: bearer };

/** A service's own port. */
export const direct = (service: string): Door => ({ name: 'directly', service, prefix: '', headers: bearer });

/** A door nobody has a key for. */
export const anonymous = (door: Door): Door => ({ ...door, name: 'signed in as nobody', headers: () => [] });

export const orderDoors: readonly Door[] = [withSession, withToken, direct('checkout-1')];
export const stockDoors: readonly Door[] = [withSession, withToken, direct('catalog-1')];

export interface Call extends Omit<Request, 'headers'> {
  headers?: readonly (readonly [string, string])[];
  as?: (world: World) => Account;
}

/** A request through a door. A body is JSON unless the call brings its own content type. */
export function through(door: Door, world: World, call: Call): Request {
  const { as = (each: World): Account => each.customer, headers = [], path, ...rest } = call;
  const typed = call.body === undefined || headers.some(([name]) => name === 'content-type');
  return {
    ...rest,
    path: `${door.prefix}${path}`,
    headers: [
      ...(typed ? [] : [['content-type', 'application/json'] as const]),
      ...door.headers(as(world)),
      ...headers,
    ],
  };
}

/** Identity as an operator uses it: devices and their tokens, good ones and odd ones, and the end of a token. */
import { DeviceToken, OddToken, TokenPair, type OddTokenKind } from '@ballast/contracts';
import { Type, type Static, type TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { Problem, wordsOf } from './problem.ts';

/** A good token of a device, and the id it is revoked by. */
export type GoodToken = Pick<DeviceToken, 'token' | 'tokenId'>;

/** An elliptic key as it stands in a JWKS (RFC 7517); others are let be. */
const PublicKey = Type.Object({ kid: Type.String(), kty: Type.String() });
export type PublicKey = Static<typeof PublicKey> & Record<string, unknown>;

export interface Identity {
  /** A token that is good for `seconds`; the device is registered where it is new. */
  deviceToken(deviceId: string, seconds: number): Promise<GoodToken>;
  oddToken(deviceId: string, kind: OddTokenKind): Promise<string>;
  revoke(deviceId: string, tokenId: string): Promise<void>;
  /** The first of its public keys. */
  publicKey(): Promise<PublicKey>;
}

const checks = {
  pair: Compile(Type.Pick(TokenPair, ['accessToken', 'expiresIn'])),
  device: Compile(Type.Pick(DeviceToken, ['token', 'tokenId'])),
  odd: Compile(OddToken),
  keys: Compile(Type.Object({ keys: Type.Array(PublicKey, { minItems: 1 }) })),
};

/** Each call, in ms. */
const timeoutMs = 10_000;
/** Calls are tried again where identity says that it has no time now, or is away for a moment. */
const tries = 4;
/** An access token is not used any more when so little of its life is left, in ms. */
const spareMs = 60_000;

/** A client that signs in when it has to. Its calls throw a {@link Problem} that says what identity answered. */
export function createIdentity(options: { url: string; email: string; password: string }): Identity {
  const { url, email, password } = options;
  let access: { token: string; until: number } | undefined;
  let signingIn: Promise<string> | undefined;

  const send = async (method: string, path: string, body: object | undefined, token?: string): Promise<Response> => {
    for (let tried = 1; ; tried += 1) {
      const again = tried < tries;
      try {
        const response = await fetch(`${url}${path}`, {
          method,
          signal: AbortSignal.timeout(timeoutMs),
          headers: {
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        if (!again || (response.status !== 429 && response.status !== 503)) return response;
        await response.arrayBuffer();
      } catch (error) {
        if (!again)
          throw new Problem(`identity at ${url} does not answer (${wordsOf(error)}); is the mesh running? (npm start)`);
      }
      await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** tried));
    }
  };

  const read = async <Schema extends TSchema>(
    response: Response,
    check: Validator<{}, Schema>,
    what: string,
  ): Promise<Static<Schema>> => {
    const text = await response.text();
    if (!response.ok)
      throw new Problem(`identity at ${url}: ${what} was answered with ${response.status}: ${text.slice(0, 200)}`);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new Problem(`identity at ${url}: the answer to ${what} is no JSON`);
    }
    if (!check.Check(value))
      throw new Problem(`identity at ${url}: the answer to ${what} is not what the contract says`);
    return value;
  };

  const signIn = async (): Promise<string> => {
    const response = await send('POST', '/login', { email, password });
    if (response.status === 401)
      throw new Problem(
        `identity at ${url} does not know ${email} with this password: see OPERATOR_EMAIL and OPERATOR_PASSWORD`,
      );
    const { accessToken, expiresIn } = await read(response, checks.pair, 'POST /login');
    access = { token: accessToken, until: Date.now() + expiresIn * 1_000 - spareMs };
    return accessToken;
  };
  const token = (): Promise<string> => {
    if (access !== undefined && Date.now() < access.until) return Promise.resolve(access.token);
    signingIn ??= signIn().finally(() => {
      signingIn = undefined;
    });
    return signingIn;
  };
  const asOperator = async (method: string, path: string, body?: object): Promise<Response> =>
    send(method, path, body, await token());

  return {
    deviceToken: async (deviceId, seconds) => {
      const response = await asOperator('POST', '/devices', { deviceId, expiresInSeconds: seconds });
      const { token: good, tokenId } = await read(response, checks.device, 'POST /devices');
      return { token: good, tokenId };
    },
    oddToken: async (deviceId, kind) => {
      const response = await asOperator('POST', '/lab/devices/odd-tokens', { deviceId, kind });
      if (response.status === 404)
        throw new Problem(`identity at ${url} makes no odd tokens: that is for labs only (LAB_MODE=1)`);
      return (await read(response, checks.odd, 'POST /lab/devices/odd-tokens')).token;
    },
    revoke: async (deviceId, tokenId) => {
      const response = await asOperator('DELETE', `/devices/${deviceId}/tokens/${tokenId}`);
      const text = await response.text();
      if (!response.ok)
        throw new Problem(
          `identity at ${url}: revoking a token was answered with ${response.status}: ${text.slice(0, 200)}`,
        );
    },
    publicKey: async () => {
      const response = await send('GET', '/.well-known/jwks.json', undefined);
      const { keys } = await read(response, checks.keys, 'GET /.well-known/jwks.json');
      return keys[0] as PublicKey;
    },
  };
}

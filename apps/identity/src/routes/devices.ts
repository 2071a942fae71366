/** `/devices`: devices and their tokens, for operators. */
import { randomUUIDv7 } from 'node:crypto';
import { DeviceId, DeviceQuery, Devices, DeviceToken, DeviceTokenRequest, Uuid } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { DeviceTokenSigner } from '../domain/device-token.ts';
import { endDevice, listDevices, outstandingLimit, rememberDeviceToken, revokeDeviceToken } from '../store/devices.ts';
import { noQuery, refuseContent } from './schemas.ts';

/** Life of a token for which nothing is said, in seconds. */
const defaultLifetimeSeconds = 86_400;
const defaultPage = 50;

const DevicePath = Type.Object({ deviceId: DeviceId }, { additionalProperties: false });
const TokenPath = Type.Object({ deviceId: DeviceId, tokenId: Uuid }, { additionalProperties: false });

export interface DeviceRoutes {
  database: Database;
  signer: DeviceTokenSigner;
  /** Told after each commit that revoked something. */
  onRevoked: () => void;
}

/** Adds the routes by which devices get tokens and lose them. */
export function addDeviceRoutes(server: HttpServer, { database, signer, onRevoked }: DeviceRoutes): void {
  const operator = { access: 'operator' as const };
  const security = [{ bearer: [] }];

  server.post(
    '/devices',
    {
      config: operator,
      schema: {
        summary: 'A token for a device, which is registered where it is new',
        security,
        querystring: noQuery,
        body: DeviceTokenRequest,
        response: { 201: DeviceToken, ...problemResponses },
      },
    },
    async (request, reply) => {
      const { deviceId = `device-${randomUUIDv7()}`, expiresInSeconds = defaultLifetimeSeconds } = request.body;
      const issuedAt = Math.floor(Date.now() / 1000);
      const token = { deviceId, tokenId: randomUUIDv7(), issuedAt, expiresAt: issuedAt + expiresInSeconds };
      // Remembered first: a token that is not could never be revoked.
      const outcome = await rememberDeviceToken(database, token);
      if (outcome === 'ended')
        throw new ProblemError('conflict', 'This device was ended and gets no more tokens.', { field: 'deviceId' });
      if (outcome === 'too-many')
        throw new ProblemError(
          'conflict',
          `This device has ${outstandingLimit} tokens that are good; revoke some first.`,
          { field: 'deviceId' },
        );
      reply.header('cache-control', 'no-store');
      return reply.code(201).send({
        deviceId,
        token: await signer.sign(token),
        tokenId: token.tokenId,
        expiresAt: new Date(token.expiresAt * 1000).toISOString(),
      });
    },
  );

  server.get(
    '/devices',
    {
      config: operator,
      schema: {
        summary: 'Registered devices, in the order of their ids',
        security,
        querystring: DeviceQuery,
        response: { 200: Devices, ...problemResponses },
      },
    },
    async ({ query: { cursor, limit = defaultPage } }) => {
      const items = await listDevices(database, readCursor(cursor), limit);
      const last = items.length === limit ? items.at(-1) : undefined;
      return { items, nextCursor: last === undefined ? null : writeCursor(last.deviceId) };
    },
  );

  server.delete(
    '/devices/:deviceId/tokens/:tokenId',
    {
      config: operator,
      schema: {
        summary: 'Revoke a token of a device',
        security,
        params: TokenPath,
        querystring: noQuery,
        response: { 204: Type.Null(), ...problemResponses },
      },
      preValidation: async (request) => refuseContent(request.body),
    },
    async ({ params: { deviceId, tokenId } }, reply) => {
      const known = await revokeDeviceToken(database, deviceId, tokenId.toLowerCase());
      if (!known) throw new ProblemError('not-found', 'This device has no such token, or it has expired.');
      onRevoked();
      return reply.code(204).send(null);
    },
  );

  server.delete(
    '/devices/:deviceId',
    {
      config: operator,
      schema: {
        summary: 'End a device: all its tokens are revoked and it gets no more',
        security,
        params: DevicePath,
        querystring: noQuery,
        response: { 204: Type.Null(), ...problemResponses },
      },
      preValidation: async (request) => refuseContent(request.body),
    },
    async ({ params: { deviceId } }, reply) => {
      if (!(await endDevice(database, deviceId))) throw new ProblemError('not-found', 'There is no such device.');
      onRevoked();
      return reply.code(204).send(null);
    },
  );
}

const writeCursor = (deviceId: string): string => Buffer.from(deviceId).toString('base64url');

/** The id a page starts after; throws a 422 for anything `writeCursor` has not written. */
function readCursor(cursor: string | undefined): string {
  if (cursor === undefined) return '';
  const deviceId = Buffer.from(cursor, 'base64url').toString();
  if (!Value.Check(DeviceId, deviceId) || writeCursor(deviceId) !== cursor)
    throw new ProblemError('invalid-input', 'cursor is not one that a page was answered with.', { field: 'cursor' });
  return deviceId;
}

/** `GET /audit`: who came, from where, why they were turned away, and when. For operators. */
import { DeviceEvent, DeviceId, Timestamp } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import { searchAuditEvents } from '../store/audit.ts';
import { readCursor, writeCursor } from './cursor.ts';

const AuditQuery = Type.Object(
  {
    /** Verified. */
    deviceId: Type.Optional(DeviceId),
    /** What unverified tokens claimed; says nothing about the device of that name. */
    claimedId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
    kind: Type.Optional(DeviceEvent.properties.kind),
    from: Type.Optional(Timestamp),
    to: Type.Optional(Timestamp),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  },
  { additionalProperties: false },
);

const AuditPage = Type.Object({
  items: Type.Array(Type.Object({ ...DeviceEvent.properties, gateway: Type.String() })),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

const defaultPage = 50;

export function auditRoute(server: HttpServer, database: Database): void {
  server.get(
    '/audit',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'What happened to devices at gateways, newest first',
        description:
          'deviceId is verified; claimedId is what a token said that was not truly signed, and is never to be believed.',
        security: [{ bearer: [] }],
        querystring: AuditQuery,
        response: { 200: AuditPage, ...problemResponses },
      },
    },
    async ({ query }, reply) => {
      const { cursor, limit = defaultPage, from, to, deviceId, claimedId, reason, kind } = query;
      // One more than asked for: it tells whether there is another page.
      const found = await searchAuditEvents(database, {
        deviceId,
        claimedId,
        reason,
        kind,
        from: from === undefined ? undefined : instant(from, 'from'),
        to: to === undefined ? undefined : instant(to, 'to'),
        after: cursor === undefined ? undefined : readCursor(cursor),
        limit: limit + 1,
      });
      const items = found.slice(0, limit);
      reply.header('cache-control', 'no-store');
      return { items, nextCursor: found.length > limit ? writeCursor(items.at(-1)!) : null };
    },
  );
}

/** The format lets instants pass that no calendar knows. */
function instant(text: string, field: string): string {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds) || milliseconds < 0)
    throw new ProblemError('invalid-input', `${field} is no instant since 1970.`, { field });
  return new Date(milliseconds).toISOString();
}

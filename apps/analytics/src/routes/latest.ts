/** `GET /devices/:deviceId/latest`: the latest telemetry of a device. For operators. */
import { DeviceId, DeviceTelemetry } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import { findLatestFrame } from '../store/latest.ts';

const DevicePath = Type.Object({ deviceId: DeviceId }, { additionalProperties: false });
const NoQuery = Type.Object({}, { additionalProperties: false });
/** `sentAt` and the readings are as the device said them. */
const Latest = Type.Object({
  ...DeviceTelemetry.properties.items.items.properties,
  sentAt: Type.String(),
  gateway: Type.String(),
});

export function latestRoute(server: HttpServer, database: Database): void {
  server.get(
    '/devices/:deviceId/latest',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'The latest telemetry frame of a device',
        security: [{ bearer: [] }],
        params: DevicePath,
        querystring: NoQuery,
        response: { 200: Latest, ...problemResponses },
      },
    },
    async ({ params: { deviceId } }, reply) => {
      const frame = await findLatestFrame(database, deviceId);
      if (frame === null) throw new ProblemError('not-found', 'No telemetry of this device is kept.');
      reply.header('cache-control', 'no-store');
      return frame;
    },
  );
}

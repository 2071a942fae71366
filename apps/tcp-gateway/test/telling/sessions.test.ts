/** Telling the other processes of sessions: when some of it was dropped, all of it is told again. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { it } from 'node:test';
import type { DeviceSessions } from '@ballast/contracts';
import { createMessage, PublishFailed } from '@ballast/messaging';
import { until } from '@ballast/testing';
import { Counts } from '../../src/domain/counts.ts';
import { createTeller, newEpoch } from '../../src/telling/teller.ts';

it('sessions that did not fit while the broker took nothing are told of once it does', async () => {
  let away = true;
  let missed = 0;
  const complaints: string[] = [];
  const told = new Set<string>();
  const names = Array.from({ length: 500 }, (_, at) => ({ deviceId: `device-${at}`, sessionId: randomUUIDv7() }));
  const teller = createTeller({
    gateway: 'gateway-1',
    epoch: newEpoch(),
    counts: new Counts(),
    broker: {
      envelope: (type, body) => createMessage({ type, correlationId: newEpoch(), body } as never),
      publish: async (message) => {
        if (away) throw new PublishFailed('away');
        const { items } = message.body as unknown as DeviceSessions;
        for (const { deviceId } of items) told.add(deviceId);
      },
    },
    limits: { telemetryItems: 1, telemetryBytes: 1, eventItems: 1, sessionItems: 100 },
    onSessionsMissed: () => {
      missed += 1;
      // A part of them: the real queue has room for all.
      for (const session of names.slice(0, 100)) teller.session(session);
    },
    onError: (what) => complaints.push(what),
  });
  for (const session of names) teller.session(session);
  assert.equal(teller.waiting().sessions, 100);
  assert.equal(missed, 0);
  await until('it was tried', () => complaints.length > 0);
  away = false;
  await until('what was dropped is told', () => told.has('device-0') && told.has('device-499'));
  assert.equal(missed, 1);
  await until('it is at rest', () => teller.waiting().sessions === 0);
  assert.equal(missed, 1);
  await teller.finish();
});

/** What happened to the login: the latest stages, and counts that go to whoever measures. */
import diagnostics from 'node:diagnostics_channel';
import type { RotationStage } from '@ballast/contracts';

/** One step of a rotation. */
export interface StageRecord {
  at: Date;
  stage: RotationStage;
  /** The login it is about; null where there is none yet. */
  username: string | null;
  detail: string | null;
}

export interface RotationLog {
  note(stage: RotationStage, username?: string, detail?: string): void;
  /** Newest last, the latest forty. */
  stages(): readonly StageRecord[];
  /** Logins taken into use after the first. */
  rotations(): number;
}

const kept = 40;
const counts = diagnostics.channel('ballast:count');

/** `onStage` is told of each stage as it happens. */
export function createRotationLog(onStage: (record: StageRecord) => void): RotationLog {
  const records: StageRecord[] = [];
  let activated = 0;
  return {
    note: (stage, username, detail) => {
      const record = { at: new Date(), stage, username: username ?? null, detail: detail ?? null };
      records.push(record);
      if (records.length > kept) records.shift();
      if (stage === 'activated') activated += 1;
      if (stage === 'activated' || stage === 'revoked-old' || stage === 'failed') {
        counts.publish({ name: 'database_credential_stages_total', labels: { stage } });
      }
      onStage(record);
    },
    stages: () => records,
    rotations: () => Math.max(0, activated - 1),
  };
}

/** One rotation of leased credentials, from two looks at a service. Pure. */
import type { LabCredentials, RotationStage } from '@ballast/contracts';

export type StageSeen = LabCredentials['stages'][number] & {
  /** Milliseconds since the first stage of this rotation. */
  elapsed: number;
};

/** The stages that were not there at the earlier look, oldest first. */
export function stagesSince(before: LabCredentials, now: LabCredentials): StageSeen[] {
  const known = new Set(before.stages.map(({ at, stage }) => `${at} ${stage}`));
  const fresh = now.stages.filter(({ at, stage }) => !known.has(`${at} ${stage}`));
  const first = fresh[0]?.at;
  return fresh.map((stage) => ({
    ...stage,
    elapsed: first === undefined ? 0 : Math.max(0, Date.parse(stage.at) - Date.parse(first)),
  }));
}

/** Whether the rotation has ended, well or not. */
export function rotationEnded(stages: readonly StageSeen[]): boolean {
  const last = stages.at(-1)?.stage;
  return last === 'revoked-old' || last === 'failed';
}

/** Each stage in words. */
export const stageWords: Record<RotationStage, string> = {
  started: 'Started',
  'credentials-fetched': 'New credentials fetched from Vault',
  activated: 'New pool active: new queries use the new role',
  'grace-period': 'Old pool drains: its queries finish',
  'revoked-old': 'Old role revoked',
  failed: 'Failed',
};

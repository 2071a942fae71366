/** What Vault answers, and how: the envelope around every answer, and its errors. Source: Vault's HTTP API documentation. */
import { randomUUID } from 'node:crypto';

/** Seconds of credentials that end by themselves, as the envelope's `lease_…` fields tell them. */
export type LeaseAnswer = { id: string; seconds: number; renewable: boolean };

/** What an operation answers. With nothing in it, Vault answers 204. */
export type Answer = {
  status?: number;
  data?: unknown;
  auth?: unknown;
  lease?: LeaseAnswer;
  warnings?: readonly string[];
  /** Sent as it is, without the envelope: health and seal status. */
  raw?: unknown;
};

/** Thrown anywhere below an operation; becomes `{"errors":[…]}` with the status. */
export class VaultError extends Error {
  readonly status: number;
  readonly errors: readonly string[];

  constructor(status: number, ...errors: string[]) {
    super(errors.join('; '));
    this.name = 'VaultError';
    this.status = status;
    this.errors = errors;
  }
}

/** 403: no token, an unknown or expired one, or one whose policies do not allow it. */
export const permissionDenied = (): VaultError => new VaultError(403, 'permission denied');

/** 404 with an empty list: nothing is stored there. */
export const nothingThere = (): VaultError => new VaultError(404);

/** The status and the body of an answer; no body with 204 and 202. */
export function render(answer: Answer): { status: number; body?: unknown } {
  if (answer.raw !== undefined) return { status: answer.status ?? 200, body: answer.raw };
  const said = answer.data ?? answer.auth ?? answer.lease ?? answer.warnings;
  if (said === undefined) return { status: answer.status ?? 204 };
  return {
    status: answer.status ?? 200,
    body: {
      request_id: randomUUID(),
      lease_id: answer.lease?.id ?? '',
      renewable: answer.lease?.renewable ?? false,
      lease_duration: answer.lease?.seconds ?? 0,
      data: answer.data ?? null,
      wrap_info: null,
      warnings: answer.warnings === undefined || answer.warnings.length === 0 ? null : answer.warnings,
      auth: answer.auth ?? null,
    },
  };
}

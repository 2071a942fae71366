/** Durations as Vault reads them: seconds as a number, digits, or Go's `1h30m`. */
import { Type } from 'typebox';
import { VaultError } from './answers.ts';

/** A duration in a body. */
export const Duration = Type.Union([Type.Integer({ minimum: 0 }), Type.String({ maxLength: 32 })]);

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Whole seconds; `otherwise` when it is left out. @throws VaultError 400 when it is no duration. */
export function seconds(value: number | string | undefined, otherwise: number): number {
  if (value === undefined || value === '') return otherwise;
  if (typeof value === 'number') return value;
  if (/^\d+$/.test(value)) return Number(value);
  const parts = [...value.matchAll(/(\d+)([smhd])/g)];
  if (parts.length === 0 || parts.map(([text]) => text).join('') !== value) {
    throw new VaultError(400, `error parsing duration "${value}"`);
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? 's'] ?? 1), 0);
}

/** A point in time, in milliseconds, as Vault writes it. */
export const timestamp = (milliseconds: number): string => new Date(milliseconds).toISOString();

/**
 * Refuses a fault with the field that is wrong. A schema of alternatives complains of all of them; here the one that `kind`
 * names is looked at alone.
 */
import { ControlFault, LinkFault, PartFault, PointFault } from '@ballast/contracts';
import { ProblemError } from '@ballast/service';
import { Compile } from 'typebox/compile';

const checks = {
  point: Compile(PointFault),
  link: Compile(LinkFault),
  part: Compile(PartFault),
  control: Compile(ControlFault),
} as const;
const isKind = (kind: unknown): kind is keyof typeof checks => typeof kind === 'string' && Object.hasOwn(checks, kind);

/** Throws a `ProblemError` (422) for what is no fault; `path` is where it stands in the body. */
export function refuseStrangeFault(value: unknown, path = ''): void {
  const at = (field: string): string => [path, field].filter((part) => part !== '').join('.');
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  if (!isKind(kind)) {
    const known = Object.keys(checks).join(', ');
    throw new ProblemError('invalid-input', `${at('kind')} must be one of ${known}.`, { field: at('kind') });
  }
  const check = checks[kind];
  if (check.Check(value)) return;
  const [error] = check.Errors(value);
  const inside = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const params = error?.params as { requiredProperties?: string[]; additionalProperties?: string[] } | undefined;
  const missing = params?.requiredProperties?.[0];
  const extra = params?.additionalProperties?.[0];
  const field = at([inside, missing ?? extra ?? ''].filter((part) => part !== '').join('.'));
  const why = missing === undefined ? (extra === undefined ? error?.message : 'is not known here') : 'is required';
  throw new ProblemError('invalid-input', `${field} ${why ?? 'is wrong'}.`, { field });
}

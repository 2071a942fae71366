/**
 * Refuses faults and steps with the field that is wrong. A schema of alternatives complains of all of them; here the one that
 * was meant is looked at alone.
 */
import { ControlFault, Experiment, LinkFault, PartFault, PointFault } from '@ballast/contracts';
import { ProblemError } from '@ballast/service';
import { Compile, type Validator } from 'typebox/compile';

const checks = {
  point: Compile(PointFault),
  link: Compile(LinkFault),
  part: Compile(PartFault),
  control: Compile(ControlFault),
} as const;
const isKind = (kind: unknown): kind is keyof typeof checks => typeof kind === 'string' && Object.hasOwn(checks, kind);
const [faultStep, loadStep] = Experiment.properties.steps.items.anyOf;
const stepChecks = { fault: Compile(faultStep), load: Compile(loadStep) } as const;
const mostSteps = 2_000;

/** Throws a `ProblemError` (422) for what is no fault; `path` is where it stands in the body. */
export function refuseStrangeFault(value: unknown, path = ''): void {
  const kind = isObject(value) ? value['kind'] : undefined;
  if (!isKind(kind)) {
    const field = joined(path, 'kind');
    throw new ProblemError('invalid-input', `${field} must be one of ${Object.keys(checks).join(', ')}.`, { field });
  }
  refuse(checks[kind], value, path);
}

/** The same for the steps of an experiment, each as what it holds: a fault or a load. What else is wrong is the schema's to say. */
export function refuseStrangeSteps(body: unknown): void {
  if (!isObject(body) || !Array.isArray(body['steps'])) return;
  for (const [place, step] of body['steps'].slice(0, mostSteps).entries()) {
    const path = `steps.${place}`;
    if (isObject(step) && 'fault' in step) {
      refuseStrangeFault(step['fault'], `${path}.fault`);
      refuse(stepChecks.fault, step, path);
    } else if (isObject(step) && 'load' in step) refuse(stepChecks.load, step, path);
  }
}

/** Throws with the first thing that is wrong. */
function refuse(check: Pick<Validator, 'Check' | 'Errors'>, value: unknown, path: string): void {
  if (check.Check(value)) return;
  const [error] = check.Errors(value);
  const inside = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const params = error?.params as { requiredProperties?: string[]; additionalProperties?: string[] } | undefined;
  const missing = params?.requiredProperties?.[0];
  const extra = params?.additionalProperties?.[0];
  const field = joined(path, inside, missing ?? extra ?? '');
  const why = missing === undefined ? (extra === undefined ? error?.message : 'is not known here') : 'is required';
  throw new ProblemError('invalid-input', `${field} ${why ?? 'is wrong'}.`, { field });
}

const joined = (...parts: string[]): string => parts.filter((part) => part !== '').join('.');
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

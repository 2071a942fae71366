/** Turning bytes into values that routes can trust. */
import type { FastifyRequest, FastifySchemaCompiler } from 'fastify';
import secureJson from 'secure-json-parse';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { ProblemError } from './problem.ts';

/**
 * Fastify validator over TypeBox. Bodies are taken as they are; query, path and header values arrive as text and
 * are converted to the schema's types first. Unknown keys are refused where the schema says so, never stripped.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema);
  return (input: unknown) => {
    const value = httpPart === 'body' ? input : fromText(schema, Value.Default(schema, input));
    if (check.Check(value)) {
      const bad = httpPart === 'body' || httpPart === 'headers' ? null : unstorable(value);
      if (bad === null) return { value };
      return { error: invalid(bad, 'must not contain control code zero or broken surrogates') };
    }
    const errors = check.Errors(value);
    // A union reports each branch; the deepest path names the value that is really to blame.
    const worst = errors.reduce((deepest, error) => (depth(error) > depth(deepest) ? error : deepest), errors[0]!);
    const missing = (worst.params as { requiredProperties?: string[] }).requiredProperties?.[0];
    const extra = (worst.params as { additionalProperties?: string[] }).additionalProperties?.[0];
    if (missing !== undefined) return { error: invalid(`${worst.instancePath}/${missing}`, 'is required') };
    if (worst.keyword === 'boolean' || extra !== undefined) {
      return {
        error: invalid(
          extra === undefined ? worst.instancePath : `${worst.instancePath}/${extra}`,
          'is not known here',
        ),
      };
    }
    return { error: invalid(worst.instancePath, worst.message) };
  };
};

/**
 * Text that says a number or a truth value exactly, converted where the schema wants one; everything else stays as it
 * is and fails the check. (TypeBox's own `Convert` takes "1.5" for the integer 1 and "" for 0.)
 */
export function fromText(schema: TSchema, input: unknown): unknown {
  const properties = (schema as { properties?: Record<string, { type?: unknown }> }).properties;
  if (properties === undefined || typeof input !== 'object' || input === null) return input;
  const values = input as Record<string, unknown>;
  const converted: Record<string, unknown> = { ...values };
  for (const [name, { type }] of Object.entries(properties)) {
    const value = values[name];
    if (typeof value !== 'string') continue;
    if ((type === 'integer' || type === 'number') && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(value))
      converted[name] = Number(value);
    if (type === 'boolean' && (value === 'true' || value === 'false')) converted[name] = value === 'true';
  }
  return converted;
}

const depth = (error: { instancePath: string }): number => error.instancePath.split('/').length;

function invalid(path: string, message: string): ProblemError {
  const field = path.replace(/^\//, '').replaceAll('/', '.');
  return new ProblemError(
    'invalid-input',
    field === '' ? `The body ${message}.` : `${field} ${message}.`,
    field === '' ? {} : { field },
  );
}

/** JSON bodies: prototype poisoning refused, and text that PostgreSQL cannot store named by its field. */
export function parseJson(
  _request: FastifyRequest,
  text: string | Buffer,
  done: (error: Error | null, value?: unknown) => void,
): void {
  const body = text.toString();
  if (body.trim() === '') {
    done(null, undefined);
    return;
  }
  let value: unknown;
  try {
    value = secureJson.parse(body, { protoAction: 'error', constructorAction: 'error' });
  } catch (error) {
    done(new ProblemError('malformed-json', 'The body is not valid JSON.', { cause: error }));
    return;
  }
  // Zero codes and lone surrogates can only come in as \u escapes, so most bodies skip the walk.
  const bad = body.includes('\\u') ? unstorable(value) : null;
  done(bad === null ? null : invalid(bad, 'must not contain control code zero or broken surrogates'), value);
}

/**
 * Path of the first string that PostgreSQL's UTF-8 text or jsonb cannot hold; null where all can be stored. Walks with
 * a list of its own: a body of 64 KiB can be nested deeper than the stack goes.
 */
function unstorable(root: unknown): string | null {
  const waiting: Place[] = [{ value: root, key: '', above: null }];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const { value } = place;
    if (typeof value === 'string' && !isStorable(value)) return pathOf(place);
    if (typeof value !== 'object' || value === null) continue;
    const members = Object.entries(value);
    if (members.some(([key]) => !isStorable(key))) return pathOf(place);
    for (const [key, member] of members.toReversed()) waiting.push({ value: member, key, above: place });
  }
  return null;
}

interface Place {
  value: unknown;
  key: string;
  above: Place | null;
}

const isStorable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed();

/** As a JSON pointer. */
function pathOf(place: Place): string {
  const keys: string[] = [];
  for (let at = place; at.above !== null; at = at.above) keys.push(at.key);
  return keys
    .map((key) => `/${key}`)
    .toReversed()
    .join('');
}

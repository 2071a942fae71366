/**
 * Who may do what: Vault's path policies in HCL or JSON, with `*` at the end of a path and `+` for one segment.
 * The most specific path decides, and a `deny` there beats everything. Source: "Policies" in Vault's documentation.
 */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { VaultError } from './answers.ts';

const capabilities = ['create', 'read', 'update', 'patch', 'delete', 'list', 'sudo', 'deny'] as const;

/** What a policy can allow on a path. */
export type Capability = (typeof capabilities)[number];

type Rule = { path: string; capabilities: readonly Capability[] };

const JsonPolicy = Compile(
  Type.Object({
    path: Type.Record(
      Type.String(),
      Type.Object({ capabilities: Type.Array(Type.Union(capabilities.map((name) => Type.Literal(name)))) }),
    ),
  }),
);

/** What every token may do besides its own policies, as far as it exists here. */
export const defaultPolicy = `
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
path "sys/renew" { capabilities = ["update"] }
path "sys/leases/renew" { capabilities = ["update"] }
path "sys/leases/lookup" { capabilities = ["update"] }
`;

/** The rules of a policy. @throws VaultError 400 when it is neither. */
export function parsePolicy(text: string): Rule[] {
  if (text.trimStart().startsWith('{')) return parseJson(text);
  const plain = text.replaceAll(/^\s*(#|\/\/).*$/gm, '').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const block = /path\s+"([^"]+)"\s*\{\s*capabilities\s*=\s*\[([^\]]*)\]\s*\}/g;
  const rules = [...plain.matchAll(block)].map(([, path = '', list = '']) => ({
    path,
    capabilities: list
      .split(',')
      .map((item) => item.trim().replaceAll('"', ''))
      .filter((item) => item !== '')
      .map(requireCapability),
  }));
  if (plain.replaceAll(block, '').trim() !== '') throw unusable('only path blocks with capabilities are known here');
  return rules;
}

/** True when the policies, given as texts, allow one of `wanted` on the path, and `sudo` as well where it is asked for. */
export function allows(
  policies: readonly string[],
  path: string,
  wanted: readonly Capability[],
  sudo: boolean,
): boolean {
  const matching = policies.flatMap(parsePolicy).filter((rule) => matches(rule.path, path));
  const [best] = matching.toSorted((one, other) => specificity(other.path) - specificity(one.path));
  if (best === undefined) return false;
  const granted = new Set(matching.filter((rule) => rule.path === best.path).flatMap((rule) => rule.capabilities));
  if (granted.has('deny')) return false;
  return wanted.some((capability) => granted.has(capability)) && (!sudo || granted.has('sudo'));
}

function parseJson(text: string): Rule[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What is wrong with it is the caller's to find; Vault says no more either.
    throw unusable('it is not JSON');
  }
  if (!JsonPolicy.Check(value)) throw unusable('it needs "path" with "capabilities"');
  return Object.entries(value.path).map(([path, rule]) => ({ path, capabilities: rule.capabilities }));
}

function requireCapability(text: string): Capability {
  const found = capabilities.find((capability) => capability === text);
  if (found === undefined) throw unusable(`invalid capability "${text}"`);
  return found;
}

function unusable(why: string): VaultError {
  return new VaultError(400, `failed to parse policy: ${why}`);
}

function matches(pattern: string, path: string): boolean {
  const prefix = pattern.endsWith('*');
  const segments = (prefix ? pattern.slice(0, -1) : pattern).split('/');
  const given = path.split('/');
  if (prefix ? given.length < segments.length : given.length !== segments.length) return false;
  return segments.every((segment, index) => {
    const actual = given[index] ?? '';
    if (segment === '+') return true;
    return prefix && index === segments.length - 1 ? actual.startsWith(segment) : actual === segment;
  });
}

/** An exact path beats a wildcard, and a longer beginning a shorter one. */
function specificity(pattern: string): number {
  const wildcard = pattern.search(/\+|\*$/);
  return wildcard === -1 ? 1_000_000 : wildcard * 1000 + pattern.length;
}

/** What an operation is: a path, a verb, what may come in, what is answered. Every request goes through one of these. */
import { Type, type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Answer, VaultError } from './answers.ts';
import type { Capability } from './policies.ts';
import type { Caller } from './tokens.ts';
import type { Vault } from './vault.ts';

/** Vault's verbs. POST and PUT are one. */
export type Verb = 'read' | 'list' | 'write' | 'delete';

/** One request, as an operation sees it. */
export type Call<Body> = {
  vault: Vault;
  /** The mount the path belongs to, `sys` and `auth/token` included. */
  mount: string;
  /** Parts of the path that the pattern names. */
  parameters: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  body: Body;
  /** Absent for operations anybody may call. */
  caller?: Caller;
};

type Definition<Body extends TSchema> = {
  verb: Verb;
  /** Below the mount: `:name` is one segment, `*name` all that follow. */
  path: string;
  body?: Body;
  /** Needs no token. */
  open?: boolean;
  /** Works while sealed. */
  whenSealed?: boolean;
  /** Needs `sudo` as well. */
  sudo?: boolean;
  answer: (call: Call<Static<Body>>) => Answer | Promise<Answer>;
};

/** An operation as the dispatcher sees it. */
export type Operation = {
  verb: Verb;
  open: boolean;
  whenSealed: boolean;
  sudo: boolean;
  /** The named parts when the path is this operation's, else undefined. */
  match: (path: string) => Record<string, string> | undefined;
  run: (call: Call<unknown>) => Promise<Answer>;
};

const Nothing = Type.Object({});

/** Capabilities that allow a verb. Vault asks for `create` or `update` by whether something is there; here either does. */
export const capabilitiesOf: Readonly<Record<Verb, readonly Capability[]>> = {
  read: ['read'],
  list: ['list'],
  write: ['create', 'update'],
  delete: ['delete'],
};

/** Makes an operation. Keys the body's schema does not know are ignored, as Vault does. */
export function operation<Body extends TSchema = typeof Nothing>(definition: Definition<Body>): Operation {
  const checker = Compile(definition.body ?? Nothing);
  const pattern = toPattern(definition.path);
  return {
    verb: definition.verb,
    open: definition.open ?? false,
    whenSealed: definition.whenSealed ?? false,
    sudo: definition.sudo ?? false,
    match: (path) => {
      const groups = pattern.exec(path)?.groups;
      return groups === undefined && !pattern.test(path) ? undefined : { ...groups };
    },
    run: async (call) => {
      const body = call.body ?? {};
      if (!checker.Check(body)) {
        const [error] = checker.Errors(body);
        throw new VaultError(400, `error parsing fields: ${error?.instancePath ?? ''} ${error?.message ?? ''}`);
      }
      return await definition.answer({ ...call, body: body as Static<Body> });
    },
  };
}

/** A text or a list of texts: Vault takes `a,b` for lists as well. */
export const Texts = Type.Union([
  Type.String({ maxLength: 16_384 }),
  Type.Array(Type.String({ maxLength: 16_384 }), { maxItems: 100 }),
]);

/** The list that was meant; `separator` takes a text apart. */
export function texts(value: string | readonly string[] | undefined, separator?: string): string[] {
  if (value === undefined || value === '') return [];
  if (typeof value !== 'string') return [...value];
  return separator === undefined ? [value] : value.split(separator).map((item) => item.trim());
}

function toPattern(path: string): RegExp {
  const source = path
    .split('/')
    .map((segment) => {
      if (segment.startsWith(':')) return `(?<${segment.slice(1)}>[^/]+)`;
      if (segment.startsWith('*')) return `(?<${segment.slice(1)}>.+)`;
      return segment.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('/');
  return new RegExp(`^${source}$`);
}

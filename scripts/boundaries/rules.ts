/**
 * The import rules of the architecture, one entry each. A rule looks at one import (or one declared dependency) and answers
 * with the reason why it is wrong, or undefined. A type is a dependency like any other, unless a rule says otherwise.
 */
import { posix } from 'node:path';
import { isTagged, type Workspace, type Workspaces } from './workspaces.ts';

/** One import in its place. `target` is set when it names a package of this repository. */
export type Situation = {
  /** Path of the importing file, relative to the repository; a package.json for a declared dependency. */
  file: string;
  specifier: string;
  /** `specifier` without a path inside the package. */
  packageName: string;
  typeOnly: boolean;
  isTest: boolean;
  importer: Workspace;
  target: Workspace | undefined;
  workspaces: Workspaces;
};

type Rule = (situation: Situation) => string | undefined;

/** What a domain folder may use beside the contracts: things that compute and reach nothing outside the process. */
const computing = ['node:crypto', 'node:util', 'typebox', 'jose'];

/** Pattern libs that build on another one: a saga's transition and its outbox rows are one transaction. */
const patternsOnPatterns = new Map([['@ballast/saga', ['@ballast/outbox']]]);

/** Shared by the lab, Compose and Kubernetes, and by Vault's stand-in for tests: they belong to none of them, hence to no package. */
const bootstraps = ['infra/postgres/', 'infra/vault/'];
const sharedFolders = new Map([
  ['infra/lab', bootstraps],
  ['infra/stand-ins/vault', bootstraps],
  // What services decide with is pure, and simulated worlds run on it; nothing else of an app is anybody's to import.
  ['campaign', ['apps/checkout/src/domain/', 'apps/catalog/src/domain/', 'apps/payments/src/domain/']],
]);

/** Every rule about imports by its name. */
export const importRules: Readonly<Record<string, Rule>> = {
  'nobody imports an app': ({ target }) =>
    target !== undefined && isTagged(target, 'type:app') ? 'apps talk over the network only' : undefined,

  'apps import libs only': ({ importer, target, isTest }) =>
    isTagged(importer, 'type:app') && !isTest && isTagged(target ?? importer, 'type:tool')
      ? `${target?.name} is a tool`
      : undefined,

  'libs import libs only': ({ importer, target, isTest }) =>
    isTagged(importer, 'type:lib') && !isTest && target !== undefined && !isTagged(target, 'type:lib')
      ? `${target.name} is no lib`
      : undefined,

  'contracts import themselves and typebox': ({ importer, specifier, packageName, isTest }) =>
    isTagged(importer, 'layer:contract') && !isTest && !isRelative(specifier) && packageName !== 'typebox'
      ? 'every service and the browser take the contracts along'
      : undefined,

  'platform imports platform and contracts': (situation) =>
    layered(situation, 'layer:platform', ['layer:platform', 'layer:contract']),

  'patterns import platform and contracts': (situation) =>
    patternsOnPatterns.get(situation.importer.name)?.includes(situation.packageName) === true
      ? undefined
      : layered(situation, 'layer:pattern', ['layer:platform', 'layer:contract']),

  'testing is for tests': ({ importer, target, isTest }) =>
    target !== undefined && isTagged(target, 'layer:testing') && !isTest && target !== importer
      ? 'only tests import it'
      : undefined,

  'the browser imports contracts only': ({ importer, target, specifier, isTest }) => {
    if (!isTagged(importer, 'runtime:browser') || isTest || importer === target) return undefined;
    if (specifier.startsWith('node:')) return 'a browser has no Node modules';
    return target !== undefined && !isTagged(target, 'layer:contract') ? `${target.name} is no contract` : undefined;
  },

  'pg in stores only': ({ file, importer, packageName, isTest }) =>
    packageName === 'pg' &&
    !isTest &&
    importer.name !== '@ballast/postgres' &&
    !file.startsWith('infra/') &&
    !file.includes('/src/store/')
      ? 'SQL goes through libs/postgres; only store folders and infra may know the driver'
      : undefined,

  'amqplib in messaging only': ({ importer, packageName, isTest, file }) =>
    packageName === 'amqplib' && !isTest && importer.name !== '@ballast/messaging' && !file.startsWith('infra/')
      ? 'messages go through libs/messaging'
      : undefined,

  'domain imports domain and contracts': ({ file, specifier, packageName, target, typeOnly }) => {
    const domain = /^.*\/src\/domain\//.exec(file)?.[0];
    if (domain === undefined) return undefined;
    if (isRelative(specifier)) {
      return posix.join(posix.dirname(file), specifier).startsWith(domain) ? undefined : 'it leaves the domain folder';
    }
    if (computing.includes(packageName)) return undefined;
    if (target !== undefined && isTagged(target, 'layer:contract')) return undefined;
    // A saga's table is data of a shape that the pattern's lib defines.
    if (target !== undefined && isTagged(target, 'layer:pattern') && typeOnly) return undefined;
    return 'deciding needs no input or output';
  },

  'workspace imports are declared': ({ importer, target, isTest }) => {
    if (target === undefined || target === importer) return undefined;
    if (importer.dependencies.includes(target.name)) return undefined;
    const ofRoot = importer.directory === '';
    if ((isTest || ofRoot) && importer.devDependencies.includes(target.name)) return undefined;
    return `${target.name} is not among the ${isTest ? '' : 'run-time '}dependencies of ${importer.name}`;
  },

  'relative imports stay in their package': ({ file, specifier, importer, workspaces }) => {
    if (!isRelative(specifier)) return undefined;
    const reached = posix.join(posix.dirname(file), specifier);
    const owner = workspaces.owner(reached);
    const shared = sharedFolders.get(importer.directory) ?? [];
    if (owner === importer || shared.some((folder) => reached.startsWith(folder))) return undefined;
    return `${reached} belongs to ${owner.name}`;
  },
};

/** Names of the rules that are not about one literal import; check.ts applies them. */
export const otherRules = {
  environment: 'process.env in config.ts only',
  computed: 'imports are literal',
  tags: 'every workspace has one type, every lib one layer',
} as const;

/** The rules that a declared dependency on a workspace must keep too, used or not. */
export const declarationRules: readonly string[] = [
  'nobody imports an app',
  'apps import libs only',
  'libs import libs only',
  'contracts import themselves and typebox',
  'platform imports platform and contracts',
  'patterns import platform and contracts',
  'testing is for tests',
  'the browser imports contracts only',
];

const types = ['type:app', 'type:lib', 'type:tool', 'type:e2e'];
const layers = ['layer:contract', 'layer:platform', 'layer:pattern', 'layer:testing'];

/** Why the tags of a workspace are wrong; the rules would be silent about a workspace without them. */
export function tagProblem({ tags, name }: Workspace): string | undefined {
  const count = (known: readonly string[]): number => known.filter((tag) => tags.includes(tag)).length;
  if (count(types) !== 1) return `${name} needs exactly one of ${types.join(', ')}`;
  if (tags.includes('type:lib') && count(layers) !== 1) return `${name} needs exactly one of ${layers.join(', ')}`;
  const unknown = tags.find((tag) => ![...types, ...layers, 'runtime:browser'].includes(tag));
  return unknown === undefined ? undefined : `${name} has the unknown tag ${unknown}`;
}

/** True for code that only ever runs in a test: test folders, journeys, the campaign, and the lib that tests share. */
export function isTestCode(file: string, { directory, tags }: Workspace): boolean {
  if (tags.includes('type:e2e') || tags.includes('layer:testing') || directory === 'campaign') return true;
  return file.slice(directory.length).replace(/^\//, '').startsWith('test/') || file.startsWith('scripts/test/');
}

/** True where the environment may be read: configuration, tests, and what starts processes with an environment. */
export function mayReadEnvironment(file: string, importer: Workspace): boolean {
  if (posix.basename(file) === 'config.ts' || /^(infra|scripts)\//.test(file)) return true;
  return importer.directory !== 'campaign' && isTestCode(file, importer);
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.');
}

function layered(situation: Situation, layer: string, allowed: readonly string[]): string | undefined {
  const { importer, target, isTest } = situation;
  if (!isTagged(importer, layer) || isTest || target === undefined || target === importer) return undefined;
  // Anything that is no lib is another rule's business.
  if (!isTagged(target, 'type:lib') || isTagged(target, 'layer:testing')) return undefined;
  return allowed.some((tag) => isTagged(target, tag)) ? undefined : `${target.name} is above it`;
}

/** `<mount>/…` of the key/value engine, version 2: the ten latest versions of each secret. */
import { Type } from 'typebox';
import { nothingThere, VaultError } from './answers.ts';
import { timestamp } from './durations.ts';
import { type Call, operation } from './operation.ts';
import { records, type SecretVersion } from './state.ts';

const versionsKept = 10;
const mostSecrets = 10_000;

export const keyValueOperations = [
  operation({
    verb: 'write',
    path: 'data/*path',
    body: Type.Object({
      data: Type.Record(Type.String(), Type.Unknown()),
      options: Type.Optional(Type.Object({ cas: Type.Optional(Type.Integer({ minimum: 0 })) })),
    }),
    answer: async (call) => {
      const secrets = secretsOf(call);
      const versions = secrets[pathOf(call)] ?? [];
      const current = versions.at(-1)?.version ?? 0;
      const expected = call.body.options?.cas;
      if (expected !== undefined && expected !== current) {
        throw new VaultError(400, 'check-and-set parameter did not match the current version');
      }
      if (versions.length === 0 && Object.keys(secrets).length >= mostSecrets)
        throw new VaultError(400, 'too many secrets');
      const next = { version: current + 1, createdAt: Date.now(), deletedAt: null, data: call.body.data };
      secrets[pathOf(call)] = [...versions, next].slice(-versionsKept);
      await call.vault.store.save();
      return { data: described(next) };
    },
  }),
  operation({
    verb: 'read',
    path: 'data/*path',
    answer: (call) => {
      const versions = secretsOf(call)[pathOf(call)] ?? [];
      const wanted = Number(call.query['version'] ?? 0);
      const found = wanted === 0 ? versions.at(-1) : versions.find(({ version }) => version === wanted);
      if (found === undefined) throw nothingThere();
      const gone = found.deletedAt !== null;
      return { status: gone ? 404 : 200, data: { data: gone ? null : found.data, metadata: described(found) } };
    },
  }),
  operation({
    verb: 'delete',
    path: 'data/*path',
    answer: async (call) => {
      const latest = secretsOf(call)[pathOf(call)]?.at(-1);
      if (latest !== undefined) latest.deletedAt = Date.now();
      await call.vault.store.save();
      return {};
    },
  }),
  operation({
    verb: 'read',
    path: 'metadata/*path',
    answer: (call) => {
      const versions = secretsOf(call)[pathOf(call)];
      const latest = versions?.at(-1);
      if (versions === undefined || latest === undefined) throw nothingThere();
      return {
        data: {
          current_version: latest.version,
          oldest_version: versions[0]?.version ?? 0,
          max_versions: versionsKept,
          versions: Object.fromEntries(versions.map((version) => [version.version, described(version)])),
        },
      };
    },
  }),
  operation({ verb: 'list', path: 'metadata', answer: (call) => listed(call, '') }),
  operation({
    verb: 'list',
    path: 'metadata/*path',
    answer: (call) => listed(call, `${pathOf(call).replace(/\/$/, '')}/`),
  }),
  operation({
    verb: 'delete',
    path: 'metadata/*path',
    answer: async (call) => {
      delete secretsOf(call)[pathOf(call)];
      await call.vault.store.save();
      return {};
    },
  }),
];

const pathOf = ({ parameters }: Call<unknown>): string => parameters['path'] ?? '';

function secretsOf({ vault, mount }: Call<unknown>): Record<string, SecretVersion[]> {
  return (vault.store.state.keyValues[mount] ??= records());
}

/** What is directly below, folders with a slash behind. */
function listed(call: Call<unknown>, prefix: string) {
  const below = Object.keys(secretsOf(call)).flatMap((path) => {
    if (!path.startsWith(prefix)) return [];
    const [first = '', ...more] = path.slice(prefix.length).split('/');
    return [more.length === 0 ? first : `${first}/`];
  });
  if (below.length === 0) throw nothingThere();
  return { data: { keys: [...new Set(below)].toSorted() } };
}

function described({ version, createdAt, deletedAt }: SecretVersion) {
  return {
    version,
    created_time: timestamp(createdAt),
    deletion_time: deletedAt === null ? '' : timestamp(deletedAt),
    destroyed: false,
    custom_metadata: null,
  };
}

/** Bodies of the API. Unknown keys are ignored, as by the real one; everything else has to be right. */
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { badRequest, errors, missingField } from './errors.ts';
import { type Stream, streams, type Toxic } from './toxic.ts';
import { toxicKinds } from './toxics/kinds.ts';
import type { Attributes } from './stage.ts';
import type { ProxySettings } from './proxy.ts';

const Name = Type.String({ maxLength: 200 });
const AddressText = Type.String({ maxLength: 300 });
const Toxicity = Type.Number({ minimum: 0, maximum: 1 });

const ProxyBody = Type.Object({
  name: Type.Optional(Name),
  listen: Type.Optional(AddressText),
  upstream: Type.Optional(AddressText),
  enabled: Type.Optional(Type.Boolean()),
});
const proxyBody = Compile(ProxyBody);
const proxyBodies = Compile(Type.Array(ProxyBody, { maxItems: 1000 }));

const toxicBody = Compile(
  Type.Object({
    name: Type.Optional(Name),
    type: Type.Optional(Type.String({ maxLength: 50 })),
    stream: Type.Optional(Type.String({ maxLength: 50 })),
    toxicity: Type.Optional(Toxicity),
    attributes: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
);

type Checked<T> = {
  Check: (value: unknown) => value is T;
  Errors: (value: unknown) => { instancePath: string; message: string }[];
};

/** What `POST /proxies` asks for. @throws ApiError 400 */
export function readProxy(body: unknown): ProxySettings {
  return complete(checked<Static<typeof ProxyBody>>(proxyBody, body));
}

/** What `POST /populate`, or the configuration, asks for. @throws ApiError 400 that counts the proxies from 1 */
export function readProxies(body: unknown): ProxySettings[] {
  const proxies = checked<Static<typeof ProxyBody>[]>(proxyBodies, body).map((proxy, index) =>
    complete(proxy, ` at proxy ${index + 1}`),
  );
  const names = proxies.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw badRequest(`duplicate proxy name "${twice}"`);
  return proxies;
}

/** What a change of a proxy asks for; what is not given stays. @throws ApiError 400 */
export function readProxyChange(body: unknown, now: ProxySettings): ProxySettings {
  const { listen, upstream, enabled } = checked<Static<typeof ProxyBody>>(proxyBody, body);
  return {
    name: now.name,
    listen: listen ?? now.listen,
    upstream: upstream ?? now.upstream,
    enabled: enabled ?? now.enabled,
  };
}

/** What a new toxic is to be. @throws ApiError 400 */
export function readToxic(body: unknown): Toxic {
  const { name = '', type = '', stream = 'downstream', toxicity = 1, attributes = {} } = checked(toxicBody, body);
  if (!isStream(stream)) throw errors.invalidStream();
  return {
    name: name === '' ? `${type}_${stream}` : name,
    type,
    stream,
    toxicity,
    attributes: readAttributes(type, attributes, {}),
  };
}

/** What a toxic is to become: only its attributes and toxicity change. @throws ApiError 400 */
export function readToxicChange(body: unknown, toxic: Toxic): { attributes: Attributes; toxicity: number } {
  const { toxicity = toxic.toxicity, attributes = {} } = checked(toxicBody, body);
  return { toxicity, attributes: readAttributes(toxic.type, attributes, toxic.attributes) };
}

function readAttributes(type: string, given: Readonly<Record<string, unknown>>, now: Attributes): Attributes {
  const kind = toxicKinds.get(type);
  if (kind === undefined) throw errors.invalidType();
  const problem = kind.problem(given);
  if (problem !== undefined) throw badRequest(problem);
  return Object.fromEntries(kind.attributes.map((name) => [name, Number(given[name] ?? now[name] ?? 0)]));
}

function complete(
  { name = '', listen = '', upstream = '', enabled = true }: Static<typeof ProxyBody>,
  where = '',
): ProxySettings {
  if (name === '') throw missingField(`name${where}`);
  if (upstream === '') throw missingField(`upstream${where}`);
  return { name, listen: listen === '' ? '127.0.0.1:0' : listen, upstream, enabled };
}

function checked<T>(schema: Checked<T>, value: unknown): T {
  if (schema.Check(value)) return value;
  const [error] = schema.Errors(value);
  throw badRequest(`${error?.instancePath ?? ''} ${error?.message ?? 'is wrong'}`.trim());
}

function isStream(text: string): text is Stream {
  return streams.some((stream) => stream === text);
}

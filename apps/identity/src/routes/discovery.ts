/** What other services need to check a token: `/.well-known/jwks.json` and `/.well-known/openid-configuration`. */
import { problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import { PublicKey } from '../domain/signing-key.ts';

/** Verifiers fetch again when they meet an unknown key id, so an old copy does no harm. */
const cacheControl = 'public, max-age=300';

const KeySet = Type.Object({ keys: Type.Array(PublicKey) });

/**
 * OpenID Connect Discovery 1.0 and RFC 8414, as far as it applies: there is no authorization endpoint, and members
 * without values must be left out.
 */
const Discovery = Type.Object({
  issuer: Type.String(),
  jwks_uri: Type.String(),
  response_types_supported: Type.Array(Type.String()),
  subject_types_supported: Type.Array(Type.String()),
  id_token_signing_alg_values_supported: Type.Array(Type.String()),
});

/** Adds the routes that publish `keys` and where they are; `issuer` is this service's base URL. */
export function addDiscoveryRoutes(server: HttpServer, options: { issuer: string; keys: PublicKey[] }): void {
  const { issuer, keys } = options;
  server.get(
    '/.well-known/jwks.json',
    {
      config: { access: 'public' },
      schema: { summary: 'Public keys (RFC 7517)', response: { 200: KeySet, ...problemResponses } },
    },
    async (_request, reply) => {
      reply.header('cache-control', cacheControl);
      return { keys };
    },
  );

  server.get(
    '/.well-known/openid-configuration',
    {
      config: { access: 'public' },
      schema: { summary: 'Where the keys are', response: { 200: Discovery, ...problemResponses } },
    },
    async (_request, reply) => {
      reply.header('cache-control', cacheControl);
      return {
        issuer,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        response_types_supported: ['none'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      };
    },
  );
}

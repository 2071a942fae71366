/** Asks identity for its public keys (RFC 7517). */
import { verificationKey, type VerificationKey } from '../domain/device-token.ts';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

const answerCheck = Compile(Type.Object({ keys: Type.Array(Type.Unknown(), { maxItems: 100 }) }));
const answerTimeoutMs = 900;
const answerLimitBytes = 64 * 1024;

/** A question to the issuer at `address`; rejects where there is no good answer within 900 ms. Other kinds of keys are left out. */
export function jwksFetcher(address: string): () => Promise<VerificationKey[]> {
  const url = `${address}/.well-known/jwks.json`;
  return async () => {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(answerTimeoutMs),
      redirect: 'error',
      headers: { accept: 'application/json' },
    });
    const text = await bounded(response);
    if (response.status !== 200) throw new Error(`identity answered ${response.status} to a question for its keys`);
    const answer: unknown = JSON.parse(text);
    if (!answerCheck.Check(answer)) throw new Error('identity answered something that is no set of keys');
    return answer.keys.map(verificationKey).filter((key) => key !== undefined);
  };
}

async function bounded(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    // Leaving the loop cancels the rest.
    if (length > answerLimitBytes) throw new Error('identity’s set of keys is too long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

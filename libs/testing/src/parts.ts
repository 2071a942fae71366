/** Where the real parts are. */

/** Address of a part, e.g. `partUrl('POSTGRES')`. Throws a sentence that says how to get one. */
export function partUrl(part: 'POSTGRES' | 'AMQP' | 'REDIS'): string {
  const url = process.env[`TEST_${part}_URL`];
  if (url === undefined || url === '') {
    throw new Error(`TEST_${part}_URL is not set: run tests with "node infra/lab/src/with-parts.ts node --test …"`);
  }
  return url;
}

/** Something that whoever started the simulator can put right: it is told in its own words, without a stack trace. */
export class Problem extends Error {
  override name = 'Problem';
}

/** What went wrong, in a few words: the error's own, or those of what caused it (fetch says nothing by itself). */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return error.name === 'TimeoutError' ? 'no answer in time' : error.message;
}

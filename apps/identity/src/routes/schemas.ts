/** What several routes share about what they take. */
import { ProblemError } from '@ballast/service';
import { Type } from 'typebox';

/** For routes that take no query: a parameter that would be ignored is refused instead. */
export const noQuery = Type.Object({}, { additionalProperties: false });

/** For routes that take no body: nothing, or an empty object, which some clients cannot help sending. */
export function refuseContent(body: unknown): void {
  const empty =
    body === undefined ||
    (typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0);
  if (!empty) throw new ProblemError('invalid-input', 'This call takes no body.');
}

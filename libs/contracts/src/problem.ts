/** HTTP errors as RFC 9457 problem details. */
import { Type, type Static } from 'typebox';

/**
 * `application/problem+json`. `code` is stable and machine-readable; `detail` is one sentence for a person;
 * `field` (JSON pointer or parameter name) is there when one value is to blame; `retryable` tells whether the
 * same request may succeed later.
 */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  field: Type.Optional(Type.String()),
  retryable: Type.Boolean(),
  instance: Type.Optional(Type.String()),
});
export type Problem = Static<typeof Problem>;

/** Where a page of the audit trail ends: opaque to callers, an instant and an id to us. */
import { ProblemError } from '@ballast/service';

export interface Place {
  /** RFC 3339, with milliseconds. */
  at: string;
  id: string;
}

const shape = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const writeCursor = ({ at, id }: Place): string => Buffer.from(`${at} ${id}`).toString('base64url');

/** The place the page starts after; throws a 422 for anything `writeCursor` has not written. */
export function readCursor(cursor: string): Place {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [at = '', id = ''] = text.split(' ');
  if (!shape.test(text) || Number.isNaN(Date.parse(at)) || writeCursor({ at, id }) !== cursor)
    throw new ProblemError('invalid-input', 'cursor is not one that a page was answered with.', { field: 'cursor' });
  return { at, id };
}

/** What the demonstration "race N callers on one key" looks at: the rows behind a key, and the statement. */
import { LabRows } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import { problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import { rowsUnderKey } from '../store/claims.ts';
import { filingStatement } from '../store/filing.ts';

const KeyQuery = Type.Object(
  { key: Type.String({ minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' }) },
  { additionalProperties: false },
);

export function labRoutes(lab: HttpServer, database: Database): void {
  lab.get(
    '/claims',
    { schema: { querystring: KeyQuery, response: { 200: LabRows, ...problemResponses } } },
    async (request) => ({ rows: await rowsUnderKey(database, request.query.key), statement: filingStatement }),
  );
}

import { money } from '@ballast/contracts';
import { query } from '@ballast/postgres'; // planted: the browser imports contracts only
import { join } from 'node:path'; // planted: the browser imports contracts only

export const page = <p>{[money, query, join].join()}</p>;

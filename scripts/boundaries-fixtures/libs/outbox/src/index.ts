import { query } from '@ballast/postgres';
import { start } from '@ballast/saga'; // planted: patterns import platform and contracts

export { query, start };

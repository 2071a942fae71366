import type { Pool } from 'pg';
import { query } from '@ballast/postgres';

export { query, type Pool };

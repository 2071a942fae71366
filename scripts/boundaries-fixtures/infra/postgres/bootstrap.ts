import pg from 'pg';

export const bootstrap: typeof pg = pg;

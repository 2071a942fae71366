import pg from 'pg';

export const url: string | undefined = process.env.TEST_POSTGRES_URL;
export { pg };

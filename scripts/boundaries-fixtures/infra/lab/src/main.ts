import { bootstrap } from '../../postgres/bootstrap.ts';

export const path: string | undefined = process.env.PATH;
export { bootstrap };

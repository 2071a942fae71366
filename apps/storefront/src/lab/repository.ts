/** Where the code can be read: known only where the build was told. */

/** Set by Vite from the environment's `REPOSITORY_URL`, empty without it. */
declare const REPOSITORY_URL: string;

/** Address of a file or folder of the repository; null where nobody said where the repository is. */
export function repositoryAddress(path: string): string | null {
  return REPOSITORY_URL === '' ? null : `${REPOSITORY_URL.replace(/\/+$/, '')}/tree/HEAD/${path}`;
}

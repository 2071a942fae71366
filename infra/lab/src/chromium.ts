/**
 * A Chromium for browser tests: the machine's own, else Debian's. Its headless shell is preferred: the same engine
 * without the browser's own windows, which take as much of the machine again as the page.
 */
import { type FoundProgram, findOrInstall } from './native-packages.ts';

/** Where the browser is and what its environment needs beside the usual; as root it must run with `--no-sandbox`. */
export type Chromium = { executablePath: string; environment: Record<string, string> };

/**
 * Finds Chromium, installing Debian's package where it is missing; `CHROMIUM_PATH` names another one to use.
 * @throws LabProblem when it cannot be had.
 */
export async function ensureChromium(onProgress: (message: string) => void = () => undefined): Promise<Chromium> {
  const chosen = process.env['CHROMIUM_PATH'];
  if (chosen !== undefined && chosen !== '') return { executablePath: chosen, environment: {} };
  const found: FoundProgram = await findOrInstall({
    part: 'chromium',
    address: 'browser tests',
    package: 'chromium-headless-shell',
    programs: [
      'usr/lib/chromium/chromium-headless-shell',
      'usr/bin/chromium',
      'usr/lib/chromium/chromium',
      'usr/bin/google-chrome',
      'Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
    variable: 'CHROMIUM_PATH',
    onProgress,
  });
  // Unpacked beside the system, the wrapper script would look for files where they are not.
  const unpacked = found.environment['LD_LIBRARY_PATH'] !== undefined;
  const executablePath = unpacked
    ? found.program.replace(/usr\/bin\/chromium$/, 'usr/lib/chromium/chromium')
    : found.program;
  return { executablePath, environment: found.environment };
}

/** The process: configuration, listening, signals, exit code. */
import { startToxiproxyStandIn } from './app.ts';
import { readConfig } from './config.ts';

try {
  const standIn = await startToxiproxyStandIn(readConfig());
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    standIn.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`toxiproxy stand-in did not stop cleanly: ${(error as Error).message}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
} catch (error) {
  process.stderr.write(`toxiproxy stand-in: ${(error as Error).message}\n`);
  process.exit(1);
}

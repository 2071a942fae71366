// The process: configuration, listening, signals, exit code.

import { buildStandIn } from './app.ts';
import { readConfig } from './config.ts';

try {
  const config = readConfig();
  const standIn = await buildStandIn(config);
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    standIn.close().then(
      () => process.exit(0),
      (error: unknown) => {
        standIn.app.log.error({ error }, 'did not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  await standIn.listen(config);
} catch (error) {
  process.stderr.write(`payment provider stand-in: ${(error as Error).message}\n`);
  process.exit(1);
}

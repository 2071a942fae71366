/** `npm run simulate`: devices, good ones and bad ones, against a running mesh. */
import { readOptions, usage } from './config.ts';
import { Problem } from './problem.ts';
import { screenOn } from './report/progress.ts';
import { simulate } from './simulate.ts';

/** A second Ctrl-C within this time is the same key press, which comes by way of npm as well, in ms. */
const sameKeyPressMs = 500;

const requested = Promise.withResolvers<void>();
const interruption = { requested: false, signal: requested.promise };
let askedAt = 0;
const interrupt = (): void => {
  const now = performance.now();
  if (interruption.requested && now - askedAt > sameKeyPressMs) process.exit(130);
  if (interruption.requested) return;
  askedAt = now;
  interruption.requested = true;
  requested.resolve();
};
process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);

try {
  const options = readOptions(process.argv.slice(2));
  if (options === null) console.log(usage);
  else process.exitCode = await simulate(options, screenOn(process.stdout), interruption);
} catch (error) {
  // What is nobody's mistake but ours is shown with its stack.
  if (error instanceof Problem) console.error(error.message);
  else console.error(error);
  process.exitCode = 1;
}

/** A worker thread: prepares, waits for the start, plays, and tells once a second how it stands. */
import { parentPort, workerData } from 'node:worker_threads';
import { Problem } from '../problem.ts';
import type { Assignment, FromThread, ToThread } from './assignment.ts';
import { Player } from './player.ts';

const tellEveryMs = 1_000;

const port = parentPort;
if (port === null) throw new Error('thread.ts runs as a worker thread only');
const tell = (message: FromThread): void => port.postMessage(message);
const player = new Player(workerData as Assignment);
const started = Promise.withResolvers<Extract<ToThread, { kind: 'go' }> | undefined>();
port.on('message', (message: ToThread) => {
  if (message.kind === 'go') return started.resolve(message);
  player.stop();
  started.resolve(undefined);
});
const ticker = setInterval(() => tell({ kind: 'snapshot', snapshot: player.tally.snapshot() }), tellEveryMs);

try {
  await player.prepare();
  tell({ kind: 'prepared' });
  const go = await started.promise;
  if (go !== undefined) await player.play(go.moments);
  tell({ kind: 'done', snapshot: player.tally.snapshot() });
} catch (error) {
  const message = error instanceof Problem ? error.message : String(error instanceof Error ? error.stack : error);
  tell({ kind: 'failed', message, plain: error instanceof Problem });
} finally {
  clearInterval(ticker);
  port.close();
}

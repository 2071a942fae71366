/** Devices that come and go: each operation is a connection, a token, the answer, and the end of both directions. */
import { serve } from '../process.ts';
import { hangUp, readTokens, shakeHands } from './client.ts';

const tokens = readTokens();
let next = 0;
let done = 0;

serve({
  one: async () => {
    const token = tokens[next % tokens.length]!;
    next += 1;
    await hangUp(await shakeHands(token));
    done += 1;
  },
  check: async (operations) => {
    if (done < operations) throw new Error(`${done} of ${operations} were let in`);
  },
  stop: async () => {},
});

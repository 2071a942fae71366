/** What the lab can look at, and that it is not there outside the lab. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { configureFaults } from '@ballast/faults';
import { openBench, type Bench } from '../support.ts';

describe('the payments lab', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(async () => {
    configureFaults({ labMode: false, faults: '' });
    await bench.close();
  });

  it('has the relay, the consumers and the login of the database, for those who say who they are, in lab mode only', async () => {
    for (const labMode of [false, true]) {
      configureFaults({ labMode, faults: '' });
      const { url } = await bench.start();
      for (const path of ['relay', 'consumers', 'credentials']) {
        assert.equal((await fetch(`${url}/lab/${path}`)).status, labMode ? 401 : 404, path);
      }
    }
  });
});

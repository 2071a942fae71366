import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReporter } from '../src/index.ts';

describe('the log of trouble', () => {
  it('tells the first of each kind at once, and how many it left out before the next', ({ mock }) => {
    let now = 0;
    mock.method(performance, 'now', () => now);
    const lines: unknown[] = [];
    const report = createReporter({
      warn: (details: object, what: string) => void lines.push([what, details]),
    } as never);
    report('broker away', undefined, { attempt: 1 });
    report('broker away', undefined, { attempt: 2 });
    report('database away');
    now = 4_999;
    report('broker away', undefined, { attempt: 3 });
    now = 5_000;
    report('broker away', undefined, { attempt: 4 });
    assert.deepEqual(lines, [
      ['broker away', { attempt: 1 }],
      ['database away', {}],
      ['broker away', { attempt: 4, leftOut: 2 }],
    ]);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Type } from 'typebox';
import { CommonConfig, ConfigError, loadConfig } from '../src/index.ts';

const schema = Type.Object({
  ...CommonConfig.properties,
  DATABASE_URL: Type.String({ pattern: '^postgres://' }),
  SIZE: Type.Integer({ default: 3, minimum: 1 }),
});
const good = { PORT: '4000', INSTANCE: 'catalog-1', DATABASE_URL: 'postgres://x' };

describe('configuration', () => {
  it('converts, fills in defaults and leaves out what it does not know', () => {
    assert.deepEqual(loadConfig(schema, { ...good, HOME: '/root' }), {
      ...good,
      PORT: 4000,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'info',
      LAB_MODE: '0',
      FAULTS: '',
      DEFECTS: '',
      SIZE: 3,
    });
  });

  it('names the variable that is missing or wrong, and never repeats its value', () => {
    for (const [change, name] of [
      [{ DATABASE_URL: undefined }, 'DATABASE_URL'],
      [{ DATABASE_URL: 'mysql://root:hunter2@x' }, 'DATABASE_URL'],
      [{ PORT: '4000.5' }, 'PORT'],
      [{ PORT: '0x10' }, 'PORT'],
      [{ SIZE: '0' }, 'SIZE'],
      [{ LAB_MODE: 'yes' }, 'LAB_MODE'],
    ] as const) {
      assert.throws(
        () => loadConfig(schema, { ...good, ...change }),
        (error: unknown) =>
          error instanceof ConfigError && error.message.startsWith(`${name}:`) && !error.message.includes('hunter2'),
        name,
      );
    }
  });

  it('takes an empty variable for one that is not set', () => {
    assert.equal(loadConfig(schema, { ...good, SIZE: '' }).SIZE, 3);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '@ballast/service';
import { readConfig } from '../src/config.ts';

const good = {
  PORT: '4000',
  INSTANCE: 'bff',
  POSTGRES_URL: 'postgres://bff@127.0.0.1/ballast',
  IDENTITY_URL: 'http://127.0.0.1:4001',
  CATALOG_URLS: 'http://127.0.0.1:4002, http://127.0.0.1:4012/',
  CHECKOUT_URLS: 'http://127.0.0.1:4005',
  PAYMENTS_URL: 'http://127.0.0.1:4004',
  CLAIMS_URL: 'http://127.0.0.1:4003',
  SESSION_SECRET: 's'.repeat(32),
};

describe('the settings', () => {
  it('name every replica', () => {
    const config = readConfig(good);
    assert.deepEqual(config.catalogOrigins, ['http://127.0.0.1:4002', 'http://127.0.0.1:4012']);
    assert.equal(config.secureCookies, false);
    assert.equal(config.prometheus, null);
    const behindPath = readConfig({ ...good, PROMETHEUS_URL: 'https://metrics.example/prometheus/' });
    assert.equal(behindPath.prometheus?.pathname, '/prometheus/');
    assert.equal(readConfig({ ...good, PUBLIC_URL: 'https://shop.example' }).secureCookies, true);
  });

  it('that cannot be used are refused by name, without their value', () => {
    for (const [name, value] of [
      ['SESSION_SECRET', 'too short'],
      ['CATALOG_URLS', 'http://127.0.0.1:4002,nonsense'],
      ['CHECKOUT_URLS', 'http://127.0.0.1:4005/path'],
      ['PAYMENTS_URL', 'ftp://127.0.0.1'],
      ['CLAIMS_URL', undefined],
      ['IDENTITY_URL', 'http://127.0.0.1:1,http://127.0.0.1:2'],
      ['POSTGRES_URL', 'mysql://x'],
      ['PUBLIC_URL', 'shop'],
      ['PROMETHEUS_URL', 'redis://127.0.0.1:9090'],
      ['PROMETHEUS_URL', 'http://127.0.0.1:9090/?query=up'],
      ['PROMETHEUS_URL', 'prometheus'],
      ['PORT', undefined],
    ] as const) {
      assert.throws(
        () => readConfig({ ...good, [name]: value }),
        (error: Error) =>
          error instanceof ConfigError &&
          error.message.startsWith(`${name}:`) &&
          !error.message.includes(value ?? 'undefined'),
      );
    }
  });
});

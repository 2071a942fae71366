/** Addresses lead to pages, and returning after sign-in never leads out of the shop. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchPath, productsAddress, safeReturn, signInAddress } from '../src/paths.ts';

const id = '01926f00-0000-7000-8000-000000000001';

describe('addresses', () => {
  it('lead to their pages, with or without a slash at the end', () => {
    const pages = [
      '/',
      `/products/${id}`,
      '/cart',
      '/cart/',
      '/sign-in',
      '/register',
      '/checkout',
      '/orders',
      `/orders/${id}/`,
      '/lab',
      '/chaos',
      '/metrics-view',
    ];
    assert.deepEqual(
      pages.map((path) => matchPath(path, '').page),
      [
        'products',
        'product',
        'cart',
        'cart',
        'sign-in',
        'register',
        'checkout',
        'orders',
        'order',
        'lab',
        'chaos',
        'metrics',
      ],
    );
  });

  it('that nothing is known about lead to the page that says so', () => {
    for (const path of ['/nowhere', '/products', '/products/7', `/products/${id}/x`, '/orders/latest'])
      assert.equal(matchPath(path, '').page, 'not-found', path);
  });

  it('carry the words of a search there and back', () => {
    const words = 'rope & "50 %" ü';
    const place = matchPath('/', productsAddress(words).slice(1));
    assert.equal(place.page === 'products' && place.query, words);
    assert.equal(productsAddress('  '), '/');
  });

  it('bring back after signing in to where one was', () => {
    const place = matchPath('/sign-in', signInAddress('/checkout?x=1').slice('/sign-in'.length));
    assert.equal(place.page === 'sign-in' && place.returnTo, '/checkout?x=1');
  });

  it('never return to another site, nor to signing in itself', () => {
    const others = [
      null,
      '',
      'cart',
      '//evil.invalid',
      '/\\evil.invalid',
      'https://evil.invalid/',
      'javascript:alert(1)',
      '/sign-in?return=%2Fcart',
      '/register',
      '/\t/evil.invalid',
    ];
    for (const address of others) assert.equal(safeReturn(address), '/', String(address));
    assert.equal(safeReturn('/orders?x=1#y'), '/orders?x=1');
  });
});

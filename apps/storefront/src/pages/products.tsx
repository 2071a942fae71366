/** All products, or those a search has found. */
import { useEffect, useRef } from 'preact/hooks';
import { Page } from '../components/page.tsx';
import { ProductCard, ProductCardSkeleton } from '../components/product-card.tsx';
import { Empty, Failure } from '../components/messages.tsx';
import { Link } from '../components/link.tsx';
import { loadMoreProducts, productList, recoverProducts, reloadProducts, showProducts } from '../state/products.ts';
import { speak } from '../state/announcements.ts';
import { recoveries } from '../state/reachability.ts';
import { plural } from '../format/time.ts';

export function ProductsPage({ query }: { query: string }) {
  const list = productList.value;
  const grid = useRef<HTMLUListElement>(null);

  useEffect(() => showProducts(query), [query]);

  const recovery = recoveries.value;
  useEffect(() => recoverProducts(), [recovery]);

  const isCurrent = list.query === query;
  const loading = !isCurrent || list.status === 'loading';
  const count = list.items.length;
  const more = list.nextCursor !== null;
  useEffect(() => {
    if (list.status === 'ready' && isCurrent && query !== '')
      speak(
        count === 0 ? 'No products found.' : `${plural(count, 'product')} found${more ? ', with more to load' : ''}.`,
      );
  }, [list.status, isCurrent, query, count, more]);

  const loadMore = async (): Promise<void> => {
    await loadMoreProducts();
    // Whoever uses a keyboard goes on with the first of the new products, not at the end of the page.
    grid.current?.querySelectorAll<HTMLElement>('.card-link')[count]?.focus();
  };

  return (
    <Page
      title={query === '' ? 'All products' : `Search: ${query}`}
      heading={query === '' ? 'Good things that keep you steady' : <>Results for “{query}”</>}
      className="products-page"
    >
      {query !== '' && (
        <p class="products-count">
          {loading ? 'Searching…' : list.status !== 'failed' && `${plural(count, 'product')}${more ? ' so far' : ''}`}
          <Link href="/">Show all products</Link>
        </p>
      )}
      {list.status === 'failed' && count === 0 ? (
        <Failure error={list.error} onRetry={reloadProducts} />
      ) : (
        <>
          <ul class="grid" ref={grid} aria-busy={loading} data-testid="product-grid">
            {loading && (count === 0 || !isCurrent)
              ? Array.from({ length: 12 }, (_, index) => <ProductCardSkeleton key={index} />)
              : list.items.map((product, index) => (
                  <ProductCard key={product.productId} product={product} eager={index < 8} />
                ))}
          </ul>
          {!loading && count === 0 && (
            <Empty title={`Nothing was found for “${query}”.`}>
              <Link href="/" class="button">
                Show all products
              </Link>
            </Empty>
          )}
          {list.status === 'failed' && <Failure error={list.error} onRetry={() => reloadProducts()} />}
          {more && list.status !== 'failed' && (
            <p class="more">
              <button
                type="button"
                class="button button-quiet"
                disabled={list.status !== 'ready'}
                onClick={() => void loadMore()}
              >
                {list.status === 'loading-more' ? 'Loading…' : 'Load more'}
              </button>
            </p>
          )}
        </>
      )}
    </Page>
  );
}

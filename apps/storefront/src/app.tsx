/** The shop around its pages: skip link, header, the page of the moment, footer, notices. */
import { Header } from './components/header.tsx';
import { Link } from './components/link.tsx';
import { Notices } from './components/notices.tsx';
import { CartPage } from './pages/cart.tsx';
import { CheckoutPage } from './pages/checkout.tsx';
import { LazyChaosPage, LazyLabPage, LazyMetricsPage } from './pages/lazy.tsx';
import { NotFound } from './pages/not-found.tsx';
import { OrderPage } from './pages/order.tsx';
import { OrdersPage } from './pages/orders.tsx';
import { ProductPage } from './pages/product.tsx';
import { ProductsPage } from './pages/products.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { metricsAccess } from './metrics/access.ts';
import { place } from './router.ts';
import { session } from './state/session.ts';

export function App({ onRetry }: { onRetry: () => void }) {
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <Header />
      <main id="content" class="main" tabIndex={-1}>
        <CurrentPage />
      </main>
      <footer class="footer">
        <p>Ballast stays upright. Every order ends: complete, or with everything put back.</p>
        {!session.value.lab && metricsAccess(session.value).allowed && (
          <p>
            <MetricsLink />
          </p>
        )}
        {session.value.lab && (
          <p>
            <Link href="/lab" data-testid="lab-link">
              Lab: see how it is built, and drive it
            </Link>
            {' · '}
            <Link href="/chaos" data-testid="chaos-link">
              Chaos: break it, and watch it stay upright
            </Link>
            {' · '}
            <MetricsLink />
          </p>
        )}
      </footer>
      <Notices onRetry={onRetry} />
    </>
  );
}

function MetricsLink() {
  return (
    <Link href="/metrics-view" data-testid="metrics-link">
      Metrics: see what it measures
    </Link>
  );
}

function CurrentPage() {
  const here = place.value;
  switch (here.page) {
    case 'products':
      return <ProductsPage query={here.query} />;
    case 'product':
      return <ProductPage key={here.productId} productId={here.productId} />;
    case 'cart':
      return <CartPage />;
    case 'sign-in':
    case 'register':
      return <SignInPage purpose={here.page} returnTo={here.returnTo} />;
    case 'checkout':
      return <CheckoutPage />;
    case 'orders':
      return <OrdersPage />;
    case 'order':
      return <OrderPage orderId={here.orderId} />;
    case 'lab':
      return <LazyLabPage />;
    case 'chaos':
      return <LazyChaosPage />;
    case 'metrics':
      return <LazyMetricsPage />;
    case 'not-found':
      return <NotFound />;
    default:
      return here satisfies never;
  }
}

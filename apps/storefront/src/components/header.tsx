/** The head of every page: the shop's name, search, the cart and the account. */
import { Account } from './account.tsx';
import { Icon, Mark } from './icons.tsx';
import { Link } from './link.tsx';
import { Search } from './search.tsx';
import { pieces } from '../state/cart.ts';
import { labAccess } from '../lab/access.ts';
import { place } from '../router.ts';
import { session } from '../state/session.ts';

export function Header() {
  const count = pieces.value;
  return (
    <header class="header">
      <div class="header-row">
        <Link href="/" class="brand" aria-label="Ballast, all products">
          <Mark />
          <span class="brand-name">Ballast</span>
        </Link>
        <Search />
        <nav class="header-links" aria-label="Shop">
          {labAccess(session.value).allowed && (
            <Link
              href="/chaos"
              class="header-link"
              aria-current={place.value.page === 'chaos' ? 'page' : undefined}
              data-testid="header-chaos-link"
            >
              <Icon name="pulse" />
              <span class="header-word">Chaos</span>
            </Link>
          )}
          <Link
            href="/cart"
            class="header-link"
            aria-current={place.value.page === 'cart' ? 'page' : undefined}
            data-testid="cart-link"
          >
            <Icon name="cart" />
            <span class="header-word">Cart</span>
            <span class="count" data-testid="cart-count" data-empty={count === 0 ? 'true' : undefined}>
              {count > 999 ? '999+' : count}
            </span>
            <span class="visually-hidden">{count === 1 ? 'item' : 'items'}</span>
          </Link>
          <Account />
        </nav>
      </div>
    </header>
  );
}

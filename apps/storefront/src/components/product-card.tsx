/** One product in a list: a link to its page, and a button that adds one piece. */
import type { Product } from '@ballast/contracts';
import { Icon } from './icons.tsx';
import { Link } from './link.tsx';
import { ProductPicture } from './product-picture.tsx';
import { Skeleton } from './messages.tsx';
import { Stock } from './stock.tsx';
import { addToCart } from '../state/cart.ts';
import { showNote } from '../state/announcements.ts';
import { formatMoney } from '../format/money.ts';

export function ProductCard({ product, eager }: { product: Product; eager: boolean }) {
  const add = (): void => {
    const message = addToCart(product, 1);
    showNote(message ?? `${product.name} is in your cart.`, {
      tone: message === null ? 'good' : 'problem',
      link: { label: 'View cart', address: '/cart' },
    });
  };
  return (
    <li class="card" data-testid="product-card">
      <ProductPicture image={product.image} alternative="" size="card" eager={eager} />
      <div class="card-body">
        <p class="card-category">{product.category}</p>
        <h2 class="card-name">
          <Link href={`/products/${product.productId}`} class="card-link">
            {product.name}
          </Link>
        </h2>
        <p class="card-foot">
          <span class="price">{formatMoney(product.price)}</span>
          <Stock onHand={product.onHand} />
        </p>
      </div>
      {product.onHand > 0 && (
        <button type="button" class="card-add" onClick={add} aria-label={`Add ${product.name} to cart`}>
          <Icon name="plus" />
        </button>
      )}
    </li>
  );
}

export function ProductCardSkeleton() {
  return (
    <li class="card" aria-hidden="true">
      <Skeleton className="picture picture-card" />
      <div class="card-body">
        <Skeleton className="skeleton-line skeleton-short" />
        <Skeleton className="skeleton-line" />
        <Skeleton className="skeleton-line skeleton-half" />
      </div>
    </li>
  );
}

/** One product: what it is, what it costs, how many there are, and into the cart. */
import { useState } from 'preact/hooks';
import type { Product } from '@ballast/contracts';
import { Page } from '../components/page.tsx';
import { Failure, Skeleton } from '../components/messages.tsx';
import { Icon } from '../components/icons.tsx';
import { Link } from '../components/link.tsx';
import { ProductPicture } from '../components/product-picture.tsx';
import { Quantity } from '../components/quantity.tsx';
import { Stock } from '../components/stock.tsx';
import { useResource } from '../components/hooks.ts';
import { NotFound } from './not-found.tsx';
import { getProduct } from '../api/calls.ts';
import { ApiError } from '../api/errors.ts';
import { addToCart, cart } from '../state/cart.ts';
import { limitMessage, quantityLimit } from '../state/cart-rules.ts';
import { productList } from '../state/products.ts';
import { productsAddress } from '../paths.ts';
import { formatMoney } from '../format/money.ts';
import { plural } from '../format/time.ts';

export function ProductPage({ productId }: { productId: string }) {
  const { data, error, reload } = useResource(productId, (signal) => getProduct(productId, signal));
  // Whoever comes from the list sees at once what the list knew.
  const known = productList.peek().items.find((product) => product.productId === productId);
  const product = data ?? known;

  if (error instanceof ApiError && error.details.status === 404) return <NotFound what="product" />;
  return (
    <Page
      title={product?.name ?? 'Product'}
      heading={product?.name ?? <Skeleton className="skeleton-heading" />}
      className="product-page"
      above={
        <Link href="/" class="back">
          <Icon name="back" /> All products
        </Link>
      }
    >
      {error !== null && <Failure error={error} onRetry={reload} />}
      <div class="product">
        {product === undefined ? (
          <Skeleton className="picture picture-large" />
        ) : (
          <ProductPicture image={product.image} alternative={product.name} size="large" eager />
        )}
        {product !== undefined && <ProductDetails product={product} />}
      </div>
    </Page>
  );
}

function ProductDetails({ product }: { product: Product }) {
  const [quantity, setQuantity] = useState(1);
  const [limited, setLimited] = useState<string | null>(null);
  const [added, setAdded] = useState<string | null>(null);
  const inCart = cart.value.lines.find((line) => line.productId === product.productId)?.quantity ?? 0;
  const limit = quantityLimit(product.onHand);
  const available = limit - inCart;

  const choose = (wanted: number): void => {
    setAdded(null);
    setLimited(wanted > limit ? limitMessage(product.name, product.onHand) : null);
    setQuantity(Math.max(1, Math.min(wanted, limit)));
  };

  const add = (): void => {
    const before = inCart;
    const message = addToCart(product, quantity);
    const after = cart.value.lines.find((line) => line.productId === product.productId)?.quantity ?? 0;
    setLimited(message);
    setAdded(after > before ? `Added ${after - before} to your cart.` : null);
    setQuantity(1);
  };

  return (
    <div class="product-details">
      <p>
        <Link href={productsAddress(product.category)}>{product.category}</Link>
      </p>
      <p class="product-price" data-testid="product-price">
        {formatMoney(product.price)}
      </p>
      <p class="product-stock" data-testid="product-stock">
        <Stock onHand={product.onHand} />
        {inCart > 0 && <span class="product-in-cart">{plural(inCart, 'piece')} in your cart</span>}
      </p>
      <p class="product-description">{product.description}</p>
      {limit > 0 && (
        <div class="product-buy">
          <Quantity
            id="quantity"
            name={product.name}
            value={quantity}
            limit={limit}
            onChange={choose}
            describedBy="quantity-message"
          />
          <button
            type="button"
            class="button button-large"
            disabled={available <= 0}
            onClick={add}
            data-testid="add-to-cart"
          >
            Add to cart
          </button>
        </div>
      )}
      <div class="product-answer" role="status" id="quantity-message">
        {limited !== null && <p class="text-warning">{limited}</p>}
        {limited === null && added === null && available <= 0 && limit > 0 && (
          <p class="text-warning">{limitMessage(product.name, product.onHand)} All of them are in your cart.</p>
        )}
        {added !== null && (
          <p class="text-good">
            <Icon name="check" /> {added} <Link href="/cart">View cart</Link>
          </p>
        )}
      </div>
    </div>
  );
}

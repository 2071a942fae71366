/** There is nothing at this address. */
import { Page } from '../components/page.tsx';
import { Empty } from '../components/messages.tsx';
import { Link } from '../components/link.tsx';

export function NotFound({ what = 'page' }: { what?: 'page' | 'product' | 'order' }) {
  return (
    <Page title={`This ${what} does not exist`}>
      <Empty title={`There is no ${what} at this address. It may have moved, or the link was cut off.`}>
        <Link href={what === 'order' ? '/orders' : '/'} class="button">
          {what === 'order' ? 'Your orders' : 'All products'}
        </Link>
      </Empty>
    </Page>
  );
}

/** Who is signed in, with their orders and the way out; or the way in. */
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icons.tsx';
import { Link } from './link.tsx';
import { navigate, place } from '../router.ts';
import { session, signOut } from '../state/session.ts';
import { signInAddress } from '../paths.ts';
import { sentenceOf } from '../api/errors.ts';
import { showNote } from '../state/announcements.ts';

export function Account() {
  const { status, user } = session.value;
  if (status === 'unknown') return <span class="header-link account-unknown" aria-hidden="true" />;
  if (user === null) {
    const here = place.value;
    const returnTo = 'returnTo' in here ? here.returnTo : here.address;
    return (
      <Link href={signInAddress(returnTo)} class="header-link" data-testid="sign-in-link">
        <Icon name="person" />
        <span>Sign in</span>
      </Link>
    );
  }
  return <AccountMenu email={user.email} />;
}

function AccountMenu({ email }: { email: string }) {
  const ref = useRef<HTMLDetailsElement>(null);
  const address = place.value.address;

  const close = (): void => {
    if (ref.current !== null) ref.current.open = false;
  };
  // A move to another page closes the menu.
  useEffect(close, [address]);

  useEffect(() => {
    const outside = (event: Event): void => {
      if (event.target instanceof Node && ref.current?.contains(event.target) === false) close();
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
    };
  }, []);

  const leave = async (): Promise<void> => {
    try {
      await signOut();
      navigate('/');
      showNote('You are signed out. Your cart is still here.');
    } catch (error) {
      showNote(sentenceOf(error), { tone: 'problem' });
    }
  };

  return (
    <details
      class="account"
      ref={ref}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        close();
        ref.current?.querySelector('summary')?.focus();
      }}
    >
      <summary class="header-link" data-testid="account-menu">
        <Icon name="person" />
        <span class="header-word">Account</span>
        <Icon name="down" className="icon icon-small header-word" />
      </summary>
      <div class="menu">
        <p class="menu-person">
          Signed in as <strong>{email}</strong>
        </p>
        <Link href="/orders" class="menu-item">
          Your orders
        </Link>
        <button type="button" class="menu-item" onClick={() => void leave()}>
          Sign out
        </button>
      </div>
    </details>
  );
}

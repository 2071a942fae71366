/** What `/metrics-view` says to those who may not see it. */
import { Link } from '../../components/link.tsx';
import { operatorAccount } from '../../lab/accounts.ts';
import type { MetricsAccess } from '../../metrics/access.ts';
import { signInAddress } from '../../paths.ts';
import { place } from '../../router.ts';
import { session } from '../../state/session.ts';

type Refused = Extract<MetricsAccess, { allowed: false }>;

const sentences: Record<Refused['why'], string> = {
  asking: 'One moment: the page asks who you are.',
  'signed-out': 'What the mesh measures is for those who run it. An operator must sign in.',
  'not-operator': 'You are signed in as a customer. Only an operator may see this.',
};

export function MetricsOutside({ access }: { access: Refused }) {
  const { why } = access;
  return (
    <div class="hint" data-testid="metrics-access" data-why={why}>
      <p>{sentences[why]}</p>
      {why !== 'asking' && session.value.lab && (
        <p>
          The lab’s operator is <code>{operatorAccount.email}</code> with <code>{operatorAccount.password}</code>.
        </p>
      )}
      {why === 'signed-out' && (
        <Link href={signInAddress(place.value.address)} class="button">
          Sign in as an operator
        </Link>
      )}
      {why === 'not-operator' && <p>Sign out first: it is in the menu of your account.</p>}
    </div>
  );
}

/** What `/chaos` says to those who may not drive it. */
import { Link } from '../../components/link.tsx';
import type { LabAccess } from '../../lab/access.ts';
import { operatorAccount } from '../../lab/accounts.ts';
import { signInAddress } from '../../paths.ts';

type Refused = Extract<LabAccess, { allowed: false }>;

const sentences: Record<Refused['why'], string> = {
  asking: 'One moment: the page asks who you are.',
  'no-lab': 'This page does not exist here: the mesh does not run in lab mode. Start it with LAB_MODE=1.',
  'signed-out': 'Here the mesh that serves this page is broken on purpose. An operator must sign in.',
  'not-operator': 'You are signed in as a customer. Only an operator may break things.',
};

export function Outside({ access }: { access: Refused }) {
  const { why } = access;
  return (
    <>
      {why !== 'no-lab' && (
        <p class="chaos-lead">
          Kill a service, cut a link, freeze Redis, seal Vault, while orders run; and see, from the rows, that no order
          is lost, none is paid twice, and every one ends. Each figure on this page is measured, each fault is real.
        </p>
      )}
      <div class="hint" data-testid="chaos-access" data-why={why}>
        <p>{sentences[why]}</p>
        {(why === 'signed-out' || why === 'not-operator') && (
          <p>
            The lab’s operator is <code>{operatorAccount.email}</code> with <code>{operatorAccount.password}</code>.
          </p>
        )}
        {why === 'signed-out' && (
          <Link href={signInAddress('/chaos')} class="button">
            Sign in as an operator
          </Link>
        )}
        {why === 'not-operator' && <p>Sign out first: it is in the menu of your account.</p>}
        {why === 'no-lab' && <Link href="/">To the shop</Link>}
      </div>
    </>
  );
}

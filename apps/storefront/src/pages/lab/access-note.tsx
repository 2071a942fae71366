/** Who may drive the demonstrations, said once above them. */
import { Command } from '../../components/lab/curl.tsx';
import { Link } from '../../components/link.tsx';
import { labAccess } from '../../lab/access.ts';
import { operatorAccount } from '../../lab/accounts.ts';
import { signInAddress } from '../../paths.ts';
import { session } from '../../state/session.ts';

export function AccessNote() {
  const access = labAccess(session.value);
  if (access.allowed) {
    return (
      <details class="curl">
        <summary>A token for the curl commands</summary>
        <Command what="Sign in at identity (its address is printed by npm start)" text={tokenCommand} />
      </details>
    );
  }
  return (
    <div class="hint" data-testid="lab-access" data-why={access.why}>
      <p>
        {access.why === 'signed-out'
          ? 'The demonstrations run against the live mesh. An operator must sign in.'
          : access.reason}
      </p>
      {(access.why === 'signed-out' || access.why === 'not-operator') && (
        <p>
          The lab’s operator is <code>{operatorAccount.email}</code> with <code>{operatorAccount.password}</code>.
        </p>
      )}
      {access.why === 'signed-out' && (
        <Link href={signInAddress('/lab')} class="button">
          Sign in as an operator
        </Link>
      )}
      {access.why === 'not-operator' && <p>Sign out first: it is in the menu of your account.</p>}
    </div>
  );
}

const tokenCommand = [
  'TOKEN=$(curl -s -X POST "$IDENTITY/login" \\',
  "  -H 'content-type: application/json' \\",
  `  -d '${JSON.stringify(operatorAccount)}' | jq -r .accessToken)`,
].join('\n');

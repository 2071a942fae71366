/** Signing in, or making an account: one form, two purposes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Page } from '../components/page.tsx';
import { Field } from '../components/field.tsx';
import { Failure } from '../components/messages.tsx';
import { Link } from '../components/link.tsx';
import { navigate } from '../router.ts';
import { demoAccount, operatorAccount } from '../lab/accounts.ts';
import { signInAddress } from '../paths.ts';
import { ApiError } from '../api/errors.ts';
import { checkCredentials } from '../state/credentials.ts';
import type { FieldErrors } from '../state/credentials.ts';
import { registerAndSignIn, session, signIn } from '../state/session.ts';

export function SignInPage({ purpose, returnTo }: { purpose: 'sign-in' | 'register'; returnTo: string }) {
  const registering = purpose === 'register';
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [errors, setErrors] = useState<FieldErrors>({});
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [cooling, setCooling] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  const { user, lab } = session.value;

  useEffect(() => {
    if (user !== null) navigate(returnTo, { replace: true });
  }, [user, returnTo]);
  useEffect(() => {
    setErrors({});
    setFailure(null);
  }, [purpose]);
  useEffect(() => {
    // What the API asked to wait is waited; then the button works again.
    const timer = setTimeout(() => setCooling(0), cooling * 1000);
    return () => clearTimeout(timer);
  }, [cooling]);

  const show = (found: FieldErrors): void => {
    setErrors(found);
    const first = found.email === undefined ? 'password' : 'email';
    form.current?.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
  };

  const submit = async (): Promise<void> => {
    if (busy || cooling > 0) return;
    setFailure(null);
    const found = checkCredentials({ email, password }, purpose);
    setErrors(found);
    if (found.email !== undefined || found.password !== undefined) return show(found);
    setBusy(true);
    try {
      await (registering ? registerAndSignIn : signIn)({ email: email.trim(), password });
    } catch (error) {
      const field = error instanceof ApiError ? error.details.field : null;
      if (field === 'email' || field === 'password') show({ [field]: (error as ApiError).message });
      else setFailure(error);
      if (error instanceof ApiError) setCooling(error.details.retryAfterSeconds ?? 0);
    } finally {
      setBusy(false);
    }
  };

  // Whoever comes from the lab has come to drive it, from /chaos to break it, and from /metrics-view to watch it.
  const isForLab = /^\/(?:lab|chaos|metrics-view)(?:\?|$)/.test(returnTo);
  const account = isForLab ? operatorAccount : demoAccount;
  const fill = (): void => {
    setEmail(account.email);
    setPassword(account.password);
    setErrors({});
    form.current?.querySelector<HTMLButtonElement>('[type=submit]')?.focus();
  };

  return (
    <Page title={registering ? 'Create an account' : 'Sign in'} className="narrow">
      <nav class="switch" aria-label="Sign in or create an account">
        <Link href={signInAddress(returnTo)} aria-current={registering ? undefined : 'page'}>
          I have an account
        </Link>
        <Link href={signInAddress(returnTo, 'register')} aria-current={registering ? 'page' : undefined}>
          I am new here
        </Link>
      </nav>
      {failure !== null && <Failure error={failure} />}
      <form
        class="panel form"
        noValidate
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field
          name="email"
          type="email"
          label="Email address"
          autoComplete="username"
          value={email}
          error={errors.email}
          onInput={setEmail}
        />
        <Field
          name="password"
          type="password"
          label="Password"
          hint={registering ? 'At least 10 characters. A sentence is easy to remember.' : undefined}
          autoComplete={registering ? 'new-password' : 'current-password'}
          value={password}
          error={errors.password}
          onInput={setPassword}
        />
        <button type="submit" class="button button-large button-wide" disabled={busy || cooling > 0}>
          {busy ? 'One moment…' : registering ? 'Create account' : 'Sign in'}
        </button>
      </form>
      {lab && !registering && (
        <aside class="hint" aria-labelledby="demo-account">
          <h2 id="demo-account" class="hint-title">
            This shop is a laboratory
          </h2>
          <p>
            Sign in as <code>{account.email}</code> with <code>{account.password}</code>.
          </p>
          <button type="button" class="button button-quiet" onClick={fill} data-testid="fill-demo-account">
            Fill in the {isForLab ? 'operator’s' : 'demo'} account
          </button>
        </aside>
      )}
    </Page>
  );
}

/** Who is signed in. The session itself is a cookie that pages cannot read; this is what the API says about it. */
import { signal } from '@preact/signals';
import type { Credentials, User } from '@ballast/contracts';
import * as api from '../api/calls.ts';
import { navigate, place } from '../router.ts';
import { signInAddress } from '../paths.ts';

export type SessionView = {
  /** `unknown` until the API has been asked. */
  status: 'unknown' | 'known';
  user: User | null;
  /** Lab mode: the demonstration account may be shown. */
  lab: boolean;
};

export const session = signal<SessionView>({ status: 'unknown', user: null, lab: false });

const otherTabsKey = 'ballast.session-changed';
let csrfToken: string | null = null;
let loading: Promise<void> | null = null;

/** Asks the API who is signed in. Calls at the same time share one answer. Throws `ApiError`. */
export function loadSession(): Promise<void> {
  loading ??= readSession().finally(() => {
    loading = null;
  });
  return loading;
}

async function readSession(): Promise<void> {
  const answer = await api.getSession();
  csrfToken = answer.csrfToken;
  session.value = { status: 'known', user: answer.user, lab: answer.lab === true };
}

async function currentToken(): Promise<string> {
  if (csrfToken === null) await loadSession();
  return csrfToken ?? '';
}

api.setSessionDuties({
  csrfToken: currentToken,
  renewCsrfToken: () => {
    csrfToken = null;
    return currentToken();
  },
  onUnauthenticated: () => {
    session.value = { ...session.value, status: 'known', user: null };
    csrfToken = null;
    navigate(signInAddress(place.value.address), { replace: true });
  },
});

/** Signs in. Throws `ApiError`. */
export async function signIn(credentials: Credentials): Promise<void> {
  await api.login(credentials);
  await loadSession();
  tellOtherTabs();
}

/** Makes an account and signs in with it. Throws `ApiError`. */
export async function registerAndSignIn(credentials: Credentials): Promise<void> {
  await api.register(credentials);
  await loadSession();
  // Whether registering also signs in is the API's choice; the visitor should not have to know.
  if (session.value.user === null) await api.login(credentials).then(loadSession);
  tellOtherTabs();
}

/** Signs out. Throws `ApiError`. */
export async function signOut(): Promise<void> {
  await api.logout();
  csrfToken = null;
  await loadSession();
  tellOtherTabs();
}

function tellOtherTabs(): void {
  try {
    localStorage.setItem(otherTabsKey, String(Date.now()));
  } catch (error) {
    // Without storage other tabs learn it from their next call; nothing is lost.
    if (!(error instanceof DOMException)) throw error;
  }
}

/** Calls `reload` when another tab has signed in or out. */
export function watchOtherTabs(reload: () => void): void {
  window.addEventListener('storage', (event) => {
    if (event.key === otherTabsKey) reload();
  });
}

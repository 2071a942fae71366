/** Who may drive the demonstrations, and what the others are told. Pure. */
import type { SessionView } from '../state/session.ts';

export type LabAccess =
  | { allowed: true }
  | { allowed: false; why: 'asking' | 'no-lab' | 'signed-out' | 'not-operator'; reason: string };

const reasons = {
  asking: 'One moment: the page asks who you are.',
  'no-lab': 'This mesh does not run in lab mode, so there is nothing to drive here. Start it with LAB_MODE=1.',
  'signed-out': 'Sign in as an operator to run this.',
  'not-operator': 'You are signed in as a customer. Only an operator may run this.',
};

/** What somebody with this session may do on `/lab`. */
export function labAccess(session: SessionView): LabAccess {
  const refused = (why: keyof typeof reasons): LabAccess => ({ allowed: false, why, reason: reasons[why] });
  if (session.status === 'unknown') return refused('asking');
  if (!session.lab) return refused('no-lab');
  if (session.user === null) return refused('signed-out');
  return session.user.roles.includes('operator') ? { allowed: true } : refused('not-operator');
}

/** Who is let in now: one connection a device. */
import { defect } from '@ballast/faults';

/** The sessions of this process by device. */
export class SessionTable<Session> {
  readonly #sessions = new Map<string, Session>();

  /** Puts a session in; answers the one it takes the place of, which its caller has to end. */
  replace(deviceId: string, session: Session): Session | undefined {
    const before = this.#sessions.get(deviceId);
    this.#sessions.set(deviceId, session);
    return before;
  }

  /** Takes a session out, if it is still the device's: the end of an old one never touches the one that has replaced it. */
  remove(deviceId: string, session: Session): void {
    if (this.#sessions.get(deviceId) === session || defect('gateway.old-end-removes-new')) {
      this.#sessions.delete(deviceId);
    }
  }

  get(deviceId: string): Session | undefined {
    return this.#sessions.get(deviceId);
  }

  /** All of them, by device. */
  entries(): Iterable<[deviceId: string, session: Session]> {
    return this.#sessions;
  }

  get size(): number {
    return this.#sessions.size;
  }
}

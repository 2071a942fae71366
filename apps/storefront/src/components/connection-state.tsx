/** Whether what is shown is live, said as it is. */
import { connectionWords } from '../state/order-stream.ts';
import type { Connection } from '../state/order-stream.ts';

export function ConnectionState({ connection }: { connection: Connection }) {
  return (
    <span class={`connection connection-${connection}`} data-testid="connection" data-connection={connection}>
      {connectionWords[connection]}
    </span>
  );
}

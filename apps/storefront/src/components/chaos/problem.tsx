/** Why something a person asked for did not work. Nothing while it did. */
import { Icon } from '../icons.tsx';

export function Problem({ sentence }: { sentence: string | null }) {
  if (sentence === null) return null;
  return (
    <div class="message message-problem" role="alert">
      <Icon name="alert" />
      <p>{sentence}</p>
    </div>
  );
}

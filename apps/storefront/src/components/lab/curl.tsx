/** The calls of a demonstration, to be copied into a shell. */
import { useRef, useState } from 'preact/hooks';
import { curlCommand } from '../../lab/curl.ts';
import type { CurlCall } from '../../lab/curl.ts';

export type NamedCall = CurlCall & { what: string };

export function Curl({ calls }: { calls: readonly NamedCall[] }) {
  return (
    <details class="curl">
      <summary>Copy as curl</summary>
      <ol class="curl-calls">
        {calls.map((call) => (
          <li key={call.what}>
            <Command what={call.what} text={curlCommand(window.location.origin, call)} />
          </li>
        ))}
      </ol>
    </details>
  );
}

/** A text that can be copied. Where the browser does not let the page do so, it is marked instead. */
export function Command({ what, text }: { what: string; text: string }) {
  const code = useRef<HTMLPreElement>(null);
  const [copied, setCopied] = useState<'yes' | 'marked' | null>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied('yes');
    } catch (error) {
      // Without a clipboard (plain HTTP, or not allowed) the reader copies what is marked.
      if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error;
      if (code.current !== null) window.getSelection()?.selectAllChildren(code.current);
      setCopied('marked');
    }
  };
  return (
    <>
      <div class="curl-head">
        <span>{what}</span>
        <button
          type="button"
          class="button button-quiet button-small"
          aria-label={`Copy: ${what}`}
          onClick={() => void copy()}
        >
          Copy
        </button>
      </div>
      <pre ref={code}>
        <code>{text}</code>
      </pre>
      <p class="small" role="status">
        {copied === 'yes' && 'Copied.'}
        {copied === 'marked' && 'Marked: copy it with your keyboard.'}
      </p>
    </>
  );
}

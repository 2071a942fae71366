/** The statement or the rule that is at work, in the words of the service it came from. */

export function Statement({ title = 'The statement at work', text }: { title?: string; text: string }) {
  return (
    <figure class="statement">
      <figcaption>{title}</figcaption>
      <pre>
        <code>{text.trim()}</code>
      </pre>
    </figure>
  );
}

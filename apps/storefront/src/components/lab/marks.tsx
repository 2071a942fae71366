/** Many answers at a glance: a mark for each, and what the marks mean beside them. */

export type MarkTone = 'good' | 'refused' | 'bad' | 'other' | 'pending';

export type MarkGroup = { tone: MarkTone; label: string; count: number };

/** The marks in the order the answers came in. Those who hear the page get the groups alone. */
export function Marks({ marks, groups }: { marks: readonly MarkTone[]; groups: readonly MarkGroup[] }) {
  return (
    <div class="marks">
      <div class="marks-strip" aria-hidden="true">
        {marks.map((tone, index) => (
          <span key={index} class={`mark-one mark-${tone}`} />
        ))}
      </div>
      <ul class="marks-groups">
        {groups
          .filter(({ count }) => count > 0)
          .map(({ tone, label, count }) => (
            <li key={label} data-mark={label} data-count={count}>
              <span class={`mark-one mark-${tone}`} aria-hidden="true" />
              <strong>{count}</strong> {label}
            </li>
          ))}
      </ul>
    </div>
  );
}

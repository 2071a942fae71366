/** One dashboard: its numbers in a row, its charts below them. */
import type { PanelList } from '@ballast/contracts';
import { PanelCard } from './panel-card.tsx';

type BoardSectionProps = {
  board: PanelList['boards'][number];
  panels: PanelList['panels'];
};

export function BoardSection({ board, panels }: BoardSectionProps) {
  const heading = `board-${board.id}`;
  const stats = panels.filter(({ kind }) => kind === 'stat');
  const charts = panels.filter(({ kind }) => kind !== 'stat');
  return (
    <section class="board" aria-labelledby={heading} data-testid={heading}>
      <h2 id={heading}>{board.title}</h2>
      {stats.length > 0 && (
        <div class="board-stats">
          {stats.map((panel) => (
            <PanelCard key={panel.id} panel={panel} />
          ))}
        </div>
      )}
      <div class="board-charts" data-few={charts.length <= 3}>
        {charts.map((panel) => (
          <PanelCard key={panel.id} panel={panel} />
        ))}
      </div>
    </section>
  );
}

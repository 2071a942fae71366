/** The decisions on record: every file of `docs/adr`. */
import { CodePath } from '../../components/lab/code-path.tsx';
import { decisions } from '../../lab/decisions.ts';

export function Decisions() {
  return (
    <section class="lab-section" aria-labelledby="decisions">
      <h2 id="decisions">Decisions on record</h2>
      <p>Why it is shaped the way it is: one file for each decision a newcomer would question.</p>
      {decisions.length === 0 ? (
        <p class="small">These pages were built without the folder docs/adr.</p>
      ) : (
        <ol class="decisions" data-testid="decisions">
          {decisions.map(({ number, title, summary, path }) => (
            <li key={path}>
              <h3>
                <span class="decision-number">{number}</span> {title}
              </h3>
              <p>{summary}</p>
              <p class="small">
                <CodePath path={path} />
              </p>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

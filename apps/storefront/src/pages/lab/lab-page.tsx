/** `/lab`: the static reference and the live demonstrations on one page. */
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { Link } from '../../components/link.tsx';
import { Page } from '../../components/page.tsx';
import { isAbort } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import { labAccess } from '../../lab/access.ts';
import { services } from '../../lab/services.ts';
import { loadSupplies } from '../../state/lab-supplies.ts';
import { session } from '../../state/session.ts';
import { AccessNote } from './access-note.tsx';
import { Burst } from './burst.tsx';
import { Circuit } from './circuit.tsx';
import { Cluster } from './cluster.tsx';
import { Converge } from './converge.tsx';
import { Decisions } from './decisions.tsx';
import { PlaceAndFail } from './place-order.tsx';
import { RaceForKey } from './race-key.tsx';
import { RaceForVersion } from './race-version.tsx';
import { Refund } from './refund.tsx';
import { Relay } from './relay.tsx';
import { Rotation } from './rotation.tsx';
import { ServiceCard } from './service-card.tsx';
import { Stampede } from './stampede.tsx';
import '../../styles/lab.css';
import '../../styles/lab-demonstrations.css';
import '../../styles/lab-results.css';
import '../../styles/lab-rows.css';

/** The demonstrations of each service, its headline pattern first. */
const demonstrations: Record<string, readonly ComponentType[]> = {
  bff: [Burst, Circuit],
  identity: [Rotation],
  catalog: [RaceForVersion, Stampede, Converge],
  claims: [RaceForKey, Refund],
  payments: [Relay],
  checkout: [PlaceAndFail],
};

export function LabPage() {
  const { allowed } = labAccess(session.value);
  useEffect(() => {
    if (!allowed) return undefined;
    const abort = new AbortController();
    loadSupplies(abort.signal).catch((error: unknown) => {
      // Every demonstration loads what it needs once more when it runs, and says so where it fails.
      if (!isAbort(error) && !(error instanceof ApiError)) throw error;
    });
    return () => abort.abort();
  }, [allowed]);

  return (
    <Page title="Lab" heading="A shop that stays upright, taken apart" className="lab">
      <div class="lab-hero">
        <p>
          Ballast is a microservice mesh in TypeScript that stays upright under faults: a shop whose every production
          pattern really runs, on real PostgreSQL, Redis and RabbitMQ. Below is how it is built, and for each pattern
          something to press: it runs against the mesh that serves this page, and shows what came back.
        </p>
        <p class="actions">
          <Link href="/" class="button">
            To the shop
          </Link>
          <a href="#services">What each service owns</a>
          <a href="#decisions">Decisions on record</a>
        </p>
      </div>
      <Cluster />
      <section class="lab-section" aria-labelledby="services">
        <h2 id="services">What each service owns</h2>
        <p>
          One responsibility, one schema, and the patterns that follow from it. The first of them is the one to drive.
        </p>
        <AccessNote />
        <nav class="lab-jump" aria-label="Services">
          {services.map(({ name }) => (
            <a key={name} href={`#service-${name}`}>
              {name}
            </a>
          ))}
        </nav>
        {services.map((service) => (
          <ServiceCard key={service.name} service={service}>
            {demonstrations[service.name]?.map((Demonstration, index) => (
              <Demonstration key={index} />
            ))}
          </ServiceCard>
        ))}
      </section>
      <Decisions />
    </Page>
  );
}

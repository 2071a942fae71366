/** One service: what it owns, what it is made of, its patterns, and the demonstrations of them. */
import type { ComponentChildren } from 'preact';
import { CodePath } from '../../components/lab/code-path.tsx';
import type { ServiceText } from '../../lab/services.ts';

export function ServiceCard({ service, children }: { service: ServiceText; children: ComponentChildren }) {
  const id = `service-${service.name}`;
  return (
    <article class="service" id={id} aria-labelledby={`${id}-title`}>
      <div class="service-card">
        <div class="service-head">
          <h3 id={`${id}-title`}>{service.name}</h3>
          {service.replicas > 1 && <span class="badge">{service.replicas} replicas</span>}
          <CodePath path={`apps/${service.name}`} />
        </div>
        <p>{service.what}</p>
        <p class="service-owns">
          <strong>Owns</strong> {service.owns}
        </p>
        <ul class="stack" aria-label={`What ${service.name} is made of`}>
          {service.stack.map((part) => (
            <li key={part}>{part}</li>
          ))}
        </ul>
        <dl class="patterns">
          {service.patterns.map((pattern) => (
            <div key={pattern.name}>
              <dt>{pattern.name}</dt>
              <dd>
                {pattern.what} <CodePath path={pattern.path} />
              </dd>
            </div>
          ))}
        </dl>
      </div>
      {children}
    </article>
  );
}

/** Panels of the dashboards, for operators: which there are, and what Prometheus has measured for one of them. */
import { boards, PanelData, PanelList, PanelParams, PanelQuery, panels, type Panel } from '@ballast/contracts';
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import type { Prometheus } from '../clients/prometheus.ts';

const byId = new Map(panels.map((panel) => [panel.id, panel]));

/** `prometheus` is null where no Prometheus is configured. */
export function panelRoutes(scope: HttpServer, prometheus: Prometheus | null): void {
  scope.get(
    '/api/metrics/panels',
    {
      config: { access: 'operator' },
      schema: { tags: ['metrics'], response: { 200: PanelList, ...problemResponses } },
    },
    async () => ({ boards: [...boards], panels: panels.map(view) }),
  );

  scope.get(
    '/api/metrics/panels/:id',
    {
      config: { access: 'operator' },
      schema: {
        tags: ['metrics'],
        params: PanelParams,
        querystring: PanelQuery,
        response: { 200: PanelData, ...problemResponses },
      },
    },
    async (request, reply) => {
      const panel = byId.get(request.params.id);
      if (panel === undefined) throw new ProblemError('not-found', 'There is no panel of this name.');
      if (prometheus === null) throw new ProblemError('not-configured', 'No Prometheus is configured.');
      reply.header('cache-control', 'no-store');
      return { panel: view(panel), ...(await prometheus.panel(panel, request.query.minutes)) };
    },
  );
}

function view({ states, ...panel }: Panel): PanelList['panels'][number] {
  return { ...panel, ...(states === undefined ? {} : { states: [...states] }) };
}

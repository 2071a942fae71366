/** What a mesh like ours has to break, for tests. */
import { partActions, type FaultTargets } from '@ballast/contracts';

const services: Readonly<Record<string, readonly string[]>> = {
  identity: ['before-token', 'http.request', 'process.tick'],
  catalog: [
    'after-commit',
    'after-publish',
    'before-ack',
    'before-commit',
    'cache.after-load',
    'http.request',
    'process.tick',
  ],
  claims: ['after-claim', 'after-publish', 'before-claim', 'http.request', 'process.tick'],
  payments: ['after-provider-call', 'after-publish', 'before-commit', 'http.request', 'process.tick'],
  checkout: [
    'after-commit',
    'after-order',
    'after-publish',
    'before-order',
    'compensating',
    'http.request',
    'process.tick',
  ],
  bff: ['after-claim', 'before-store', 'http.request', 'process.tick'],
  auditor: ['process.tick'],
};
const instances = [
  'identity',
  'catalog-1',
  'catalog-2',
  'claims',
  'payments',
  'checkout-1',
  'checkout-2',
  'bff',
  'auditor',
];
const links: Readonly<Record<string, readonly string[]>> = {
  identity: ['postgres', 'vault'],
  'catalog-1': ['postgres', 'redis', 'rabbitmq', 'vault', 'identity'],
  'catalog-2': ['postgres', 'redis', 'rabbitmq', 'vault', 'identity'],
  claims: ['postgres', 'rabbitmq', 'vault', 'identity', 'checkout-1', 'checkout-2'],
  payments: ['postgres', 'rabbitmq', 'vault', 'identity', 'payment-provider'],
  'checkout-1': ['postgres', 'redis', 'rabbitmq', 'vault', 'identity', 'catalog-1', 'catalog-2'],
  'checkout-2': ['postgres', 'redis', 'rabbitmq', 'vault', 'identity', 'catalog-1', 'catalog-2'],
  bff: [
    'postgres',
    'redis',
    'identity',
    'vault',
    'catalog-1',
    'catalog-2',
    'checkout-1',
    'checkout-2',
    'payments',
    'claims',
  ],
  'payment-provider': ['bff'],
  chaos: ['postgres'],
};

export const targets: FaultTargets = {
  instances: instances.map((instance) => {
    const service = instance.replace(/-\d$/, '');
    return { instance, service, points: [...services[service]!] };
  }),
  links: Object.entries(links).flatMap(([from, tos]) => tos.map((to) => ({ from, to }))),
  parts: partActions.map((action) => ({ action, title: action, unavailable: null })),
  controls: [{ control: 'saga.no-inbox', invariant: 5, title: 'The inbox is off' }],
};

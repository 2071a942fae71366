/** All of the auditor's wiring, from its settings to a server that is ready to listen. */
import { createDatabase } from '@ballast/postgres';
import { addLabRoutes, createHttpServer, createReporter, type App, type BuildContext } from '@ballast/service';
import { createCatalogWatch } from './clients/catalogs.ts';
import { createDefinition } from './clients/definition.ts';
import { createHttpClient } from './clients/http.ts';
import { createMetricsReader } from './clients/instances.ts';
import { createProviderLedger } from './clients/ledger.ts';
import { countSockets } from './clients/sockets.ts';
import { readInstances, type Config } from './config.ts';
import { createBoard, type Board } from './domain/board.ts';
import { judgedHere } from './domain/invariants.ts';
import { createFaultWindow } from './fault-window.ts';
import { createFollower } from './follower.ts';
import { createAnswerLook, createSessionLook } from './looks/answers.ts';
import { createDeviceLook } from './looks/devices.ts';
import { createInstanceLook } from './looks/instances.ts';
import { createLoop } from './looks/loop.ts';
import { createOrderLook } from './looks/orders.ts';
import { createReplicaLook } from './looks/replicas.ts';
import { createRowLook, createShelfLook } from './looks/rows.ts';
import { openKnownDamage } from './store/known-damage.ts';
import { createMeasures } from './measures.ts';
import { labRoutes } from './routes/lab.ts';
import { verdictRoutes } from './routes/verdicts.ts';

const lookEveryMs = 1_000;
const metricsEveryMs = 3_000;
/** The whole of reservations, at a hundredth of a connection's time, a tenth where that is rarely; not more often than this, in ms. */
const shelfEveryMs = 2_000;
const shelfPauses = 100;

/** Connects and wires; nothing is looked at before `start`. */
export async function buildApp({ config, logger, metrics }: BuildContext<Config>): Promise<App> {
  const now = Date.now;
  const report = createReporter(logger);
  const instances = readInstances(config.INSTANCES);
  const window = createFaultWindow(config.LAB_MODE === '1', now);
  const database = createDatabase({
    url: config.POSTGRES_URL,
    applicationName: config.INSTANCE,
    // One for each kind of look, so that a slow one holds nobody up.
    maxConnections: 7,
    connectTimeoutMs: 900,
    statementTimeoutMs: 2_000,
    onIdleError: (error) => report('a database connection was lost', error),
  });
  const http = createHttpClient();
  const measures = createMeasures(metrics, () => board.verdicts());
  const has = {
    devices: ['tcp-gateway', 'analytics'].every((name) => instances.some(({ service }) => service === name)),
    sockets: config.DEVICE_PORT !== undefined,
  };
  const damage = await openKnownDamage(config.KNOWN_DAMAGE_FILE, (error) =>
    report('known damage was forgotten', error),
  );
  const board: Board = createBoard(judgedHere(has), {
    now,
    faults: window.state,
    onLook: measures.looked,
    known: damage.known,
  });
  const follower = createFollower(database, now);
  const reader = createMetricsReader(instances, http.get, now);

  const onError = (error: unknown): void => report('a look failed', error);
  const each = (look: () => Promise<void>) => createLoop(look, lookEveryMs, onError);
  const lookAtOrders = createOrderLook({
    board,
    database,
    follower,
    ledger:
      config.PAYMENT_LEDGER_URL === undefined ? undefined : createProviderLedger(config.PAYMENT_LEDGER_URL, http.get),
    definition: createDefinition(instances, http.get),
    now,
  });
  const { DEVICE_PORT: devicePort } = config;
  const lookAtDevices = createDeviceLook({
    board,
    database,
    metrics: reader,
    sockets: devicePort === undefined ? undefined : () => countSockets(devicePort),
    now,
  });
  const loops = [
    each(lookAtOrders),
    each(createRowLook(board, database)),
    each(createAnswerLook(board, database, now)),
    each(createSessionLook(board, database, now)),
    each(
      createReplicaLook({
        lagMs: config.REPLICA_LAG_MS,
        board,
        database,
        instances,
        get: http.get,
        faults: window.state,
        trouble: createCatalogWatch(reader, now),
        now,
      }),
    ),
    createLoop(
      createInstanceLook({ board, database, metrics: reader, faults: window.state, now }),
      metricsEveryMs,
      onError,
    ),
    ...(has.devices ? [each(lookAtDevices)] : []),
    createLoop(createShelfLook(board, database), shelfEveryMs, onError, shelfPauses),
  ];

  const server = await createHttpServer({
    name: 'auditor',
    instance: config.INSTANCE,
    logger,
    metrics,
    checks: [{ name: 'postgres', check: () => database.ping() }],
    issuer: config.IDENTITY_URL,
  });
  verdictRoutes(server, { board, faults: window.state, follower });
  await addLabRoutes(server, (lab) => labRoutes(lab, { board, window, keep: () => damage.keep(board.known()) }));

  return {
    server,
    start: async () => {
      for (const loop of loops) loop.start();
    },
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
      await http.close();
      await database.close();
    },
  };
}

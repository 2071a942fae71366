/** Devices: the gauge against sockets of a port, real ones of the kernel among them, and the counts that analytics has stored. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { until } from '@ballast/testing';
import type { Metrics, Page } from '../../src/clients/instances.ts';
import { countSockets, readSockets, type SocketCount } from '../../src/clients/sockets.ts';
import { createBoard, type Board, type FaultState } from '../../src/domain/board.ts';
import { judgedHere } from '../../src/domain/invariants.ts';
import { createDeviceLook } from '../../src/looks/devices.ts';
import { openMeshRows, type MeshRows } from '../support.ts';

describe('the kernel’s sockets', () => {
  it('are those of the port that a process has taken, and of no other', async () => {
    const taken: Socket[] = [];
    const server = createServer((socket) => taken.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const clients = Array.from({ length: 5 }, () => connect(port, '127.0.0.1').on('error', assert.fail));
    const count = async (): Promise<SocketCount> => await countSockets(port);
    try {
      await until('five of them', async () => (await count()).established === 5);
      assert.equal((await count()).most, 5, 'their other ends have ports of their own');
      clients[0]!.end();
      await until('one that has ended', async () => (await count()).established === 4);
    } finally {
      for (const socket of [...clients, ...taken]) socket.destroy();
      server.close();
    }
    assert.equal((await count()).established, 0);
  });

  it('count as open, but not as established, when nobody has taken them or one side has closed', () => {
    const row = (local: string, remote: string, state: string, inode: number): string =>
      `   1: 0100007F:${local} 0100007F:${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 20 4 30 10 -1`;
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      row('0FF8', '0000', '0A', 7),
      row('0FF8', 'C001', '01', 8),
      row('C001', '0FF8', '01', 9),
      row('0FF8', 'C002', '01', 0),
      row('0FF8', 'C003', '08', 10),
      row('0FF8', 'C004', '05', 0),
      row('0FF8', 'C005', '06', 0),
      row('0FF9', 'C006', '01', 11),
    ].join('\n');
    assert.deepEqual(readSockets(table, 4088), { established: 1, most: 3 });
    assert.deepEqual(readSockets(`${table}\n`, 4089), { established: 1, most: 1 });
    assert.deepEqual(readSockets('', 4088), { established: 0, most: 0 });
  });
});

describe('devices on the board', () => {
  let rows: MeshRows;
  let board: Board;
  let look: () => Promise<void>;
  let clock: number;
  let faults: FaultState;
  let gauge: number | null;
  let kernel: number;
  /** When the gateway's process began; null while it does not answer. */
  let startedAt: number | null;
  let counted: number;
  before(async () => {
    rows = await openMeshRows();
  });
  after(() => rows.close());
  beforeEach(async () => {
    await rows.run('TRUNCATE analytics.epochs, analytics.epoch_counts');
    clock = Date.now();
    faults = { faults: 'none', healedAt: null };
    [gauge, kernel, startedAt, counted] = [0, 0, clock - 60_000, 1_000];
    const now = (): number => clock;
    board = createBoard(judgedHere({ devices: true, sockets: true }), { now, faults: () => faults });
    const page = (name: string, since: number, metric: string, value: number): Page => ({
      instance: { name, service: name, url: '' },
      at: clock,
      startedAt: since,
      series: 1,
      samples: [{ name: metric, labels: {}, value }],
    });
    const metrics: Metrics = {
      read: async (service) => {
        const pages =
          service === 'analytics'
            ? gauge === null
              ? []
              : [page('analytics', 1, 'active_connections_total', gauge)]
            : startedAt === null
              ? []
              : [page('tcp-gateway', startedAt, 'gateway_attempts_total', counted)];
        return { pages, silent: pages.length === 0 ? [`${service}: it does not answer`] : [] };
      },
    };
    look = createDeviceLook({
      board,
      database: rows.database,
      metrics,
      sockets: async () => ({ established: kernel, most: kernel }),
      now,
    });
  });

  const state = (invariant: number): string => board.verdicts().find((one) => one.invariant === invariant)!.state;
  /** Looks once a second for so long. */
  const watch = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      clock += 1_000;
      await look();
    }
  };

  it('hold where both say the same, and where the gauge follows a second or two later', async () => {
    await watch(20);
    for (const [sockets, shown] of [
      [50, 0],
      [100, 50],
      [100, 100],
      [20, 100],
      [0, 20],
      [0, 0],
    ] as const) {
      [kernel, gauge] = [sockets, shown];
      await watch(1);
      assert.equal(state(11), 'holds', `${shown} shown of ${sockets}`);
    }
  });

  it('are violated when the gauge stays beside the kernel’s count, above or below', async () => {
    await watch(20);
    for (const shown of [7, 9]) {
      [kernel, gauge] = [8, 8];
      await watch(5);
      gauge = shown;
      await watch(1);
      assert.equal(state(11), 'settling');
      await watch(3);
      assert.equal(state(11), 'violated');
    }
    assert.match(board.verdicts().find(({ invariant }) => invariant === 11)!.detail, /9 connections by the gauge.*8/);
  });

  it('have fifteen seconds to leave the gauge when their gateway is killed, and no more', async () => {
    [kernel, gauge] = [2_000, 2_000];
    await watch(20);
    [kernel, startedAt] = [0, null];
    await watch(14);
    assert.equal(state(11), 'settling');
    gauge = 0;
    await watch(1);
    assert.equal(state(11), 'holds');
    gauge = 2_000;
    await watch(16);
    assert.equal(state(11), 'violated');
  });

  it('have the same after a gateway is started anew, and after a fault is healed', async () => {
    [kernel, gauge] = [10, 10];
    await watch(20);
    [kernel, startedAt] = [0, clock];
    await watch(13);
    assert.equal(state(11), 'settling');
    gauge = 0;
    await watch(20);
    assert.equal(state(11), 'holds');
    [faults, gauge] = [{ faults: 'active', healedAt: null }, 3];
    await watch(20);
    assert.equal(state(11), 'settling');
    faults = { faults: 'none', healedAt: clock };
    await watch(14);
    assert.equal(state(11), 'settling');
    await watch(2);
    assert.equal(state(11), 'violated');
  });

  it('are unknown while analytics does not answer', async () => {
    gauge = null;
    await watch(6);
    assert.equal(state(11), 'unknown');
    assert.equal(state(12), 'holds');
  });

  const epoch = randomUUIDv7();
  const store = async (counts: {
    attempts: number;
    accepted: number;
    rejected: number;
    waiting?: number;
    ended?: boolean;
  }): Promise<void> => {
    await rows.run(`DELETE FROM analytics.epochs WHERE epoch = '${epoch}'`);
    await rows.run(`DELETE FROM analytics.epoch_counts WHERE epoch = '${epoch}'`);
    await rows.run(
      `INSERT INTO analytics.epochs (epoch, gateway, seq, connections, sessions, ended)
       VALUES ('${epoch}', 'tcp-gateway', 1, ${5 + (counts.waiting ?? 0)}, 5, ${counts.ended ?? false})`,
    );
    await rows.run(
      `INSERT INTO analytics.epoch_counts (epoch, name, label, device, count)
       VALUES ('${epoch}', 'attempts', 'tcp-gateway', '', ${counts.attempts}), ('${epoch}', 'accepted', '', '', ${counts.accepted}),
              ('${epoch}', 'rejected', 'expired', '', ${counts.rejected - 1}), ('${epoch}', 'rejected', 'revoked', 'd1', 1)`,
    );
  };

  it('attempts come to what became of them, and to those that wait', async () => {
    await store({ attempts: 12, accepted: 5, rejected: 5, waiting: 2 });
    await watch(10);
    assert.equal(state(12), 'holds');
  });

  it('more ends than attempts are a violation at once', async () => {
    await store({ attempts: 9, accepted: 5, rejected: 5 });
    await watch(1);
    assert.equal(state(12), 'violated');
  });

  it('attempts that come to no end settle, then are a violation; those of a process that is gone are lost with it', async () => {
    await store({ attempts: 13, accepted: 5, rejected: 5, waiting: 2 });
    await watch(2);
    assert.equal(state(12), 'settling');
    await watch(4);
    assert.equal(state(12), 'violated');
    await store({ attempts: 13, accepted: 5, rejected: 5, waiting: 2, ended: true });
    await watch(1);
    assert.equal(state(12), 'holds');
  });

  it('more attempts than the process itself has counted are a violation; another process’s count says nothing', async () => {
    await store({ attempts: 40, accepted: 20, rejected: 20 });
    counted = 20;
    await watch(1);
    assert.equal(state(12), 'violated');
    startedAt = clock + 60_000;
    await watch(1);
    assert.equal(state(12), 'holds');
  });
});

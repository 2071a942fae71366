/** How many sockets this process may have, and how many a simulation needs. */
import { readFileSync } from 'node:fs';
import type { Options } from './config.ts';
import { Problem } from './problem.ts';
import { scenarioOf } from './scenarios/index.ts';

/** Files a process has open beside its devices' sockets: threads, connections to identity, modules. */
const ownFiles = 150;

/** Open files that the kernel lets this process have; undefined where it does not tell. */
function openFileLimit(): number | undefined {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const soft = report.userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : undefined;
}

/** Ports the kernel takes for outgoing connections to one address; undefined where it does not tell (not Linux). */
function outgoingPorts(): number | undefined {
  try {
    const [first, last] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
      .trim()
      .split(/\s+/)
      .map(Number);
    return last! - first! + 1;
  } catch {
    // No /proc on this system.
    return undefined;
  }
}

/** Sockets of all devices at once, at the most. */
export function socketsOf({ allotted, unknown }: Pick<Options, 'allotted' | 'unknown'>): number {
  let known = 0;
  let silent = 0;
  for (const { scenario, devices } of allotted) {
    const { sockets, unknown: showsNothing } = scenarioOf(scenario);
    if (showsNothing === true) silent += sockets * devices;
    else known += sockets * devices;
  }
  return known + Math.min(silent, unknown);
}

/** Says what this process may have and needs. Throws a {@link Problem} where that is not enough. */
export function checkLimits(
  options: Pick<Options, 'allotted' | 'unknown' | 'devices' | 'join'>,
  files = openFileLimit(),
  ports = outgoingPorts(),
): string {
  const all = socketsOf(options);
  const mine = Math.ceil(all / options.join.processes);
  const possible = (sockets: number): number => Math.floor((sockets * options.devices) / all);
  if (files !== undefined && mine + ownFiles > files) {
    const devices = possible(Math.max(0, files - ownFiles) * options.join.processes);
    throw new Problem(
      `--devices: ${options.devices} of this mix need ${mine + ownFiles} open files in this process, which may have ${files}: enough for about ${devices} devices. ` +
        `Raise it (ulimit -n ${mine + ownFiles}), take fewer, or share the work (--join 1-of-2).`,
    );
  }
  if (ports !== undefined && all > ports)
    throw new Problem(
      `--devices: ${options.devices} of this mix need ${all} ports, and this machine has ${ports} for one gateway: enough for about ${possible(ports)} devices (net.ipv4.ip_local_port_range).`,
    );
  const room =
    files === undefined
      ? 'the limit of open files is not known here'
      : `of ${files} open files, enough for about ${possible(Math.min((files - ownFiles) * options.join.processes, ports ?? Number.POSITIVE_INFINITY))} devices of this mix`;
  return `${mine} sockets at most in this process, ${room}`;
}

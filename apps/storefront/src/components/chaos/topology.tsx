/** The drawing of the mesh. Boxes and lines can be chosen with any hands; figures change, places do not. */
import { useMemo } from 'preact/hooks';
import type { LiveLink, LiveNode } from '@ballast/contracts';
import { layoutMesh, linkKey } from '../../chaos/layout.ts';
import type { MeshLayout } from '../../chaos/layout.ts';
import { nextInList, nextNode } from '../../chaos/steps.ts';
import { faults, topology } from '../../state/chaos-live.ts';
import { choose, chosen } from '../../state/chaos-targets.ts';
import { useRoving } from './roving.ts';
import { LinkMark, TopologyLink } from './topology-link.tsx';
import { TopologyNode } from './topology-node.tsx';

export function Topology() {
  const { nodes, links } = topology.value;
  const layout = useStillLayout(nodes, links);
  const selected = chosen.value;
  const active = faults.value.filter(({ state }) => state === 'active');
  const nodeOf = new Map(nodes.map((node) => [node.name, node]));
  const linkOf = new Map(links.map((link) => [linkKey(link.from, link.to), link]));
  const linkKeys = layout.links.map(({ key }) => key);
  const nodeNames = layout.nodes.map(({ name }) => name);
  const rovingLinks = useRoving(linkKeys, (from, arrow) => nextInList(linkKeys, from, arrow));
  const rovingNodes = useRoving(nodeNames, (from, arrow) => nextNode(layout.nodes, from, arrow));
  return (
    <svg
      class="mesh"
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      width={layout.width}
      height={layout.height}
      data-testid="mesh"
    >
      <g role="group" aria-label="Links" {...rovingLinks.group}>
        {layout.links.map((path) => {
          const link = linkOf.get(path.key);
          if (link === undefined) return null;
          return (
            <TopologyLink
              key={path.key}
              path={path}
              link={link}
              isChosen={selected?.kind === 'link' && linkKey(selected.from, selected.to) === path.key}
              item={rovingLinks.item(path.key)}
              onChoose={() => choose({ kind: 'link', from: path.from, to: path.to })}
            />
          );
        })}
      </g>
      <g role="group" aria-label="Services and parts" {...rovingNodes.group}>
        {layout.nodes.map((box) => {
          const node = nodeOf.get(box.name);
          if (node === undefined) return null;
          return (
            <TopologyNode
              key={box.name}
              box={box}
              node={node}
              faults={active.filter((fault) => fault.nodes.includes(box.name)).length}
              isChosen={selected?.kind === 'node' && selected.name === box.name}
              item={rovingNodes.item(box.name)}
              onChoose={() => choose({ kind: 'node', name: box.name })}
            />
          );
        })}
      </g>
      <g class="mesh-marks" aria-hidden="true">
        {layout.links.map((path) => {
          const link = linkOf.get(path.key);
          return link === undefined ? null : <LinkMark key={path.key} path={path} link={link} />;
        })}
      </g>
    </svg>
  );
}

/** The layout depends on names alone: it is computed anew only when something joins or leaves. */
function useStillLayout(nodes: readonly LiveNode[], links: readonly LiveLink[]): MeshLayout {
  const shape = [
    ...nodes.map(({ name, service, kind }) => `${name} ${service} ${kind}`),
    ...links.map(({ from, to }) => linkKey(from, to)),
  ].join('\n');
  return useMemo(() => layoutMesh(nodes, links), [shape]);
}

import "@xyflow/react/dist/base.css";

import dagre from "@dagrejs/dagre";
import { useComputedColorScheme } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Handle, Position, ReactFlow, type Edge, type Node, type NodeProps } from "@xyflow/react";
import { useMemo } from "react";
import { formatCompact, formatRate, getLagTone, getWidth, leadsOn, type Place, type Way } from "../pipeline";

type PlaceNode = Node<{ place: Place; isChosen: boolean }, "place">;
interface TopologyPictureProps {
  picture: { places: Place[]; ways: Way[] };
  chosen?: string;
}

const WIDTH = 166;
const NODE_TYPES = { place: PlaceBox };

/** The pipeline from producers above to the history below; the width of a way is its rate. */
export default function TopologyPicture({ picture: { places, ways }, chosen }: TopologyPictureProps) {
  const scheme = useComputedColorScheme("light");
  const shape = [...places.map((place) => place.id), ...ways.map((way) => way.id)].join(); // rates change, positions do not
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  const positions = useMemo(() => layOut(places, ways), [shape]);
  const nodes = places.map((place): PlaceNode => ({
    id: place.id, type: "place", data: { place, isChosen: chosen === place.id }, position: positions.get(place.id)!, width: WIDTH, height: getHeight(place),
  }));
  return (
    <div className="picture" role="group" aria-label="picture of the pipeline">
      <ReactFlow
        nodes={nodes} edges={ways.filter((way) => way.rate || leadsOn(way)).map(buildEdge)} nodeTypes={NODE_TYPES} colorMode={scheme} fitView fitViewOptions={{ padding: 0.03, maxZoom: 1.1 }} minZoom={0.3} maxZoom={1.5}
        nodesDraggable={false} nodesConnectable={false} nodesFocusable={false} edgesFocusable={false} elementsSelectable={false}
        zoomOnScroll={false} zoomOnDoubleClick={false} preventScrolling={false} disableKeyboardA11y proOptions={{ hideAttribution: true }}
      />
    </div>
  );
}

const buildEdge = (way: Way): Edge => ({
  id: way.id, source: way.source, target: way.target, className: way.rate ? undefined : "idle",
  style: { strokeWidth: getWidth(way.rate), strokeDasharray: way.rate === null ? "3 3" : undefined },
});

/** Where each place is: the ways that lead on go down. */
export function layOut(places: readonly Place[], ways: readonly Way[]): Map<string, { x: number; y: number }> {
  const graph = new dagre.graphlib.Graph().setGraph({ rankdir: "TB", nodesep: 14, ranksep: 46 }).setDefaultEdgeLabel(() => ({}));
  for (const place of places) graph.setNode(place.id, { width: WIDTH, height: getHeight(place) });
  for (const way of ways) if (leadsOn(way)) graph.setEdge(way.source, way.target);
  dagre.layout(graph);
  return new Map(places.map((place) => {
    const { x, y } = graph.node(place.id) as { x: number; y: number };
    return [place.id, { x: x - WIDTH / 2, y: y - getHeight(place) / 2 }];
  }));
}

const getHeight = (place: Place) => (place.topics.length > 1 ? 86 : place.kind === "topic" || place.kind === "role" ? 62 + 16 * place.tables.length : 46);

function PlaceBox({ data: { place, isChosen } }: NodeProps<PlaceNode>) {
  const classes = ["place", place.kind, isChosen ? "chosen" : "", place.problem ? "troubled" : ""].filter(Boolean).join(" ");
  return (
    <div className={classes} title={place.problem || undefined}>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <Link to="/topology" search={(before: object) => ({ ...before, node: place.id })}>{place.problem ? "✕ " : ""}{place.label}</Link>
      <Rates place={place} />
      {place.topics.length > 1 ? <Thirds topics={place.topics} /> : place.waiting === null ? null : <Waiting place={place} />}
      {place.tables.map((table) => (
        <div key={table.id} className="number dim"><span>{table.label}</span><span>{typeof table.details?.row_count === "number" ? formatCompact(table.details.row_count) : ""}</span></div>
      ))}
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </div>
  );
}

function Rates({ place }: { place: Place }) {
  if (place.kind === "producers") return <div className="number"><span className="dim">out</span><span>{formatRate(place.rateOut)}</span></div>;
  if (place.kind === "store" || place.kind === "provider") return <div className="number"><span className="dim">in</span><span>{formatRate(place.rateIn)}</span></div>;
  return <div className="number"><span><span className="dim">in</span> {formatRate(place.rateIn)}</span><span><span className="dim">out</span> {formatRate(place.rateOut)}</span></div>;
}

function Waiting({ place }: { place: Place }) {
  return <div className="number"><span className="dim">{place.kind === "role" ? describeWorkers(place) : "waiting"}</span><span className={`tone-${getLagTone(place.seconds)}`}>{formatCompact(place.waiting ?? 0)}{place.kind === "role" ? " waiting" : ""}</span></div>;
}

const describeWorkers = ({ workers }: Place) => (workers.length === 1 ? "1 worker" : `${workers.length} workers`);

function Thirds({ topics }: { topics: Place["topics"] }) {
  return (
    <div className="thirds">
      {topics.map((topic) => (
        <span key={topic.id}><span className="dim">{topic.label.split(".").at(-1)}</span><span className={`tone-${getLagTone(topic.lag?.seconds ?? 0)}`}>{topic.lag ? formatCompact(topic.lag.messages) : "–"}</span></span>
      ))}
    </div>
  );
}

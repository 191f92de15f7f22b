import "../machine.css";

import { SegmentedControl } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap } from "herold-client";
import { lazy, Suspense, useMemo } from "react";
import { herold } from "../api";
import { AsOf } from "../parts/AsOf";
import { Page } from "../parts/Page";
import { SkeletonRows } from "../parts/Panels";
import { PlaceDetails } from "../parts/PlaceDetails";
import { QueryPanel } from "../parts/QueryPanel";
import { RecordTable, type Column } from "../parts/RecordTable";
import { SourceNotes } from "../parts/SourceNotes";
import { buildPicture, describeLag, findPlace, formatRate, getLagTone, type Topology, type TopologyNode } from "../pipeline";
import { usePolled } from "../usePolled";

const route = getRouteApi("/topology");
const TopologyPicture = lazy(() => import("../parts/TopologyPicture"));

/** The pipeline with what flows through it, as a picture or, for keyboards, screen readers and phones, as a list. */
export function TopologyPage() {
  const { view, node } = route.useSearch();
  const navigate = route.useNavigate();
  const isPhone = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });
  const topology = usePolled(["topology"], async (signal) => unwrap(await herold.GET("/v1/topology", { signal })));
  const isList = isPhone || view === "list";
  return (
    <Page
      title="Topology"
      actions={
        <>
          <AsOf at={topology.data?.read_at} />
          {isPhone ? null : (
            <SegmentedControl
              size="xs" aria-label="view" data={[{ value: "picture", label: "Picture" }, { value: "list", label: "List" }]} value={isList ? "list" : "picture"}
              onChange={(value) => void navigate({ search: (before) => ({ ...before, view: value === "list" ? "list" : undefined }), replace: true })}
            />
          )}
        </>
      }
    >
      <QueryPanel query={topology} outline={<Outline isList={isList} />}>
        {(data) => <Pipeline topology={data} isList={isList} node={node} onClose={() => void navigate({ search: (before) => ({ ...before, node: undefined }) })} />}
      </QueryPanel>
    </Page>
  );
}

const Outline = ({ isList }: { isList: boolean }) => (isList ? <SkeletonRows count={20} /> : <div className="picture" aria-busy="true" />);

interface PipelineProps {
  topology: Topology;
  isList: boolean;
  node?: string;
  onClose: () => void;
}

function Pipeline({ topology, isList, node, onClose }: PipelineProps) {
  const picture = useMemo(() => buildPicture(topology), [topology]);
  const chosen = findPlace(picture.places, node);
  return (
    <>
      <SourceNotes sources={topology.sources} />
      {isList ? <List nodes={topology.nodes} /> : (
        <Suspense fallback={<Outline isList={false} />}>
          <TopologyPicture picture={picture} chosen={chosen?.id} />
        </Suspense>
      )}
      <PlaceDetails place={chosen} ways={picture.ways} onClose={onClose} />
    </>
  );
}

function List({ nodes }: { nodes: TopologyNode[] }) {
  return <RecordTable label="the pipeline" rows={nodes.filter((node) => node.kind !== "table")} columns={COLUMNS} getKey={(node) => node.id} getLink={toDetails} />;
}

const toDetails = (node: TopologyNode) => linkOptions({ to: "/topology", search: (before: object) => ({ ...before, node: node.kind === "topic" ? node.id : node.group }) });

const COLUMNS: Column<TopologyNode>[] = [
  { title: "Name", width: "13.5rem", render: (node) => node.label },
  { title: "Waiting", width: "12.5rem", render: (node) => (node.lag ? <span className={`number tone-${getLagTone(node.lag.seconds)}`}>{describeLag(node.lag)}</span> : null) },
  { title: "In", width: "6rem", isNumber: true, render: (node) => formatRate(node.rate_in) },
  { title: "Out", width: "6rem", isNumber: true, render: (node) => formatRate(node.rate_out) },
  { title: "Kind", width: "6.5rem", render: (node) => node.kind },
  { title: "Workers", render: (node) => (node.problem ? <span className="tone-bad" title={node.problem}>✕ {node.problem}</span> : node.workers?.join(", ")) },
];

import "../machine.css";

import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { AsOf } from "../parts/AsOf";
import { AttentionList } from "../parts/AttentionList";
import { LatencyTile, RateTile, SuccessTile } from "../parts/CountTiles";
import { BreakersTile, DeadLettersTile, HeldTile, QueueTile, RolesTile } from "../parts/OverviewTiles";
import { Page } from "../parts/Page";
import { QueryPanel } from "../parts/QueryPanel";
import { SourceNotes } from "../parts/SourceNotes";
import { TourPanel } from "../parts/Tour";
import { useTour } from "../parts/useTour";
import { useCan } from "../session";
import { usePolled } from "../usePolled";

/** Whether the installation is well, and what needs somebody. Each tile leads to what is behind its number, and fails alone. */
export function OverviewPage() {
  const overview = usePolled(["overview"], async (signal) => unwrap(await herold.GET("/v1/overview", { signal })));
  const tour = useTour();
  if (tour.isPending) return <Page title="Overview"><Outline /></Page>; // the tour pushes nothing down later
  return (
    <Page title="Overview" actions={<AsOf at={overview.data?.read_at} />}>
      {tour.isOpen ? <TourPanel steps={tour.steps} /> : null}
      <QueryPanel query={overview} outline={<Outline />}>
        {(data) => <Well overview={data} />}
      </QueryPanel>
    </Page>
  );
}

function Well({ overview }: { overview: Schemas["OverviewResponse"] }) {
  const canRead = useCan("notifications:read");
  return (
    <>
      <SourceNotes sources={overview.sources} />
      <AttentionList items={overview.attention} />
      <div className="tiles">
        {canRead ? <><RateTile /><SuccessTile /><LatencyTile /></> : null}
        <QueueTile queues={overview.queues} />
        <RolesTile roles={overview.roles} />
        <HeldTile held={overview.held} />
        <BreakersTile breakers={overview.breakers} />
        <DeadLettersTile counts={overview.dead_letters} />
      </div>
    </>
  );
}

const Outline = () => (
  <div aria-busy="true" aria-label="loading">
    <div className="attention"><div className="well" /></div>
    <div className="tiles">{Array.from({ length: 8 }, (_, number) => <div key={number} className="tile" />)}</div>
  </div>
);

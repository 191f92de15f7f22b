import { Button, Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { formatCode, formatCount } from "../format";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel, FailurePanel, SkeletonRows } from "../parts/Panels";
import { RedriveForm } from "../parts/RedriveForm";
import { RedriveRuns } from "../parts/RedriveRuns";
import { TimeText } from "../parts/TimeText";
import type { DeadLetterSearch } from "../searches";
import { usePerson } from "../session";
import { CHANNELS, STAGES } from "../statuses";

type Cause = Schemas["CauseGroup"];

const route = getRouteApi("/dead-letters");
const FIELDS: FilterField[] = [
  { name: "stage", label: "Stage", values: STAGES },
  { name: "channel", label: "Channel", values: CHANNELS },
  { name: "reason", label: "Reason" },
  { name: "type", label: "Type" },
  { name: "user_id", label: "User" },
];

/** What could not be processed, by cause; each cause can be sent again after a look at what would happen. */
export function DeadLettersPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [chosen, setChosen] = useState<Cause>();
  const causes = useQuery({
    queryKey: ["causes", search],
    queryFn: async ({ signal }) =>
      unwrap(await herold.GET("/v1/dead-letters/causes", { params: { query: { ...search, state: "open" } }, signal })),
  });
  const { permissions } = usePerson();
  const close = () => setChosen(undefined);
  return (
    <Page title="Dead letters" actions={<Button size="xs" variant="default" onClick={() => void causes.refetch()}>Refresh</Button>}>
      <Filters fields={FIELDS} values={{ ...search }} onChange={(values) => void navigate({ search: values as DeadLetterSearch, replace: true })} />
      {permissions.includes("redrives:read") ? <RedriveRuns /> : null}
      {causes.error ? <FailurePanel error={causes.error} onRetry={() => void causes.refetch()} /> : null}
      {causes.isPending ? <SkeletonRows count={6} /> : null}
      {causes.data && !causes.data.items.length ? <NoCauses isFiltered={Object.values(search).some(Boolean)} /> : null}
      {causes.data?.items.length ? (
        <Causes causes={causes.data.items} onRedrive={permissions.includes("redrives:write") ? setChosen : undefined} />
      ) : null}
      <Modal opened={!!chosen} onClose={close} title="Redrive" size="lg">{chosen ? <RedriveForm filter={{ ...search, cause: chosen.cause }} onDone={close} /> : null}</Modal>
    </Page>
  );
}

function Causes({ causes, onRedrive }: { causes: Cause[]; onRedrive?: (cause: Cause) => void }) {
  return (
    <div className="list" tabIndex={0} role="region" aria-label="causes">
      <table>
        <thead>
          <tr>
            <th style={{ width: "5rem" }}>Open</th><th>Cause</th><th style={{ width: "12rem" }}>Where</th><th style={{ width: "9.5rem" }}>Last seen</th>
            <th style={{ width: "8rem" }}>Example</th>{onRedrive ? <th style={{ width: "8rem" }}>Action</th> : null}
          </tr>
        </thead>
        <tbody>{causes.map((cause) => <CauseRow key={cause.cause} cause={cause} onRedrive={onRedrive} />)}</tbody>
      </table>
    </div>
  );
}

function CauseRow({ cause, onRedrive }: { cause: Cause; onRedrive?: (cause: Cause) => void }) {
  const { example } = cause;
  return (
    <tr>
      <td><span className="cell number">{formatCount(cause.open_count)}</span></td>
      <td><span className="cell" title={example.error}><b>{formatCode(example.reason)}</b> <span className="dim">{example.error}</span></span></td>
      <td><span className="cell">{[example.stage, example.channel, example.type].filter(Boolean).join(" · ")}</span></td>
      <td><span className="cell"><TimeText at={cause.last_seen_at} isRelative /></span></td>
      <td>{example.notification_id ? <Link className="link" to="/notifications/$id" params={{ id: example.notification_id }}>open it</Link> : null}</td>
      {onRedrive ? <td><span className="cell"><Button size="compact-xs" variant="light" onClick={() => onRedrive(cause)}>Redrive</Button></span></td> : null}
    </tr>
  );
}

function NoCauses({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered
    ? <EmptyPanel title="No open dead letter matches">Clear a filter. A reason, type or user has to be written as a whole.</EmptyPanel>
    : <EmptyPanel title="No open dead letters">What can neither be processed nor tried again comes here, and waits until somebody sends it again or discards it.</EmptyPanel>;
}

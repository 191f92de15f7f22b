import "../sending.css";

import { Alert, Button, Group } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { describeFault, describeEnd } from "../faults";
import { formatClock, formatCount } from "../format";
import { ActionButton } from "../parts/Actions";
import { FaultSwitches, useFaults } from "../parts/FaultSwitches";
import { Page } from "../parts/Page";
import { EmptyPanel, SkeletonRows } from "../parts/Panels";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { SimulatorInbox } from "../parts/SimulatorInbox";
import { StatusBadge } from "../parts/StatusBadge";
import { TabBar } from "../parts/TabBar";
import { useCan, usePerson } from "../session";

const route = getRouteApi("/simulators");
const TABS = [{ name: "inbox", label: "Inbox" }, { name: "faults", label: "Faults" }, { name: "requests", label: "Request log" }] as const;

/** What the simulated providers of a local stack got, and the faults that they play. */
export function SimulatorsPage() {
  if (!usePerson().features.includes("simulators")) {
    return <Page title="Simulators"><EmptyPanel title="This installation has no simulators">They are part of the local stack, which <code>make run</code> starts: there, nothing is sent to real people.</EmptyPanel></Page>;
  }
  return <Page title="Simulators"><Simulators /></Page>;
}

function Simulators() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const tab = search.tab ?? "inbox";
  if (useFaults().isPending) return <SkeletonRows />; // a fault that is on pushes nothing down later
  return (
    <>
      <ActiveFaults isShort={tab === "faults"} />
      <TabBar label="simulators" tabs={TABS} value={tab} onChange={(name) => void navigate({ search: { tab: name } })}>
        {tab === "inbox" ? <SimulatorInbox search={search} onChange={(values) => void navigate({ search: values, replace: true })} /> : null}
        {tab === "faults" ? <FaultSwitches /> : null}
        {tab === "requests" ? <Requests /> : null}
      </TabBar>
    </>
  );
}

function ActiveFaults({ isShort }: { isShort: boolean }) {
  const faults = useFaults();
  const canWrite = useCan("simulators:write");
  if (!faults.data?.length) return null;
  return (
    <Alert role="note" color="yellow" variant="light" mb="sm" title={`${formatCount(faults.data.length)} ${faults.data.length === 1 ? "fault is" : "faults are"} on`}>
      <Group justify="space-between" align="flex-start">
        {isShort ? <span /> : (
          <ul className="plain">
            {faults.data.map((each) => <li key={each.id} className="number">{each.fault.provider}: {describeFault(each.fault)}; {describeEnd(each.ends_in)}</li>)}
          </ul>
        )}
        {canWrite ? (
          <ActionButton label="Clear all" done="All providers work again" keys={[["simulator faults"]]} run={async () => unwrap(await herold.DELETE("/v1/simulators/faults", {}))} />
        ) : null}
      </Group>
    </Alert>
  );
}

type Entry = Schemas["SimulatedRequest"];

const COLUMNS: Column<Entry>[] = [
  { title: "Number", width: "6rem", isNumber: true, render: (row) => formatCount(row.seq) },
  { title: "Time", width: "7rem", render: (row) => <span className="number">{formatClock(row.at)}</span> },
  { title: "Provider", width: "7rem", render: (row) => row.provider },
  { title: "Answer", width: "11rem", render: (row) => <Answer entry={row} /> },
  { title: "Address", render: (row) => <span title={row.address}>{row.address}</span> },
  { title: "Delivery", render: (row) => <span className="mono" title={row.delivery_id}>{row.delivery_id}</span> },
];

function Answer({ entry: { status, fault } }: { entry: Entry }) {
  const isAccepted = status >= 200 && status < 300;
  return <StatusBadge status={status ? String(status) : "not processed"} tone={isAccepted ? "good" : "bad"} reason={fault} />;
}

function Requests() {
  const list = usePagedList(["simulator requests"], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/simulators/requests", { params: { query: { cursor } }, signal })),
  );
  return (
    <>
      <Group mb="sm"><Button size="xs" variant="default" loading={list.isRefetching} onClick={() => void list.refetch()}>Refresh</Button></Group>
      <RecordList list={list} empty={<EmptyPanel title="The simulators got no request yet">Each call to a provider is a line here, also one that was refused or got no answer.</EmptyPanel>}>
        {(rows) => <RecordTable label="requests" rows={rows} columns={COLUMNS} getKey={(row) => String(row.seq)} />}
      </RecordList>
    </>
  );
}

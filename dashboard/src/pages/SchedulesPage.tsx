import "../sending.css";

import { Button } from "@mantine/core";
import { getRouteApi, Link, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { formatCount } from "../format";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { ScheduleState } from "../parts/ScheduleState";
import { TimeText } from "../parts/TimeText";
import type { ScheduleSearch } from "../searches";
import { useCan } from "../session";

type Schedule = Schemas["Schedule"];

const route = getRouteApi("/schedules");
const FIELDS: FilterField[] = [{ name: "search", label: "Part of a name" }, { name: "state", label: "State", values: ["active", "paused", "ended"] }];
const COLUMNS: Column<Schedule>[] = [
  { title: "Name", render: (row) => row.name },
  { title: "Times", width: "15rem", render: (row) => <><span className="mono">{row.cron}</span> <span className="dim">{row.time_zone}</span></> },
  { title: "Type", render: (row) => row.notification.type },
  { title: "To", render: (row) => row.audience || `${formatCount(row.user_count)} users by name` },
  { title: "State", width: "8rem", render: (row) => <ScheduleState state={row.state} /> },
  { title: "Next run", width: "13rem", render: (row) => (row.next_run_at ? <TimeText at={row.next_run_at} /> : "") },
];

/** Broadcasts at the times of a clock. */
export function SchedulesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("schedules:write");
  const list = usePagedList(["schedules", search], async (cursor, signal) => unwrap(await herold.GET("/v1/schedules", { params: { query: { ...search, cursor } }, signal })));
  return (
    <Page title="Schedules" actions={canWrite ? <Button size="xs" component={Link} to="/schedules/new">New schedule</Button> : null}>
      <Filters fields={FIELDS} values={{ ...search }} onChange={(values) => void navigate({ search: values as ScheduleSearch, replace: true })} />
      <RecordList list={list} isFiltered={Object.keys(search).length > 0} noMatch={<EmptyPanel title="No schedule matches">Clear a filter.</EmptyPanel>} empty={EMPTY}>
        {(rows) => <RecordTable label="schedules" rows={rows} columns={COLUMNS} getKey={(row) => row.name} getLink={(row) => linkOptions({ to: "/schedules/$name", params: { name: row.name } })} />}
      </RecordList>
    </Page>
  );
}

const EMPTY = <EmptyPanel title="No schedules yet">A schedule starts a broadcast at the times of a cron expression, in a time zone.</EmptyPanel>;

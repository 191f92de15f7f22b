import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState, type ReactNode } from "react";
import { herold } from "../api";
import { formatCode } from "../format";
import type { SuppressionSearch } from "../searches";
import { useCan } from "../session";
import { ActionDialog } from "./ActionDialog";
import { RecordList, usePagedList } from "./RecordList";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";

type Suppression = Schemas["Suppression"];
interface SuppressionsProps {
  filter: SuppressionSearch;
  masked: boolean;
  empty: ReactNode;
  noMatch?: ReactNode;
  isFiltered?: boolean;
  /** Those of one user: the user is named by the page. */
  isOfUser?: boolean;
}

const COLUMNS: Column<Suppression>[] = [
  { title: "Channel", width: "6rem", render: (row) => row.channel },
  { title: "Address", render: (row) => row.address || <span className="dim">every one</span> },
  { title: "Category", width: "7rem", render: (row) => row.category || <span className="dim">all</span> },
  { title: "Reason", width: "7.5rem", render: (row) => formatCode(row.reason) },
  { title: "Since", width: "9.5rem", render: (row) => <TimeText at={row.created_at} isRelative /> },
  { title: "By", width: "7rem", render: (row) => row.created_by },
];
const USER: Column<Suppression> = {
  title: "User", isAction: true, render: (row) => (row.user_id ? <Link className="link" to="/users/$id" params={{ id: row.user_id }}>{row.user_id}</Link> : <span className="dim">any</span>),
};
const UNDONE: Column<Suppression> = {
  title: "Undone", width: "9.5rem", render: (row) => (row.undone_at ? <span title={`by ${row.undone_by}`}><TimeText at={row.undone_at} isRelative /></span> : "in force"),
};

/** What nothing is sent to, the newest first, each with a way to undo it for who may. */
export function Suppressions({ filter, masked, isOfUser = false, ...states }: SuppressionsProps) {
  const canWrite = useCan("suppressions:write");
  const [chosen, setChosen] = useState<Suppression>();
  const { undone, ...query } = filter;
  const list = usePagedList(["suppressions", filter, masked], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/suppressions", { params: { query: { ...query, undone: !!undone, masked, cursor } }, signal })));
  const action: Column<Suppression> = {
    title: "Action", width: "6rem", isAction: true,
    render: (row) => (row.undone_at ? null : <Button size="compact-xs" variant="light" onClick={() => setChosen(row)}>Undo</Button>),
  };
  const columns = [...COLUMNS.slice(0, 2), ...(isOfUser ? [] : [USER]), ...COLUMNS.slice(2), ...(undone ? [UNDONE] : []), ...(canWrite ? [action] : [])];
  return (
    <>
      <RecordList list={list} {...states}>
        {(rows) => <RecordTable label="suppressions" rows={rows} columns={columns} getKey={(row) => row.id} />}
      </RecordList>
      {chosen ? <UndoDialog suppression={chosen} onClose={() => setChosen(undefined)} /> : null}
    </>
  );
}

function UndoDialog({ suppression, onClose }: { suppression: Suppression; onClose: () => void }) {
  const { id, channel, address, user_id, category, reason } = suppression;
  const whom = [address, user_id ? `user ${user_id}` : ""].filter(Boolean).join(" of ");
  return (
    <ActionDialog
      title="Undo the suppression" confirm="Undo it" asksReason onClose={onClose} done="It is undone" refresh={[["suppressions"], ["consent events"]]}
      act={async (why) => unwrap(await herold.DELETE("/v1/suppressions/{suppression_id}", { params: { path: { suppression_id: id }, query: { reason: why } } }))}
    >
      {formatCode(channel)} messages{category ? ` of the category ${category}` : ""} go to {whom} again, unless preferences or another suppression say no. It was suppressed for: {formatCode(reason)}.
      {reason === "hard_bounce" ? " After a hard bounce the address will most likely bounce again, which harms the sender." : ""} It stays in the list with who undid it.
    </ActionDialog>
  );
}

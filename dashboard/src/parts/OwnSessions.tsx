import { Button, Group, Text } from "@mantine/core";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { useAction } from "../actions";
import { herold } from "../api";
import { logOut } from "../session";
import { ActionDialog } from "./ActionDialog";
import { EmptyPanel } from "./Panels";
import { RecordList, usePagedList } from "./RecordList";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";

type Session = Schemas["SessionResponse"];

const COLUMNS: Column<Session>[] = [
  { title: "Client", render: (session) => <span title={session.client}>{session.is_current ? <b>this browser</b> : session.client}</span> },
  { title: "By", width: "7rem", render: (session) => session.method },
  { title: "Began", width: "14rem", render: (session) => <TimeText at={session.created_at} /> },
  { title: "Last used", width: "9.5rem", render: (session) => <TimeText at={session.last_used_at} isRelative /> },
  { title: "Ends", width: "14rem", render: (session) => <TimeText at={session.expires_at} /> },
];

/** Where one is logged in, with a way to end each of the others, or all. */
export function OwnSessions() {
  const [isEnding, setEnding] = useState(false);
  const list = usePagedList(["sessions"], async (cursor, signal) => unwrap(await herold.GET("/v1/auth/sessions", { params: { query: { cursor } }, signal })));
  const end = useAction(async (id: string) => unwrap(await herold.DELETE("/v1/auth/sessions/{session_id}", { params: { path: { session_id: id } } })), { done: "The session has ended", refresh: [["sessions"]] });
  const action: Column<Session> = {
    title: "Action", width: "6rem", isAction: true,
    render: (session) => (session.is_current ? null : <Button size="compact-xs" variant="light" disabled={end.isPending} onClick={() => end.mutate(session.id)}>End</Button>),
  };
  return (
    <>
      <Group justify="space-between">
        <Text size="sm" className="dim">What is ended ends within 30 seconds.</Text>
        <Button size="xs" variant="light" color="red" onClick={() => setEnding(true)}>Log out everywhere</Button>
      </Group>
      <div>
        <RecordList list={list} empty={<EmptyPanel title="No sessions" />}>
          {(rows) => <RecordTable label="sessions" rows={rows} columns={[...COLUMNS, action]} getKey={(session) => session.id} />}
        </RecordList>
      </div>
      {isEnding ? (
        <ActionDialog title="Log out everywhere" confirm="Log out" color="red" onClose={() => setEnding(false)} act={endAll}>
          All sessions of your account end, this one, too. You can log in again at once.
        </ActionDialog>
      ) : null}
    </>
  );
}

async function endAll(): Promise<void> {
  unwrap(await herold.POST("/v1/auth/logout-everywhere", { body: {} }));
  await logOut();
}

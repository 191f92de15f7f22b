import "../sending.css";

import { Button, Paper, Stack, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { matchVersion } from "../actions";
import { herold, queryClient } from "../api";
import { describeFilter } from "../audienceFilters";
import { DialogButton } from "../parts/Actions";
import { AudienceForm } from "../parts/AudienceForm";
import { ImportMembers, RemoveMember } from "../parts/AudienceMembers";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { QueryPanel } from "../parts/QueryPanel";
import { RecipientsPanel } from "../parts/RecipientsPanel";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { TabBar } from "../parts/TabBar";
import { useUserLink } from "../parts/UserLink";
import { useCan } from "../session";

type Audience = Schemas["Audience"];

const route = getRouteApi("/audiences/$name");
const TABS = [{ name: "users", label: "Users" }, { name: "edit", label: "Edit" }] as const;

/** One audience: who is in it now, and what it is. */
export function AudiencePage() {
  const { name } = route.useParams();
  const { tab } = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("audiences:write");
  const canSend = useCan("broadcasts:send");
  const audience = useQuery({
    queryKey: ["audience", name],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/audiences/{name}", { params: { path: { name } }, signal })),
  });
  return (
    <Page title={name} actions={audience.data ? (
      <>
        {canSend ? <Button size="xs" onClick={() => void navigate({ to: "/broadcasts/new", search: { audience: name } })}>Send to it</Button> : null}
        {canWrite ? <DeleteAudience audience={audience.data} /> : null}
      </>
    ) : null}>
      <QueryPanel query={audience}>
        {(data) => canWrite ? (
          <TabBar label="audience" tabs={TABS} value={tab ?? "users"} onChange={(value) => void navigate({ search: { tab: value } })}>
            {tab === "edit" ? (
              <AudienceForm audience={data} onSaved={(saved) => {
                queryClient.setQueryData(["audience", name], saved);
                notifications.show({ message: "It is saved" });
                void navigate({ search: {} });
              }} />
            ) : <Users audience={data} canWrite />}
          </TabBar>
        ) : <Users audience={data} canWrite={false} />}
      </QueryPanel>
    </Page>
  );
}

function DeleteAudience({ audience }: { audience: Audience }) {
  const navigate = route.useNavigate();
  return (
    <DialogButton label="Delete" color="red" variant="light" title={`Delete ${audience.name}?`} keys={[["audiences"]]} outdated={[["audience", audience.name]]} done="It is deleted" onDone={() => void navigate({ to: "/audiences" })}
      run={async () => unwrap(await herold.DELETE("/v1/audiences/{name}", { params: { path: { name: audience.name }, header: matchVersion(audience.version) } }))}>
      The audience and its members are deleted, not its users. It is refused while a schedule, or a broadcast that has not ended, uses it.
    </DialogButton>
  );
}

function Users({ audience, canWrite }: { audience: Audience; canWrite: boolean }) {
  const { name } = audience, isList = audience.kind === "list";
  const toUser = useUserLink();
  const preview = useQuery({
    queryKey: ["audience preview", name],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/audiences/{name}/preview", { params: { path: { name } }, signal })),
  });
  const members = usePagedList(["audience members", name], async (cursor, signal) => unwrap(await herold.GET("/v1/audiences/{name}/members", { params: { path: { name }, query: { cursor } }, signal })));
  const columns: Column<string>[] = [
    { title: "User", render: (id) => id },
    ...(isList && canWrite ? [{ title: "Action", width: "7rem", isAction: true, render: (id: string) => <RemoveMember audience={name} userId={id} /> }] : []),
  ];
  return (
    <div className="columns">
      <div>
        <RecordList list={members} empty={isList ? <EmptyPanel title="It has no members yet">Add users by their ids, or import a list of them.</EmptyPanel> : <EmptyPanel title="No user matches">The filter is asked anew for each broadcast.</EmptyPanel>}>
          {(rows) => <RecordTable label="users" rows={rows} columns={columns} getKey={(id) => id} getLink={toUser} />}
        </RecordList>
      </div>
      <Stack gap="md">
        <Paper withBorder p="md" component="section" aria-label="how many">
          <Title order={2} mb="xs">{isList ? "Members" : "Who matches now"}</Title>
          {audience.filter ? <Text size="sm" mb="xs">{describeFilter(audience.filter)}</Text> : null}
          <RecipientsPanel preview={preview} />
        </Paper>
        {isList && canWrite ? <ImportMembers audience={name} /> : null}
      </Stack>
    </div>
  );
}

import { Button } from "@mantine/core";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { NoMatch, RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { TimeText } from "../parts/TimeText";
import { useMasks } from "../parts/useMasks";
import { UserCreation } from "../parts/UserCreation";
import type { UsersSearch } from "../searches";
import { useCan } from "../session";
import { describeAddresses } from "../users";

type User = Schemas["User"];

const route = getRouteApi("/users");
const FIELDS: FilterField[] = [{ name: "search", label: "Id or address" }];
const COLUMNS: Column<User>[] = [
  { title: "Id", render: (user) => user.id },
  { title: "Addresses", render: (user) => describeAddresses(user.addresses) },
  { title: "Locale", width: "6rem", render: (user) => user.locale },
  { title: "Time zone", width: "10rem", render: (user) => user.time_zone },
  { title: "Tier", width: "7rem", render: (user) => user.tier },
  { title: "Changed", width: "9.5rem", render: (user) => <TimeText at={user.updated_at} isRelative /> },
];

/** The users in the order of their ids; found by the beginning of an id, or by a whole address, number or token. */
export function UsersPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("users:write");
  const [isNew, setNew] = useState(false);
  const [masked, masks] = useMasks("addresses");
  const list = usePagedList(["users", search, masked], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/users", { params: { query: { ...search, masked, cursor } }, signal })));
  return (
    <Page title="Users" actions={<>{masks}{canWrite ? <Button size="xs" onClick={() => setNew(true)}>New user</Button> : null}</>}>
      <Filters fields={FIELDS} values={{ ...search }} onChange={(values) => void navigate({ search: values as UsersSearch, replace: true })} />
      <RecordList list={list} isFiltered={!!search.search} noMatch={<NoMatch what="user" wholes="An id may be its beginning; an address, number or token" />} empty={<NoUsers />}>
        {(rows) => <RecordTable label="users" rows={rows} columns={COLUMNS} getKey={(user) => user.id} getLink={(user) => linkOptions({ to: "/users/$id", params: { id: user.id } })} />}
      </RecordList>
      {isNew ? <UserCreation onClose={() => setNew(false)} /> : null}
    </Page>
  );
}

function NoUsers() {
  return <EmptyPanel title="No users yet">Create one here, by <code>herold users import</code> or <code>PUT /v1/users/&#123;id&#125;</code>. A notification with an address of its own needs none.</EmptyPanel>;
}

import { Button } from "@mantine/core";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { ROLES } from "../accounts";
import { herold } from "../api";
import { AccountCreation } from "../parts/AccountCreation";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { TimeText } from "../parts/TimeText";
import type { AccountSearch } from "../searches";
import { useCan } from "../session";

type Account = Schemas["Account"];

const route = getRouteApi("/accounts");
const FIELDS: FilterField[] = [
  { name: "search", label: "Name or e-mail" },
  { name: "role", label: "Role", values: ROLES },
  { name: "state", label: "State", values: ["active", "disabled"] },
];
const COLUMNS: Column<Account>[] = [
  { title: "E-mail", render: (account) => account.email },
  { title: "Name", render: (account) => account.name },
  { title: "Role", width: "7rem", render: (account) => account.role },
  { title: "State", width: "7rem", render: (account) => account.state },
  { title: "Second factor", width: "9rem", render: describeFactors },
  { title: "Projects", render: (account) => account.projects.join(", ") || <span className="dim">default</span> },
  { title: "Last login", width: "9.5rem", render: (account) => (account.last_login_at ? <TimeText at={account.last_login_at} isRelative /> : <span className="dim">never</span>) },
];

/** The people who may log in. */
export function AccountsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("accounts:write");
  const [isNew, setNew] = useState(false);
  const list = usePagedList(["accounts", search], async (cursor, signal) => unwrap(await herold.GET("/v1/accounts", { params: { query: { ...search, cursor } }, signal })));
  return (
    <Page title="Accounts" actions={canWrite ? <Button size="xs" onClick={() => setNew(true)}>Invite somebody</Button> : null}>
      <Filters fields={FIELDS} values={{ ...search }} onChange={(values) => void navigate({ search: values as AccountSearch, replace: true })} />
      <RecordList list={list} isFiltered={Object.keys(search).length > 0} noMatch={<EmptyPanel title="No account matches">Clear a filter. A search is a part of a name or an e-mail address.</EmptyPanel>} empty={<EmptyPanel title="No accounts">Make the first one by the link that the gateway prints.</EmptyPanel>}>
        {(rows) => <RecordTable label="accounts" rows={rows} columns={COLUMNS} getKey={(row) => row.id} getLink={(row) => linkOptions({ to: "/accounts/$id", params: { id: row.id } })} />}
      </RecordList>
      {isNew ? <AccountCreation onClose={() => setNew(false)} /> : null}
    </Page>
  );
}

export function describeFactors({ has_totp, passkeys }: Account): string {
  return [has_totp && "app", passkeys && (passkeys === 1 ? "passkey" : `${passkeys} passkeys`)].filter(Boolean).join(", ") || "none";
}

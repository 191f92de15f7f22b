import { Button, Group, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { unwrap } from "herold-client";
import { Fragment, useEffect, useState, type FormEvent, type ReactNode } from "react";
import { describeFailure, herold } from "../api";
import { TABLES, type TableSearch } from "../searches";
import { useCan } from "../session";
import { EmptyPanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { UserField } from "./UserField";
import { UserState } from "./UserState";

interface TableLookupProps {
  search: TableSearch;
  onChange: (search: TableSearch) => void;
}

/** What the tables have of a user, or the row of one key. What is looked up is in the URL. */
export function TableLookup({ search, onChange }: TableLookupProps) {
  const [wanted, setWanted] = useState(search);
  useEffect(() => setWanted(search), [search]);
  const canReadRows = useCan("tables:read");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onChange({ ...search, ...wanted, user_id: wanted.user_id?.trim(), key: wanted.key?.trim() });
  };
  return (
    <section className="lookup" aria-labelledby="lookup-title">
      <h2 id="lookup-title">What they have of a user</h2>
      <form onSubmit={submit}>
        <Group align="flex-end" gap="sm">
          <UserField value={wanted.user_id ?? ""} onChange={(user_id) => setWanted({ ...wanted, user_id })} w={220} data-filter />
          {canReadRows ? (
            <>
              <Select label="Table" w={160} clearable placeholder="All" data={[...TABLES]} value={wanted.table ?? null} onChange={(table) => setWanted({ ...wanted, table: (table ?? undefined) as TableSearch["table"] })} />
              {wanted.table ? <TextInput label="Key" w={280} placeholder={KEYS[wanted.table]} value={wanted.key ?? ""} onChange={(event) => setWanted({ ...wanted, key: event.currentTarget.value })} /> : null}
            </>
          ) : null}
          <Button type="submit" variant="default" disabled={!wanted.user_id?.trim()}>Look up</Button>
        </Group>
      </form>
      {search.user_id ? <Found user={search.user_id} search={search} /> : null}
    </section>
  );
}

const KEYS: Record<(typeof TABLES)[number], string> = {
  idempotency: "idempotency key or notification id",
  rate_windows: "category",
  digests: "id of the digest",
  due: "id of the notification or delivery",
  attempts: "id of the delivery",
};

function Found({ user, search: { table, key, of } }: { user: string; search: TableSearch }) {
  if (table && key) return <Row user={user} table={table} name={key} role={of} />;
  if (table === "attempts") return <EmptyPanel title="Attempts are found by the id of a delivery">Enter it as the key.</EmptyPanel>;
  return <UserState id={user} />;
}

function Row({ user, table, name, role }: { user: string; table: string; name: string; role?: string }) {
  const row = useQuery({
    queryKey: ["table row", table, name, user, role],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/tables/{table}/keys/{key}", { params: { path: { table, key: name }, query: { user_id: user, role } }, signal })),
  });
  if (row.error && describeFailure(row.error).kind === "missing") {
    return <EmptyPanel title="No such row">{describeFailure(row.error).detail}. Rows go when their time is over.</EmptyPanel>;
  }
  return (
    <QueryPanel query={row}>
      {(data) => (
        <dl className="facts">
          {[["table", `${data.table} of the role ${data.role}`], ["partition", `${data.partition}, at ${data.worker}`], ...Object.entries(data.row)].map(([field, value]) => (
            <Fragment key={String(field)}><dt>{String(field).replaceAll("_", " ")}</dt><dd className="number">{write(value)}</dd></Fragment>
          ))}
        </dl>
      )}
    </QueryPanel>
  );
}

const write = (value: unknown): ReactNode => (typeof value === "object" && value !== null ? <span className="mono">{JSON.stringify(value)}</span> : String(value ?? ""));

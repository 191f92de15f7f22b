import { Button, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { iterate, unwrap, type Schemas } from "herold-client";
import { useMemo } from "react";
import { herold } from "../api";
import { Filters, type FilterField } from "../parts/Filters";
import { NameForm } from "../parts/NameForm";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { RateLimits } from "../parts/RateLimits";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { TabBar } from "../parts/TabBar";
import { describeChannels, describeLimits, type RateLimit } from "../rules";
import { useCan } from "../session";

type Row = Schemas["RuleResponse"];

const route = getRouteApi("/rules");
const FIELDS: FilterField[] = [{ name: "search", label: "Type, category" }];

/** The rules by type, and the rate limits. */
export function RulesPage() {
  const { tab = "rules" } = route.useSearch();
  const navigate = route.useNavigate();
  const [canWrite, canSeeLimits] = [useCan("rules:write"), useCan("rate-limits:read")];
  const [isOpen, dialog] = useDisclosure();
  const tabs = [{ name: "rules" as const, label: "Rules" }, ...(canSeeLimits ? [{ name: "limits" as const, label: "Rate limits" }] : [])];
  return (
    <Page title="Rules" actions={canWrite && tab === "rules" ? <Button size="xs" onClick={dialog.open}>New rule</Button> : null}>
      <TabBar label="rules and limits" tabs={tabs} value={tab} onChange={(next) => void navigate({ search: { tab: next } })}>
        {tab === "limits" ? <RateLimits /> : <RuleList canSeeLimits={canSeeLimits} />}
      </TabBar>
      <Modal opened={isOpen} onClose={dialog.close} title="New rule">
        <NameForm label="Type" description="Of the notifications, such as order.shipped" onDone={(type) => void navigate({ to: "/rules/$type", params: { type }, search: { new: "yes" } })} />
      </Modal>
    </Page>
  );
}

function RuleList({ canSeeLimits }: { canSeeLimits: boolean }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = usePagedList<Row>(["rules", search.search], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/rules", { params: { query: { search: search.search, cursor } }, signal })));
  const limits = useQuery({ queryKey: ["rate limits", "all"], queryFn: ({ signal }) => loadLimits(signal), enabled: canSeeLimits, staleTime: 60_000 });
  const columns = useMemo(() => listColumns(limits.data ?? [], canSeeLimits), [limits.data, canSeeLimits]);
  return (
    <>
      <Filters fields={FIELDS} values={{ search: search.search }} onChange={(values) => void navigate({ search: { ...search, search: values["search"] }, replace: true })} />
      <RecordList
        list={list} isFiltered={!!search.search}
        empty={<EmptyPanel title="No rules yet">A notification whose type has no rule is a dead letter. Make a rule here, or apply a file with <code>herold rules apply</code>.</EmptyPanel>}
        noMatch={<EmptyPanel title="No rule matches">Clear the filter: no type or category contains "{search.search}".</EmptyPanel>}
      >
        {(rows) => <RecordTable label="rules" rows={rows} columns={columns} getKey={(row) => row.rule.type} getLink={(row) => linkOptions({ to: "/rules/$type", params: { type: row.rule.type } })} />}
      </RecordList>
    </>
  );
}

function listColumns(limits: readonly RateLimit[], canSeeLimits: boolean): Column<Row>[] {
  return [
    { title: "Type", render: ({ rule }) => rule.type },
    { title: "Category", width: "8.5rem", render: ({ rule }) => rule.category },
    { title: "Priority", width: "7rem", render: ({ rule }) => (rule.priorities?.length ? `by choice` : (rule.priority ?? "as sent")) },
    { title: "Channels", width: "11rem", render: ({ rule }) => describeChannels(rule) },
    { title: "Template", render: ({ rule }) => rule.template || rule.type },
    ...(canSeeLimits ? [{ title: "Limits", width: "12rem", render: ({ rule }: Row) => describeLimits(limits, rule.category) }] : []),
    { title: "Version", width: "5rem", isNumber: true, render: ({ version }) => version },
  ];
}

async function loadLimits(signal: AbortSignal): Promise<RateLimit[]> {
  const found: RateLimit[] = [];
  for await (const { limit } of iterate(async (cursor) => unwrap(await herold.GET("/v1/rate-limits", { params: { query: { cursor, limit: 200 } }, signal })))) found.push(limit);
  return found;
}

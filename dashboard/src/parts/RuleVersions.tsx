import { Button, Group, Select, Stack, Title } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { cleanRule, type Rule } from "../rules";
import type { RuleState } from "../ruleState";
import { formatDocument } from "../templates";
import { DiffView } from "./DiffView";
import { EmptyPanel } from "./Panels";
import { RecordList, usePagedList } from "./RecordList";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";

type Version = Schemas["RuleVersion"];

const route = getRouteApi("/rules/$type");
const PAGE = 100;
const UNSAVED = "what you wrote";

/** The versions of a rule, the differences between any two, and the way back to an earlier one. */
export function RuleVersions({ state, draft, onRollBack }: { state: RuleState; draft?: Rule; onRollBack?: (version: Version) => void }) {
  const list = usePagedList(["rule", state.type, "versions"], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/rules/{rule_type}/versions", { params: { path: { rule_type: state.type }, query: { limit: PAGE, cursor } }, signal })));
  if (!state.versions.length) return <EmptyPanel title="No version is saved yet">What you save becomes version 1.</EmptyPanel>;
  const columns: Column<Version>[] = [
    { title: "Version", width: "6rem", isNumber: true, render: (row) => row.version },
    { title: "State", width: "8rem", render: (row) => (row.version === state.version ? <span className="tone-good">✓ in force</span> : row.rule ? "" : "deleted it") },
    { title: "Changed", width: "13.5rem", render: (row) => <TimeText at={row.changed_at} /> },
    { title: "By", width: "9rem", render: (row) => row.actor },
    { title: "Comment", render: (row) => row.comment },
  ];
  if (onRollBack) {
    columns.push({
      title: "Action", width: "8rem", isAction: true,
      render: (row) => (row.rule && row.version !== state.version ? <Button size="compact-xs" variant="light" onClick={() => onRollBack(row)}>Roll back</Button> : null),
    });
  }
  return (
    <Stack gap="lg">
      <div>
        <RecordList list={list} empty={null}>
          {(rows) => <RecordTable label="versions" rows={rows} columns={columns} getKey={(row) => String(row.version)} />}
        </RecordList>
      </div>
      {list.rows.length ? <Comparison versions={list.rows} draft={draft} /> : null}
    </Stack>
  );
}

function Comparison({ versions, draft }: { versions: readonly Version[]; draft?: Rule }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const names = [...(draft ? [UNSAVED] : []), ...versions.map((one) => String(one.version))];
  const after = names.find((one) => one === search.after) ?? names[0] ?? "";
  const before = names.find((one) => one === search.before) ?? names[1] ?? after;
  const show = (values: object) => void navigate({ search: { ...search, ...values }, replace: true });
  const write = (name: string) => {
    const rule = name === UNSAVED ? draft : versions.find((one) => String(one.version) === name)?.rule;
    return rule ? formatDocument(cleanRule(rule)) : "";
  };
  return (
    <section>
      <Group mb="xs" gap="xs">
        <Title order={2}>Compare</Title>
        <Select size="xs" w={140} aria-label="before" data={names} value={before} allowDeselect={false} onChange={(value) => show({ before: value ?? undefined })} />
        <span aria-hidden>→</span>
        <Select size="xs" w={140} aria-label="after" data={names} value={after} allowDeselect={false} onChange={(value) => show({ after: value ?? undefined })} />
      </Group>
      <DiffView before={write(before)} after={write(after)} labels={[label(before), label(after)]} />
    </section>
  );
}

const label = (name: string) => (name === UNSAVED ? name : `version ${name}`);

import { Button, Group, Select, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { formatDocument, type TemplateDocument } from "../templates";
import type { TemplateState } from "../templateState";
import { DiffView } from "./DiffView";
import { EmptyPanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";

type Version = Schemas["VersionSummary"];

const route = getRouteApi("/templates/$name");
const PAGE = 100;
const UNSAVED = "what you wrote";

/** The versions of a template, the differences between any two, and the way back to an earlier one. */
export function TemplateVersions({ state, draft, onRollBack }: { state: TemplateState; draft?: TemplateDocument; onRollBack?: (version: number) => void }) {
  const { history, latest } = state;
  const [shown, setShown] = useState(PAGE); // the API gives all, and thousands of rows would take seconds to draw
  if (!latest) return <EmptyPanel title="No version is saved yet">Save a draft: it becomes version 1.</EmptyPanel>;
  const published = new Set(history.publications.map((one) => one.version));
  const columns: Column<Version>[] = [
    { title: "Version", width: "6rem", isNumber: true, render: (row) => row.version },
    { title: "State", width: "9rem", render: (row) => (row.version === history.published_version ? <span className="tone-good">✓ published</span> : published.has(row.version) ? "was published" : "draft") },
    { title: "Written", width: "13.5rem", render: (row) => (row.created_at ? <TimeText at={row.created_at} /> : "") },
    { title: "By", width: "9rem", render: (row) => row.actor },
    { title: "Comment", render: (row) => row.comment },
  ];
  if (onRollBack) {
    columns.push({
      title: "Action", width: "8rem", isAction: true,
      render: (row) => (published.has(row.version) && row.version !== history.published_version ? <Button size="compact-xs" variant="light" onClick={() => onRollBack(row.version)}>Roll back</Button> : null),
    });
  }
  return (
    <Stack gap="lg">
      <div>
        <RecordTable label="versions" rows={history.versions.slice(0, shown)} columns={columns} getKey={(row) => String(row.version)} />
        {history.versions.length > shown ? <Button mt="sm" variant="default" onClick={() => setShown(shown + PAGE)}>Show older</Button> : null}
      </div>
      <Comparison state={state} draft={draft} />
      <section><Title order={2} mb="xs">Publications</Title><Publications publications={history.publications} /></section>
    </Stack>
  );
}

function Comparison({ state, draft }: { state: TemplateState; draft?: TemplateDocument }) {
  const { name, history, latest } = state;
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const names = [...(draft ? [UNSAVED] : []), ...history.versions.map((one) => String(one.version))];
  const after = names.find((one) => one === search.after) ?? names[0] ?? "";
  const before = names.find((one) => one === search.before) ?? String(draft || latest === history.published_version ? (draft ? latest : Math.max(1, latest - 1)) : history.published_version || latest);
  const read = (one: string, signal: AbortSignal) => (one === UNSAVED && draft ? Promise.resolve(draft) : loadVersion(name, Number(one), signal));
  const both = useQuery({
    queryKey: ["template", name, "comparison", before, after, draft],
    queryFn: ({ signal }) => Promise.all([read(before, signal), read(after, signal)]),
    refetchOnWindowFocus: false,
  });
  const show = (values: object) => void navigate({ search: { ...search, ...values }, replace: true });
  return (
    <section>
      <Group mb="xs" gap="xs">
        <Title order={2}>Compare</Title>
        <Select size="xs" w={140} aria-label="before" data={names} value={before} allowDeselect={false} onChange={(value) => show({ before: value ?? undefined })} />
        <span aria-hidden>→</span>
        <Select size="xs" w={140} aria-label="after" data={names} value={after} allowDeselect={false} onChange={(value) => show({ after: value ?? undefined })} />
      </Group>
      <QueryPanel query={both}>{([old, current]) => <DiffView before={formatDocument(old)} after={formatDocument(current)} labels={[label(before), label(after)]} />}</QueryPanel>
    </section>
  );
}

const label = (name: string) => (name === UNSAVED ? name : `version ${name}`);

const loadVersion = async (name: string, version: number, signal: AbortSignal): Promise<TemplateDocument> =>
  unwrap(await herold.GET("/v1/templates/{name}", { params: { path: { name }, query: { version } }, signal })).document;

const PUBLICATION_COLUMNS: Column<Schemas["Publication"]>[] = [
  { title: "At", width: "13.5rem", render: (row) => <TimeText at={row.occurred_at} /> },
  { title: "Version", width: "6rem", isNumber: true, render: (row) => row.version },
  { title: "Change", width: "9rem", render: (row) => row.change.replace("_", " ") },
  { title: "By", width: "9rem", render: (row) => row.actor },
  { title: "Comment", render: (row) => row.comment },
];

function Publications({ publications }: { publications: Schemas["Publication"][] }) {
  if (!publications.length) return <EmptyPanel title="Nothing is published yet">A version is used from its publication on.</EmptyPanel>;
  return <RecordTable label="publications" rows={publications} columns={PUBLICATION_COLUMNS} getKey={(row) => String(row.number)} />;
}

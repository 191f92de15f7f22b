import { NumberInput, Select, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { formatCount } from "../format";
import type { TemplateDocument } from "../templates";
import { EmptyPanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { RecordTable, type Column } from "./RecordTable";

type Counts = Schemas["ExperimentCounts"];
interface Row {
  variant: string;
  weight: number | null;
  channel: string;
  counts: Record<string, number>;
}

const route = getRouteApi("/templates/$name");
const DAYS = ["1", "7", "30", "90", "365"];
const ALL_USERS = 100;

/** The variants of a template: the percentage of users of each, and what became of their deliveries. */
export function TemplateVariants({ name, document, onChange }: { name: string; document: TemplateDocument; onChange?: (document: TemplateDocument) => void }) {
  const variants = Object.entries(document.variants ?? {});
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const days = search.days && DAYS.includes(search.days) ? search.days : "30";
  const counts = useQuery({
    queryKey: ["template", name, "variants", days],
    queryFn: async ({ signal }): Promise<Counts | null> => {
      const answer = await herold.GET("/v1/templates/{name}/variants", { params: { path: { name }, query: { days: Number(days) } }, signal });
      return answer.response.status === 404 ? null : unwrap(answer); // a new template
    },
  });
  const left = ALL_USERS - variants.reduce((sum, [, variant]) => sum + variant.weight, 0);
  const weigh = (variant: string, weight: number) =>
    onChange?.({ ...document, variants: { ...document.variants, [variant]: { ...document.variants![variant]!, weight } } });
  return (
    <Stack gap="lg">
      {variants.length ? (
        <Stack gap="xs">
          <Text size="sm">{left < 0 ? <span className="tone-bad">✕ The weights add up to {ALL_USERS - left} %: {ALL_USERS} % are all users.</span> : `${left} % of the users get the template itself (control).`} The texts of variants are in the tab Document.</Text>
          {variants.map(([variant, { weight }]) => (
            <NumberInput key={variant} size="xs" w={220} label={`Users of ${variant}, in per cent`} min={0} max={ALL_USERS} value={weight} readOnly={!onChange} onChange={(value) => weigh(variant, Number(value) || 0)} />
          ))}
        </Stack>
      ) : (
        <EmptyPanel title="This template has no variants">{onChange ? <>Give some of the users another text: add <code>variants</code> in the tab Document.</> : "All users get the same text."}</EmptyPanel>
      )}
      <QueryPanel query={counts}>
        {(found) => found?.experiment ? (
          <section>
            <Select size="xs" w={220} mb="xs" label="Deliveries of the last days" data={DAYS} value={days} allowDeselect={false} onChange={(value) => void navigate({ search: { ...search, days: value ?? undefined }, replace: true })} />
            <Results counts={found} />
          </section>
        ) : null}
      </QueryPanel>
    </Stack>
  );
}

function Results({ counts }: { counts: Counts }) {
  const rows: Row[] = counts.variants.flatMap(({ variant, weight, deliveries }) => {
    const channels = Object.entries(deliveries);
    return channels.length ? channels.map(([channel, found]) => ({ variant, weight, channel, counts: found as Record<string, number> })) : [{ variant, weight, channel: "", counts: {} }];
  });
  const statuses = [...new Set(rows.flatMap((row) => Object.keys(row.counts)))];
  const columns: Column<Row>[] = [
    { title: "Variant", render: (row) => row.variant },
    { title: "Users", width: "7rem", isNumber: true, render: (row) => (row.weight === null ? "not published" : `${row.weight} %`) },
    { title: "Channel", width: "8rem", render: (row) => row.channel || "no delivery" },
    ...statuses.map((status): Column<Row> => ({ title: status, width: "8rem", isNumber: true, render: (row) => formatCount(row.counts[status] ?? 0) })),
  ];
  return <RecordTable label={`deliveries of the experiment ${counts.experiment}`} rows={rows} columns={columns} getKey={(row) => `${row.variant} ${row.channel}`} />;
}

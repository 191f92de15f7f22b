import { Alert, Group, Paper, SegmentedControl, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { formatCount } from "../format";
import { listFieldProblems } from "../fieldErrors";
import { getEntry, listChain, listLocales, locateProblems, PARTS, type Channel, type Problem, type TemplateDocument } from "../templates";
import { MessageView } from "./MessageView";
import { FailurePanel, SkeletonRows } from "./Panels";
import type { SampleState } from "./SampleData";

type Content = Schemas["ContentPreview"];

interface PreviewRequest {
  name: string;
  document: TemplateDocument;
  channel: Channel;
  locale: string;
  sample: SampleState;
}
export interface Preview {
  query: UseQueryResult<Schemas["PreviewResponse"]>;
  contents: Content[];
  problems: Partial<Record<string, Problem>>;
}

const TYPING_MS = 300;

/** What the text renders to, asked anew when typing pauses. */
export function usePreview({ name, document, channel, locale, sample }: PreviewRequest): Preview {
  const wanted = JSON.stringify({ document, data: sample.data, locale: sample.choice.locale ?? locale, time_zone: sample.choice.zone ?? "" });
  const [body] = useDebouncedValue(wanted, TYPING_MS);
  const query = useQuery({
    queryKey: ["template preview", name, body],
    queryFn: async ({ signal }) => unwrap(await herold.POST("/v1/templates/{name}/preview", { params: { path: { name } }, body: JSON.parse(body) as Schemas["PreviewRequest"], signal })),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  const contents = query.data?.contents.filter((one) => one.channel === channel) ?? [];
  const failed = contents.find((one) => one.problem && (!one.variant || one.variant === "control"));
  const problems = failed?.problem ? locateProblems(failed.problem, getEntry(document, channel, locale) ?? {}, PARTS[channel]).parts : {};
  return { query, contents, problems };
}

/** The preview beside the editor: the message as its reader sees it, in each variant. */
export function PreviewPane({ channel, locale, preview, sample, document }: { channel: Channel; locale: string; preview: Preview; sample: SampleState; document: TemplateDocument }) {
  const [variant, setVariant] = useState<string>();
  const { query, contents } = preview;
  const content = contents.find((one) => one.variant === variant) ?? contents[0];
  const fieldProblems = listFieldProblems(query.error);
  return (
    <Paper withBorder p="md" component="section" aria-label="preview" className="preview" mih="22rem">
      <Stack gap="sm">
        <Group justify="space-between">
          <Text fw={600} size="sm">Preview</Text>
          {contents.length > 1 ? <SegmentedControl size="xs" aria-label="variant" data={contents.map((one) => one.variant ?? "")} value={content?.variant ?? ""} onChange={setVariant} /> : null}
        </Group>
        <Chain document={document} channel={channel} locale={locale} wanted={sample.choice.locale} />
        {fieldProblems.length ? (
          <Alert color="red" variant="light" title="It cannot be previewed" role="alert">{fieldProblems.map((one) => <div key={one.field + one.text}>{one.field}: {one.text}</div>)}</Alert>
        ) : query.error ? <FailurePanel error={query.error} onRetry={() => void query.refetch()} /> : null}
        {query.isPending ? <SkeletonRows count={5} /> : null}
        {content && !query.error ? <Message content={content} channel={channel} /> : null}
        {query.data && !content && !query.error ? <Text size="sm" className="dim">There is nothing to render: {channel === "webhook" ? "a webhook without a body gets the data as they are." : "write a text."}</Text> : null}
      </Stack>
    </Paper>
  );
}

/** Whose text a user's locale gets. */
function Chain({ document, channel, locale, wanted }: { document: TemplateDocument; channel: Channel; locale: string; wanted?: string }) {
  const locales = listLocales(document, channel), chain = listChain(wanted || locale);
  const used = chain.find((one) => locales.includes(one));
  return (
    <Text size="xs" className="dim">
      Locale {chain.map((one, index) => <span key={one}>{index ? " → " : ""}<span style={{ textDecoration: locales.includes(one) ? undefined : "line-through", fontWeight: one === used ? 700 : undefined }}>{one}</span></span>)}
      {used === undefined ? ": there is no text for it" : used === locale ? "" : `: this is the text of ${used}, not of ${locale}`}
    </Text>
  );
}

function Message({ content, channel }: { content: Content; channel: Channel }) {
  if (content.problem) return <Alert color="red" variant="light" title="It cannot be rendered with this data" role="alert">{locateProblems(content.problem, {}, []).rest}</Alert>;
  return (
    <Stack gap="sm">
      <MessageView channel={channel} content={content.content ?? {}} />
      <Text size="xs" className="dim number">{formatCount(content.size ?? 0)} bytes{content.sms ? describeSms(content.sms) : ""}</Text>
    </Stack>
  );
}

const describeSms = ({ segments, encoding, units, free, forcing }: Schemas["SmsSegments"]) =>
  `, ${segments} ${segments === 1 ? "segment" : "segments"} in ${encoding} (${units} units, ${free} free)${forcing ? `, because of ${forcing}` : ""}`;

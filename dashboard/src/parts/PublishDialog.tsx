import { Alert, Button, Checkbox, Group, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "@tanstack/react-query";
import { ProblemError, unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { formatCount } from "../format";
import { refreshTemplate } from "../templateState";
import { FailurePanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";

type Report = Schemas["VersionReport"];

/** What the version would do to what is sent, before it is published or rolled back to. */
export function PublishDialog({ name, version, isRollback, onDone }: { name: string; version: number; isRollback: boolean; onDone: () => void }) {
  const [comment, setComment] = useState("");
  const [isForced, setForced] = useState(false);
  const check = useQuery({
    queryKey: ["template", name, "check", version],
    queryFn: async ({ signal }) => unwrap(await herold.POST("/v1/templates/{name}/check", { params: { path: { name } }, body: { version }, signal })),
    staleTime: 0,
    refetchOnWindowFocus: false,
  });
  const publish = useMutation({
    mutationFn: async (published: number) => {
      const params = { path: { name }, header: { "If-Match": `"${published}"` } }, body = { version, comment, force: isForced };
      if (isRollback) return unwrap(await herold.POST("/v1/templates/{name}/rollback", { params, body }));
      return unwrap(await herold.POST("/v1/templates/{name}/publish", { params, body }));
    },
    onSuccess: async () => {
      notifications.show({ message: `Version ${version} of ${name} is published: it is used within a few seconds` });
      await refreshTemplate(name);
      onDone();
    },
  });
  const hasChanged = publish.error instanceof ProblemError && publish.error.status === 412;
  return (
    <QueryPanel query={check}>
      {(report) => {
        const isRefused = report.problems.length > 0, needsForce = !!report.payloads?.failed || !!report.payloads?.problem;
        return (
          <Stack gap="sm">
            <ReportView report={report} />
            {hasChanged ? (
              <Alert role="alert" color="yellow" variant="light" title="Another version was published meanwhile">
                Look again at what would change now. <Button size="compact-xs" variant="default" onClick={() => { publish.reset(); void check.refetch(); void refreshTemplate(name); }}>Check again</Button>
              </Alert>
            ) : publish.error ? <FailurePanel error={publish.error} onRetry={() => publish.mutate(report.previous_version)} /> : null}
            {needsForce && !isRefused ? <Checkbox label="Publish it in spite of the recorded notifications" checked={isForced} onChange={(event) => setForced(event.currentTarget.checked)} /> : null}
            <TextInput label="Comment" description="Why, for the history" value={comment} maxLength={1000} onChange={(event) => setComment(event.currentTarget.value)} data-autofocus />
            <Group justify="flex-end">
              <Button variant="default" onClick={onDone}>Cancel</Button>
              <Button disabled={isRefused || hasChanged || (needsForce && !isForced)} loading={publish.isPending} onClick={() => publish.mutate(report.previous_version)}>{isRollback ? "Roll back" : "Publish"}</Button>
            </Group>
          </Stack>
        );
      }}
    </QueryPanel>
  );
}

function ReportView({ report }: { report: Report }) {
  const { problems, payloads, changes, gaps } = report;
  const grown = changes.filter((one) => one.segments_before !== one.segments_after || Math.abs(one.size_after - one.size_before) > 0);
  return (
    <Stack gap="xs">
      {problems.length ? <Alert role="alert" color="red" variant="light" title="It cannot be published"><List texts={problems} /></Alert> : null}
      <Payloads payloads={payloads} />
      {!problems.length ? <Text size="sm"><span className="tone-good" aria-hidden>✓ </span>{report.previous_version ? `Version ${report.previous_version} is published now.` : "Nothing is published yet."} Its samples render{grown.length ? ", with other sizes:" : " with the same sizes."}</Text> : null}
      {grown.length ? (
        <div className="list" tabIndex={0} role="region" aria-label="sizes of the samples">
          <table style={{ minWidth: "30rem" }}>
            <thead><tr><th>Sample</th><th>Channel</th><th>Locale</th><th className="amount">Bytes</th><th className="amount">SMS segments</th></tr></thead>
            <tbody>
              {grown.map((one) => (
                <tr key={`${one.sample} ${one.channel} ${one.locale} ${one.variant}`}>
                  <td><span className="cell">{one.sample}{one.variant ? `, variant ${one.variant}` : ""}</span></td><td><span className="cell">{one.channel}</span></td><td><span className="cell">{one.locale}</span></td>
                  <td className="number amount"><span className="cell">{one.size_before ? `${formatCount(one.size_before)} → ` : ""}{formatCount(one.size_after)}</span></td>
                  <td className="number amount"><span className="cell">{one.segments_after ? (one.segments_before === one.segments_after ? one.segments_after : `${one.segments_before} → ${one.segments_after}`) : ""}</span></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {gaps.length ? <Alert role="note" color="yellow" variant="light" title="Locales that are not complete"><List texts={gaps.map(describeGap)} /></Alert> : null}
    </Stack>
  );
}

function Payloads({ payloads }: { payloads: Report["payloads"] }) {
  if (!payloads) return null;
  if (payloads.problem) return <Alert role="note" color="yellow" variant="light" title="It could not be tried on recorded notifications">{payloads.problem}</Alert>;
  if (payloads.failed) {
    return (
      <Alert role="alert" color="red" variant="light" title={`${formatCount(payloads.failed)} of ${formatCount(payloads.payloads)} recorded notifications fail with this version only`}>
        <List texts={(payloads.failures ?? []).map((one) => `${one.channel} ${one.locale}: ${one.problem} (${formatCount(one.count)}, such as ${one.ids.slice(0, 2).join(", ")})`)} />
      </Alert>
    );
  }
  const before = payloads.failed_before ? `; ${formatCount(payloads.failed_before)} fail with the published version, too` : "";
  return <Text size="sm"><span className="tone-good" aria-hidden>✓ </span>{payloads.payloads ? `${formatCount(payloads.payloads)} recorded notifications were tried, and none fails with this version only${before}.` : "No recorded notification uses it, so there is none to try it on."}</Text>;
}

const List = ({ texts }: { texts: readonly string[] }) => <ul style={{ margin: 0, paddingLeft: "1.2rem" }}>{texts.map((text) => <li key={text} style={{ overflowWrap: "anywhere" }}>{text}</li>)}</ul>;

const describeGap = (gap: Schemas["LocaleGap"]) =>
  gap.missing_parts?.length ? `${gap.channel} ${gap.locale} has no ${gap.missing_parts.join(", ")}` : `${gap.channel} has no ${gap.locale}: its users get ${gap.uses || "nothing"}`;

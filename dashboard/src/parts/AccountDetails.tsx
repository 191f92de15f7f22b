import { Paper, Stack, Text, Title } from "@mantine/core";
import type { Schemas } from "herold-client";
import type { ReactNode } from "react";
import { formatCode, formatCount, formatDuration } from "../format";
import { describeUse } from "../providerFailures";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";

type Account = Schemas["ProviderAccount"];
type Failure = Schemas["ProviderError"];

/** One account: its pause, how long its calls take, and why calls of the last hour failed; below it what the page adds. */
export function AccountDetails({ account, isHistoryKnown, children }: { account: Account; isHistoryKnown: boolean; children?: ReactNode }) {
  const errors = account.errors ?? [], use = describeUse(account);
  return (
    <Paper withBorder p="md" component="section" aria-label={`account ${account.name}`}>
      <Title order={2} mb="xs">{account.name}</Title>
      <Stack gap="sm">
        <PauseText account={account} />
        <Text size="sm" className="number">{isHistoryKnown ? describeTimes(account) : "What its calls came to is not known: PostgreSQL does not answer."}</Text>
        {use ? <Text size="sm" className="number">Limit: {use.text}</Text> : null}
        {errors.length ? <RecordTable label="errors" rows={errors} columns={ERROR_COLUMNS} getKey={(row) => `${row.code} ${row.outcome} ${row.reason}`} /> : isHistoryKnown ? <Text size="sm">No call of the last hour failed.</Text> : null}
        {children}
      </Stack>
    </Paper>
  );
}

function PauseText({ account: { pause, breaker } }: { account: Account }) {
  if (!pause) return breaker?.opened_at ? <Text size="sm" component="div">Its breaker is open since <TimeText at={breaker.opened_at} />: {formatCode(breaker.cause)}.</Text> : null;
  return (
    <Text size="sm" component="div" style={{ overflowWrap: "anywhere" }}>
      Paused by {pause.paused_by} since <TimeText at={pause.paused_at} />{pause.ends_at ? <>, until <TimeText at={pause.ends_at} /></> : null}: {pause.reason}
    </Text>
  );
}

function describeTimes({ p95_ms, measured_calls }: Account): string {
  if (p95_ms === null || p95_ms === undefined) return "It had no call in the last hour.";
  return `95 of 100 calls took at most ${formatDuration(p95_ms / 1000)}, of its newest ${formatCount(measured_calls ?? 0)} of the last hour.`;
}

const ERROR_COLUMNS: Column<Failure>[] = [
  { title: "Code", width: "6rem", render: (row) => (row.code ? <Code {...row} /> : <span className="dim">none</span>) },
  { title: "Cause", width: "16rem", render: (row) => <span title={row.cause}>{row.cause || formatCode(row.reason)}</span> },
  { title: "Outcome", width: "13rem", render: (row) => formatCode(row.outcome) },
  { title: "Last hour", width: "7rem", isNumber: true, render: (row) => formatCount(row.count) },
  { title: "Last", width: "9.5rem", render: (row) => <TimeText at={row.last_at} isRelative /> },
];

const Code = ({ code, link }: Failure) => (link ? <a href={link} target="_blank" rel="noreferrer" className="text-link number">{code}</a> : <span className="number">{code}</span>);

import "../sending.css";

import { Alert, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { formatCode, formatCount, formatDuration } from "../format";
import { AccountDetails } from "../parts/AccountDetails";
import { PauseButton } from "../parts/AccountPauses";
import { BreakerState, GoesOn } from "../parts/BreakerState";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { QueryPanel } from "../parts/QueryPanel";
import { RecordTable, type Column } from "../parts/RecordTable";
import { TimeText } from "../parts/TimeText";
import { useProviders, WebhookHosts } from "../parts/WebhookHosts";
import { countErrors, describeShare, describeUse, groupFailures, listHosts, type FailureGroup } from "../providerFailures";
import { useCan } from "../session";

type Accounts = Schemas["ProviderAccounts"];
type Account = Schemas["ProviderAccount"];

const route = getRouteApi("/providers");
const POLL_MS = 5_000;
const LOOKED_AT = 200;

/** The accounts with which Herold delivers: shares, limits, times, errors, breakers and pauses, and why deliveries of one failed lately. */
export function ProvidersPage() {
  const { account } = route.useSearch();
  const accounts = useProviders();
  return (
    <Page title="Providers">
      <QueryPanel query={accounts}>
        {(data) => (
          <Stack gap="md">
            <Unknown data={data} />
            <AccountList data={data} />
            <WebhookHosts hosts={listHosts(data)} isKnown={data.knows_breakers && data.knows_history !== false} />
            <Chosen account={data.items.find((one) => one.name === account)} isHistoryKnown={data.knows_history !== false} />
            <Text size="sm" className="dim">Accounts, weights and limits are settings: <code>accounts</code> and <code>providers</code> in faust.yml. A breaker that is open asks its provider again by itself, and closes when that works. A paused account waits for the end of its pause.</Text>
          </Stack>
        )}
      </QueryPanel>
    </Page>
  );
}

function Unknown({ data }: { data: Accounts }) {
  return (
    <>
      {data.knows_breakers ? null : <Alert role="note" color="yellow" variant="light" title="Breakers and used calls are not known">Redis does not answer, to which the workers write them. Deliveries go on: each worker decides by itself.</Alert>}
      {data.knows_history === false ? <Alert role="note" color="yellow" variant="light" title="Pauses, times and errors are not known">PostgreSQL does not answer. Workers obey the pauses that they have read last.</Alert> : null}
    </>
  );
}

function AccountList({ data }: { data: Accounts }) {
  const canControl = useCan("providers:control");
  return (
    <RecordTable
      label="accounts" rows={data.items} columns={listColumns(data, canControl)} getKey={(row) => `${row.channel} ${row.name} ${row.is_test}`}
      getLink={(row) => linkOptions({ to: "/providers", search: { account: row.name } })}
    />
  );
}

function Chosen({ account, isHistoryKnown }: { account?: Account; isHistoryKnown: boolean }) {
  const canRead = useCan("notifications:read");
  if (!account) return null;
  return (
    <AccountDetails account={account} isHistoryKnown={isHistoryKnown}>
      {canRead ? <Lately key={account.name} account={account.name} /> : null}
    </AccountDetails>
  );
}

const listColumns = (data: Accounts, canControl: boolean): Column<Account>[] => [
  { title: "Account", width: "10.5rem", render: (row) => <>{row.name}{row.is_test ? <span className="dim"> for tests</span> : null}</> },
  { title: "Channel", width: "5.5rem", render: (row) => row.channel },
  { title: "Share", width: "4.75rem", isNumber: true, render: (row) => describeShare(row, data.items) },
  { title: "Limit", width: "5.5rem", isNumber: true, render: (row) => <Limit account={row} /> },
  { title: "p95", width: "5.5rem", isNumber: true, render: (row) => (typeof row.p95_ms === "number" ? formatDuration(row.p95_ms / 1000) : "") },
  { title: "Errors", width: "5.5rem", isNumber: true, render: (row) => (data.knows_history === false ? <span className="dim">not known</span> : formatCount(countErrors(row))) },
  { title: "Breaker", width: "11rem", render: (row) => <BreakerState breaker={row.breaker} pause={row.pause} isKnown={data.knows_breakers} /> },
  { title: "Goes on", width: "8.5rem", render: (row) => (row.pause || row.breaker ? <GoesOn {...row} /> : "") },
  ...(canControl ? [{ title: "Control", width: "6.75rem", isAction: true, render: (row: Account) => (row.channel === "webhook" ? null : <PauseButton account={row.name} pause={row.pause} />) }] : []),
];

function Limit({ account }: { account: Account }) {
  const use = describeUse(account);
  if (!account.calls_per_second) return <span className="dim">none</span>;
  return <>{formatCount(account.calls_per_second)}/s{use ? <div className="dim" title={use.text}>{use.share === "not known" ? use.share : `${use.share} used`}</div> : null}</>;
}

async function listDeliveries(account: string, status: "FAILED" | "PENDING", signal: AbortSignal) {
  return unwrap(await herold.GET("/v1/deliveries", { params: { query: { provider: account, status: [status], limit: LOOKED_AT } }, signal })).items;
}

// what waits for another attempt, and why the last ones failed
function Lately({ account }: { account: string }) {
  const lately = useQuery({
    queryKey: ["deliveries of an account", account],
    queryFn: async ({ signal }) => {
      const [failed, waiting] = await Promise.all([listDeliveries(account, "FAILED", signal), listDeliveries(account, "PENDING", signal)]);
      return { groups: groupFailures(failed), waiting: waiting.length };
    },
    refetchInterval: POLL_MS,
  });
  return (
    <section aria-label={`deliveries of ${account}`}>
      <Title order={3} fz="sm" mb="xs">Its deliveries</Title>
      <QueryPanel query={lately}>
        {({ groups, waiting }) => (
          <Stack gap="sm">
            <Text size="sm" className="number">{formatCount(waiting)}{waiting === LOOKED_AT ? " or more" : ""} deliveries wait for another attempt.</Text>
            {groups.length ? <RecordTable label="failures" rows={groups} columns={FAILURE_COLUMNS} getKey={(row) => `${row.reason} ${row.outcome}`} getLink={toLast} /> : <EmptyPanel title="No delivery has failed">What fails for good is here by its reason, of the last {LOOKED_AT}.</EmptyPanel>}
            <Text size="sm"><Link to="/live" search={{ status: "FAILED" }} className="text-link">Watch failures as they happen</Link></Text>
          </Stack>
        )}
      </QueryPanel>
    </section>
  );
}

const FAILURE_COLUMNS: Column<FailureGroup>[] = [
  { title: "Reason", render: (row) => formatCode(row.reason || "unknown") },
  { title: "Outcome of the last attempt", render: (row) => formatCode(row.outcome || "none") },
  { title: "Deliveries", width: "8rem", isNumber: true, render: (row) => formatCount(row.count) },
  { title: "Last", width: "9.5rem", render: (row) => <TimeText at={row.last.updated_at} isRelative /> },
];
const toLast = (row: FailureGroup) => linkOptions({ to: "/notifications/$id", params: { id: row.last.notification_id }, search: { user_id: row.last.user_id } });

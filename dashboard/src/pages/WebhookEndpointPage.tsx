import "../sending.css";

import { Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { matchVersion } from "../actions";
import { herold } from "../api";
import { formatClock, formatCount, formatShare } from "../format";
import { DialogButton } from "../parts/Actions";
import { EndpointEditor } from "../parts/EndpointEditor";
import { EndpointPing } from "../parts/EndpointPing";
import { EndpointSecrets } from "../parts/EndpointSecrets";
import { EndpointState } from "../parts/EndpointState";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { QueryPanel } from "../parts/QueryPanel";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { StatusBadge } from "../parts/StatusBadge";
import { TimeText } from "../parts/TimeText";
import { UserLink } from "../parts/UserLink";
import { EndpointHost } from "../parts/WebhookHosts";
import { useCan } from "../session";

type Endpoint = Schemas["WebhookEndpoint"];
type Delivery = Schemas["FoundDelivery"];
type Statistics = Schemas["EndpointStatistics"];

const route = getRouteApi("/webhook-endpoints/$id");

/** One endpoint: whether it works, its secrets, a test, and the last webhooks. */
export function WebhookEndpointPage() {
  const { id } = route.useParams();
  const canWrite = useCan("webhook-endpoints:write");
  const canRead = useCan("notifications:read");
  const endpoint = useQuery({
    queryKey: ["webhook endpoint", id],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/webhook-endpoints/{endpoint_id}", { params: { path: { endpoint_id: id } }, signal })),
  });
  return (
    <Page title="Webhook endpoint" actions={endpoint.data && canWrite ? <Controls endpoint={endpoint.data} /> : null}>
      <QueryPanel query={endpoint}>
        {(data) => (
          <Stack gap="md">
            <div className="columns">
              <Stack gap="md">
                <Paper withBorder p="md"><EndpointEditor endpoint={data} canWrite={canWrite} /></Paper>
                <LastHours id={id} />
              </Stack>
              <Stack gap="md">
                <Paper withBorder p="md"><Facts endpoint={data} /></Paper>
                {canWrite ? <EndpointPing id={id} /> : null}
                <EndpointSecrets endpoint={data} canWrite={canWrite} />
              </Stack>
            </div>
            {data.user_id && canRead ? <LastWebhooks userId={data.user_id} /> : null}
          </Stack>
        )}
      </QueryPanel>
    </Page>
  );
}

function Controls({ endpoint }: { endpoint: Endpoint }) {
  const navigate = route.useNavigate();
  const path = { endpoint_id: endpoint.id }, keys = [["webhook endpoint", endpoint.id], ["webhook endpoints"]];
  return (
    <>
      {endpoint.is_enabled ? (
        <DialogButton label="Disable" title="Disable this endpoint?" asksReason keys={keys} done="It is not called any more"
          run={async (reason) => unwrap(await herold.POST("/v1/webhook-endpoints/{endpoint_id}/disable", { params: { path }, body: { reason } }))}>
          It is not called any more, within a few seconds also not by deliveries that are on their way. They fail.
        </DialogButton>
      ) : (
        <DialogButton label="Enable" title="Enable this endpoint?" asksReason keys={keys} done="It is called again"
          run={async (reason) => unwrap(await herold.POST("/v1/webhook-endpoints/{endpoint_id}/enable", { params: { path }, body: { reason } }))}>
          It is called again. What has failed meanwhile is not sent again by itself.
        </DialogButton>
      )}
      <DialogButton label="Delete" color="red" variant="light" title="Delete this endpoint?" keys={[["webhook endpoints"]]} outdated={[["webhook endpoint", endpoint.id]]} done="It is deleted" onDone={() => void navigate({ to: "/webhook-endpoints" })}
        run={async () => unwrap(await herold.DELETE("/v1/webhook-endpoints/{endpoint_id}", { params: { path, header: matchVersion(endpoint.version) } }))}>
        Deliveries that are on their way to it fail. This cannot be undone.
      </DialogButton>
    </>
  );
}

function Facts({ endpoint }: { endpoint: Endpoint }) {
  return (
    <dl className="facts">
      <dt>State</dt><dd><EndpointState endpoint={endpoint} /></dd>
      <EndpointHost url={endpoint.url} />
      <dt>For</dt><dd>{endpoint.user_id ? <UserLink id={endpoint.user_id} /> : "statuses of deliveries"}</dd>
      {endpoint.disabled_at ? <><dt>Disabled</dt><dd><TimeText at={endpoint.disabled_at} /></dd></> : null}
      <dt>Order</dt><dd>{endpoint.ordered ? "one webhook of a user after the other" : "none"}</dd>
      <dt>Signature</dt><dd>{endpoint.signature === "hmac" ? "HMAC-SHA256" : "Ed25519"}</dd>
      <dt>Id</dt><dd className="mono">{endpoint.id}</dd>
      <dt>Created</dt><dd><TimeText at={endpoint.created_at} /></dd>
      <dt>Changed</dt><dd><TimeText at={endpoint.updated_at} /></dd>
    </dl>
  );
}

function LastHours({ id }: { id: string }) {
  const statistics = useQuery({
    queryKey: ["endpoint statistics", id],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/webhook-endpoints/{endpoint_id}/statistics", { params: { path: { endpoint_id: id } }, signal })),
    refetchInterval: 10_000,
  });
  return (
    <Paper withBorder p="md" component="section" aria-label="last 24 hours">
      <Title order={2} mb="xs">Last 24 hours</Title>
      <QueryPanel query={statistics}>{(data) => (data.succeeded + data.failed ? <Calls statistics={data} /> : <Text size="sm" className="dim">It was not called.</Text>)}</QueryPanel>
    </Paper>
  );
}

function Calls({ statistics }: { statistics: Statistics }) {
  const { succeeded, failed, success_rate, last_success_at, last_failure_at, failing_since, last_code, hours } = statistics;
  const most = Math.max(1, ...hours.map((hour) => hour.succeeded + hour.failed));
  return (
    <Stack gap="sm">
      <Text size="sm" className="number">
        {formatCount(succeeded)} calls were answered with 2xx, {formatCount(failed)} were not{success_rate === null ? "" : `: ${formatShare(success_rate)} succeeded`}.
      </Text>
      <div className="bars" role="img" aria-label={`calls by hour: ${hours.map((hour) => `${formatClock(hour.at)} ${hour.succeeded} succeeded, ${hour.failed} failed`).join("; ")}`}>
        {hours.map((hour) => (
          <span key={hour.at} title={`${formatClock(hour.at)}: ${hour.succeeded} succeeded, ${hour.failed} failed`}>
            <span className="bad" style={{ height: `${(100 * hour.failed) / most}%` }} /><span className="good" style={{ height: `${(100 * hour.succeeded) / most}%` }} />
          </span>
        ))}
      </div>
      <dl className="facts">
        {last_code ? <><dt>Last answer</dt><dd className="number">{last_code}</dd></> : null}
        {last_success_at ? <><dt>Last success</dt><dd><TimeText at={last_success_at} isRelative /></dd></> : null}
        {last_failure_at ? <><dt>Last failure</dt><dd><TimeText at={last_failure_at} isRelative /></dd></> : null}
        {failing_since ? <><dt>Failing since</dt><dd><TimeText at={failing_since} isRelative /></dd></> : null}
      </dl>
    </Stack>
  );
}

const COLUMNS: Column<Delivery>[] = [
  { title: "Type", render: (row) => row.type },
  { title: "Created", width: "9.5rem", render: (row) => <TimeText at={row.created_at} isRelative /> },
  { title: "Status", render: (row) => <StatusBadge status={row.status} reason={row.reason} /> },
  { title: "Attempts", width: "7rem", isNumber: true, render: (row) => formatCount(row.attempt + 1) },
];

function LastWebhooks({ userId }: { userId: string }) {
  const list = usePagedList(["webhooks of a user", userId], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/deliveries", { params: { query: { channel: "webhook", user_id: userId, limit: 20, cursor } }, signal })),
  );
  return (
    <section aria-label="last webhooks">
      <Group justify="space-between" mb="xs"><Title order={2}>Last webhooks of {userId}</Title></Group>
      <RecordList list={list} empty={<EmptyPanel title="No webhook yet">Each webhook to an endpoint of this user is here, with its attempts.</EmptyPanel>}>
        {(rows) => <RecordTable label="webhooks" rows={rows} columns={COLUMNS} getKey={(row) => row.id} getLink={(row) => linkOptions({ to: "/notifications/$id", params: { id: row.notification_id }, search: { user_id: row.user_id } })} />}
      </RecordList>
    </section>
  );
}

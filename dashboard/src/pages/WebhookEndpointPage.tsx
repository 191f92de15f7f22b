import "../sending.css";

import { Paper, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { matchVersion } from "../actions";
import { herold } from "../api";
import { DialogButton } from "../parts/Actions";
import { EndpointAttempts } from "../parts/EndpointAttempts";
import { EndpointCalls } from "../parts/EndpointCalls";
import { EndpointEditor } from "../parts/EndpointEditor";
import { EndpointPing } from "../parts/EndpointPing";
import { EndpointSecrets } from "../parts/EndpointSecrets";
import { EndpointState } from "../parts/EndpointState";
import { Page } from "../parts/Page";
import { QueryPanel } from "../parts/QueryPanel";
import { TimeText } from "../parts/TimeText";
import { UserLink } from "../parts/UserLink";
import { EndpointHost } from "../parts/WebhookHosts";
import { useCan } from "../session";

type Endpoint = Schemas["WebhookEndpoint"];

const route = getRouteApi("/webhook-endpoints/$id");

/** One endpoint: whether it works, its secrets, a test, and the last attempts. */
export function WebhookEndpointPage() {
  const { id } = route.useParams();
  const canWrite = useCan("webhook-endpoints:write");
  const endpoint = useQuery({
    queryKey: ["webhook endpoint", id],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/webhook-endpoints/{endpoint_id}", { params: { path: { endpoint_id: id } }, signal })),
  });
  return (
    <Page title="Webhook endpoint" actions={endpoint.data && canWrite ? <Controls endpoint={endpoint.data} /> : null}>
      <QueryPanel query={endpoint}>
        {(data) => (
          <Stack gap="md">
            <div className="columns filled">
              <Stack gap="md">
                <Paper withBorder p="md"><EndpointEditor endpoint={data} canWrite={canWrite} /></Paper>
                <EndpointCalls endpoint={data} />
              </Stack>
              <Stack gap="md">
                <Paper withBorder p="md"><Facts endpoint={data} /></Paper>
                {canWrite ? <EndpointPing id={id} /> : null}
                <EndpointSecrets endpoint={data} canWrite={canWrite} />
              </Stack>
            </div>
            <EndpointAttempts endpoint={data} />
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

import { Paper, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { describeAwaited, wasCalled } from "../endpointAttempts";
import { formatClock, formatCount, formatShare } from "../format";
import { EmptyPanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { TimeText } from "./TimeText";

type Statistics = Schemas["EndpointStatistics"];

const POLL_MS = 10_000;

/** The calls of an endpoint in the last 24 hours, again and again. */
export const useStatistics = (id: string) =>
  useQuery({
    queryKey: ["endpoint statistics", id],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/webhook-endpoints/{endpoint_id}/statistics", { params: { path: { endpoint_id: id } }, signal })),
    refetchInterval: POLL_MS,
  });

/** How many calls of the last hours succeeded; of an endpoint that was not called, when it will be. */
export function EndpointCalls({ endpoint }: { endpoint: Schemas["WebhookEndpoint"] }) {
  const statistics = useStatistics(endpoint.id);
  return (
    <Paper withBorder p="md" component="section" aria-label="last 24 hours" className="filling">
      <Title order={2} mb="xs">Last 24 hours</Title>
      <QueryPanel query={statistics} outline={<Skeleton height="6rem" />}>
        {(data) => (data.succeeded + data.failed ? <Calls statistics={data} /> : <NotCalled endpoint={endpoint} statistics={data} />)}
      </QueryPanel>
    </Paper>
  );
}

function NotCalled({ endpoint, statistics }: { endpoint: Schemas["WebhookEndpoint"]; statistics: Statistics }) {
  return (
    <EmptyPanel title={wasCalled(statistics) ? "Not called in this time" : "Not called yet"}>
      <p>{describeAwaited(endpoint)}</p>
      <LastTimes statistics={statistics} />
    </EmptyPanel>
  );
}

function Calls({ statistics }: { statistics: Statistics }) {
  const { succeeded, failed, success_rate, hours } = statistics;
  const most = Math.max(1, ...hours.map((hour) => hour.succeeded + hour.failed));
  return (
    <Stack gap="sm">
      <Text size="sm" className="number">
        {formatCount(succeeded)} {succeeded === 1 ? "call was" : "calls were"} answered with 2xx, {formatCount(failed)} {failed === 1 ? "was" : "were"} not{success_rate === null ? "" : `: ${formatShare(success_rate)} succeeded`}.
      </Text>
      <div className="bars" role="img" aria-label={`calls by hour: ${hours.map((hour) => `${formatClock(hour.at)} ${hour.succeeded} succeeded, ${hour.failed} failed`).join("; ")}`}>
        {hours.map((hour) => (
          <span key={hour.at} title={`${formatClock(hour.at)}: ${hour.succeeded} succeeded, ${hour.failed} failed`}>
            <span className="bad" style={{ height: `${(100 * hour.failed) / most}%` }} /><span className="good" style={{ height: `${(100 * hour.succeeded) / most}%` }} />
          </span>
        ))}
      </div>
      <LastTimes statistics={statistics} />
    </Stack>
  );
}

function LastTimes({ statistics }: { statistics: Statistics }) {
  const { last_success_at, last_failure_at, failing_since, last_code } = statistics;
  if (!wasCalled(statistics)) return null;
  return (
    <dl className="facts">
      {last_code ? <><dt>Last answer</dt><dd className="number">{last_code}</dd></> : null}
      {last_success_at ? <><dt>Last success</dt><dd><TimeText at={last_success_at} isRelative /></dd></> : null}
      {last_failure_at ? <><dt>Last failure</dt><dd><TimeText at={last_failure_at} isRelative /></dd></> : null}
      {failing_since ? <><dt>Failing since</dt><dd><TimeText at={failing_since} isRelative /></dd></> : null}
    </dl>
  );
}

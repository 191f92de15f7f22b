import { Button, Group, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { unwrap } from "herold-client";
import { herold } from "../api";
import { findHost, listHosts, type Host } from "../providerFailures";
import { useCan } from "../session";
import { PauseButton, PauseDialog } from "./AccountPauses";
import { BreakerState, GoesOn } from "./BreakerState";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";

const POLL_MS = 5_000;

/** All accounts with what is known of them, again and again. */
export const useProviders = (enabled = true) =>
  useQuery({
    queryKey: ["providers"],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/providers", { signal })),
    refetchInterval: POLL_MS, enabled,
  });

const listColumns = (canControl: boolean): Column<Host>[] => [
  { title: "Webhook host", width: "16rem", render: (row) => row.host },
  { title: "Breaker", width: "12rem", render: (row) => <BreakerState {...row} isKnown /> },
  { title: "Since", width: "8.5rem", render: ({ pause, breaker }) => { const at = pause?.paused_at ?? breaker?.opened_at; return at ? <TimeText at={at} isRelative /> : ""; } },
  { title: "Goes on", width: "8.5rem", render: (row) => (row.pause || row.breaker ? <GoesOn {...row} /> : "") },
  ...(canControl ? [{ title: "Control", width: "6.75rem", isAction: true, render: (row: Host) => <PauseButton account={row.host} pause={row.pause} /> }] : []),
];

/** The webhook hosts that no worker calls now; who may pauses any other one by its name. */
export function WebhookHosts({ hosts, isKnown }: { hosts: Host[]; isKnown: boolean }) {
  const canControl = useCan("providers:control");
  const [isOpen, dialog] = useDisclosure();
  if (!hosts.length && !canControl) return null;
  return (
    <section aria-label="webhook hosts">
      <Group justify="space-between" mb="xs">
        <Title order={2}>Webhook hosts that are not called now</Title>
        {canControl ? <Button size="xs" variant="default" onClick={dialog.open}>Pause a host</Button> : null}
      </Group>
      {hosts.length ? <RecordTable label="stopped webhook hosts" rows={hosts} columns={listColumns(canControl)} getKey={(row) => row.host} /> : <Text size="sm" className="dim">{isKnown ? "None: all hosts are called." : "Not known."}</Text>}
      {isOpen ? <PauseDialog onClose={dialog.close} /> : null}
    </section>
  );
}

/** Whether the host of an endpoint is called, for who may see that; who may pauses and resumes it. The state belongs to all endpoints of the host. */
export function EndpointHost({ url }: { url: string }) {
  const canSee = useCan("metrics:read"), canControl = useCan("providers:control");
  const { data } = useProviders(canSee);
  const name = findHost(url);
  if (!canSee || !name) return null;
  const host = data && (listHosts(data).find((one) => one.host === name) ?? { host: name, breaker: null, pause: null });
  return (
    <>
      <dt>Host</dt>
      <dd>
        <div style={{ overflowWrap: "anywhere" }}>{name}</div>
        <Group gap="sm" mih={30}>
          {host ? <BreakerState {...host} isKnown={data.knows_breakers} /> : null}
          {host?.pause || host?.breaker ? <GoesOn {...host} /> : null}
          {host && canControl && data.knows_history !== false ? <PauseButton account={name} pause={host.pause} /> : null}
        </Group>
      </dd>
    </>
  );
}

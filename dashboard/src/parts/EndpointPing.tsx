import { Button, Group, Paper, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { unwrap } from "herold-client";
import { useState } from "react";
import { showFailure } from "../actions";
import { herold } from "../api";
import { formatCode, formatDuration } from "../format";
import { StatusBadge } from "./StatusBadge";

const POLL_MS = 1_000;

/** Sends a signed test webhook, and shows how it was answered. */
export function EndpointPing({ id }: { id: string }) {
  const [deliveryId, setDeliveryId] = useState("");
  const ping = useMutation({
    mutationFn: async () => unwrap(await herold.POST("/v1/webhook-endpoints/{endpoint_id}/ping", { params: { path: { endpoint_id: id } }, body: {} })),
    onSuccess: (result) => setDeliveryId(result.delivery_id),
    onError: showFailure,
  });
  const result = useQuery({
    queryKey: ["ping", deliveryId],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/webhook-endpoints/{endpoint_id}/pings/{delivery_id}", { params: { path: { endpoint_id: id, delivery_id: deliveryId } }, signal })),
    enabled: deliveryId !== "" && deliveryId === ping.data?.delivery_id,
    initialData: ping.data?.delivery_id === deliveryId ? ping.data : undefined,
    refetchInterval: (query) => (query.state.data?.status === "PENDING" ? POLL_MS : false),
  });
  const shown = deliveryId ? result.data : undefined;
  return (
    <Paper withBorder p="md" component="section" aria-label="test">
      <Group justify="space-between" mb="xs"><Title order={2}>Test</Title><Button size="xs" variant="default" loading={ping.isPending} onClick={() => ping.mutate()}>Send a test webhook</Button></Group>
      <div role="status" className="switched">
        {shown ? (
          <Text size="sm" component="div">
            <StatusBadge status={shown.status} reason={shown.reason} />
            <div className="dim number">{[shown.code ? `answered with ${shown.code}` : "", shown.duration_ms ? `in ${formatDuration(shown.duration_ms / 1000)}` : "", formatCode(shown.detail ?? "")].filter(Boolean).join(", ") || "it is on its way"}</div>
          </Text>
        ) : <Text size="sm" className="dim">A signed webhook of the type herold.ping, on the way of all others.</Text>}
      </div>
    </Paper>
  );
}

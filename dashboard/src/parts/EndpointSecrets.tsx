import { Button, Group, Modal, Paper, Select, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold, queryClient } from "../api";
import { makeKey } from "../requestKeys";
import { FailurePanel } from "./Panels";
import { SecretBox } from "./SecretBox";
import { TimeText } from "./TimeText";

const OVERLAPS = [{ value: "0", label: "none: at once" }, { value: "3600", label: "1 hour" }, { value: "21600", label: "6 hours" }, { value: "86400", label: "1 day" }];

/** The secrets that sign now, without their values, and a new one for the next time. */
export function EndpointSecrets({ endpoint, canWrite }: { endpoint: Schemas["WebhookEndpoint"]; canWrite: boolean }) {
  return (
    <Paper withBorder p="md" component="section" aria-label="secrets">
      <Group justify="space-between" mb="xs"><Title order={2}>Secrets</Title>{canWrite ? <Rotation id={endpoint.id} /> : null}</Group>
      {endpoint.secrets.map((secret) => (
        <Text key={secret.created_at} size="sm" component="div">
          Of <TimeText at={secret.created_at} />{secret.expires_at ? <>, signs until <TimeText at={secret.expires_at} /></> : null}
          {secret.public_key ? <div className="mono" style={{ overflowWrap: "anywhere" }}>{secret.public_key}</div> : null}
        </Text>
      ))}
    </Paper>
  );
}

function Rotation({ id }: { id: string }) {
  const [isOpen, dialog] = useDisclosure();
  return (
    <>
      <Button size="xs" variant="default" onClick={dialog.open}>Rotate</Button>
      {isOpen ? <RotationDialog id={id} onClose={dialog.close} /> : null}
    </>
  );
}

function RotationDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const [overlap, setOverlap] = useState("86400");
  const [key] = useState(makeKey);
  const rotate = useMutation({
    mutationFn: async () =>
      unwrap(await herold.POST("/v1/webhook-endpoints/{endpoint_id}/rotate-secret", { params: { path: { endpoint_id: id }, header: { "Idempotency-Key": key } }, body: { overlap: Number(overlap) } })),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["webhook endpoint", id] }),
  });
  return (
    <Modal opened onClose={onClose} title="Rotate the secret" closeOnClickOutside={!rotate.data} closeOnEscape={!rotate.data}>
      {rotate.data ? <SecretBox title="The new secret" secret={rotate.data.secret} /> : (
        <Stack gap="sm">
          <Text size="sm">A new secret signs from now on. During the overlap each webhook has both signatures, so that the receiver can change its secret in between.</Text>
          <Select label="Overlap" data={OVERLAPS} value={overlap} allowDeselect={false} onChange={(value) => setOverlap(value ?? "86400")} />
          {rotate.error ? <FailurePanel error={rotate.error} onRetry={() => rotate.mutate()} /> : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button loading={rotate.isPending} onClick={() => rotate.mutate()}>Rotate</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { useAction } from "../actions";
import { herold } from "../api";
import { findFieldError } from "../fieldErrors";
import { parseLocalTime } from "../localTime";
import { ActionButton } from "./Actions";
import { FormFailure, TimeField } from "./Forms";

type Pause = Schemas["AccountPause"];

const KEYS = [["providers"], ["pipeline"]];
const FIELDS = ["account", "reason", "ends_at"];

/** Pauses an account or webhook host, or ends its pause. */
export function PauseButton({ account, pause }: { account: string; pause: Pause | null | undefined }) {
  const [isOpen, dialog] = useDisclosure();
  if (pause) return <ActionButton label="Resume" keys={KEYS} done={`${account} is called again within some seconds, once at first`} run={async () => unwrap(await herold.POST("/v1/providers/resume", { body: { account } }))} />;
  return (
    <>
      <Button size="xs" variant="default" onClick={dialog.open}>Pause</Button>
      {isOpen ? <PauseDialog account={account} onClose={dialog.close} /> : null}
    </>
  );
}

/** Asks why and until when an account is paused; without one, which webhook host. */
export function PauseDialog({ account: given, onClose }: { account?: string; onClose: () => void }) {
  const [host, setHost] = useState(""), [reason, setReason] = useState(""), [until, setUntil] = useState("");
  const account = given ?? host.trim();
  const pause = useAction(
    async () => unwrap(await herold.POST("/v1/providers/pause", { body: { account, reason: reason.trim(), ends_at: parseLocalTime(until) ?? null } })),
    { done: `${account} is not called any more within some seconds`, refresh: KEYS, isQuiet: true, onDone: onClose },
  );
  const isReady = account !== "" && reason.trim() !== "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) pause.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={given ? `Pause ${given}?` : "Pause a webhook host?"}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Text size="sm">Within some seconds no worker calls it. {given && !given.includes("://") ? "Its deliveries go to another account of the channel, or wait" : "Webhooks to all endpoints of the host wait"}; they use up no attempt, but they expire.</Text>
          {given ? null : <TextInput label="Host" description="Any URL of it, or https://shop.example.org:8443" required maxLength={300} value={host} error={findFieldError(pause.error, "account")} onChange={(event) => setHost(event.currentTarget.value)} data-autofocus />}
          <TextInput label="Reason" description="For the audit log, and whoever looks" required maxLength={1000} value={reason} error={findFieldError(pause.error, "reason")} onChange={(event) => setReason(event.currentTarget.value)} data-autofocus={given ? true : undefined} />
          <TimeField label="Until" description="Empty: until somebody resumes it" value={until} error={findFieldError(pause.error, "ends_at")} onChange={setUntil} />
          <FormFailure error={pause.error} fields={FIELDS} onRetry={() => pause.mutate()} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" disabled={!isReady} loading={pause.isPending}>Pause</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

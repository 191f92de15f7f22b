import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import type { QueryKey } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactNode } from "react";
import { useAction } from "../actions";
import { FailurePanel } from "./Panels";

interface ActionDialogProps {
  title: string;
  onClose: () => void;
  /** What will happen. */
  children: ReactNode;
  confirm: string;
  color?: string;
  /** What has to be typed before it can be confirmed, for what cannot be taken back. */
  phrase?: string;
  asksReason?: boolean;
  act: (reason: string) => Promise<unknown>;
  done?: string;
  refresh?: readonly QueryKey[];
  outdated?: readonly QueryKey[];
  onDone?: () => void;
}

/** A dialog before something that cannot be undone: it says what will happen, asks for a reason, and shows what went wrong. */
export function ActionDialog({ title, onClose, children, confirm, color, phrase, asksReason = false, act, done, refresh, outdated, onDone }: ActionDialogProps) {
  const [reason, setReason] = useState(""), [typed, setTyped] = useState("");
  const action = useAction(act, {
    done, refresh, outdated, isQuiet: true,
    onDone: () => {
      onClose();
      onDone?.();
    },
  });
  const isReady = (!phrase || typed === phrase) && (!asksReason || reason.trim() !== "");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) action.mutate(reason.trim());
  };
  return (
    <Modal opened onClose={onClose} title={title}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Text component="div" size="sm">{children}</Text>
          {asksReason ? <TextInput label="Reason, for the audit log" maxLength={128} value={reason} onChange={(event) => setReason(event.currentTarget.value)} data-autofocus /> : null}
          {phrase ? <TextInput label={<>Type <b>{phrase}</b> to confirm</>} autoComplete="off" spellCheck={false} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} /> : null}
          {action.error ? <FailurePanel error={action.error} onRetry={() => action.mutate(reason.trim())} /> : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" color={color} disabled={!isReady} loading={action.isPending}>{confirm}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

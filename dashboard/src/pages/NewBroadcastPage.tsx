import "../sending.css";

import { Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold, queryClient } from "../api";
import { readJson } from "../json";
import { findFieldError } from "../fieldErrors";
import { parseLocalTime } from "../localTime";
import { FormFailure } from "../parts/Forms";
import { buildNotification, EMPTY_NOTIFICATION, getPriority, NotificationFields, RateField, SendAtField, type NotificationValues } from "../parts/NotificationFields";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { buildRecipients, hasRecipients, RecipientsFields, type RecipientsValues } from "../parts/RecipientsFields";
import { Recipients } from "../parts/RecipientsPanel";
import { makeId } from "../requestKeys";

const route = getRouteApi("/broadcasts/new");
const FIELDS = ["audience", "user_ids", "notification.type", "notification.template", "notification.data", "notification.channels", "notification.send_at", "priority", "rate"];

interface Values extends NotificationValues, RecipientsValues {
  rate: number | "";
  sendAt: string;
}

/** Starts a broadcast, after a look at whom it would go to. */
export function NewBroadcastPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [values, setValues] = useState<Values>({ ...EMPTY_NOTIFICATION, kind: "audience", audience: search.audience ?? "", users: "", rate: "", sendAt: "" });
  const [id, setId] = useState(() => makeId("brd", Date.now())); // who starts it twice starts it once
  const look = useMutation({ mutationFn: async () => unwrap(await herold.POST("/v1/broadcasts", { body: build(values, { preview: true }) })) as Schemas["RecipientPreview"] });
  const start = useMutation({
    mutationFn: async () => unwrap(await herold.POST("/v1/broadcasts", { body: build(values, { id }) })) as Schemas["Broadcast"],
    onSuccess: (broadcast) => navigate({ to: "/broadcasts/$id", params: { id: broadcast.id } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["broadcasts"] }),
  });
  const change = (changes: Partial<Values>) => {
    setValues({ ...values, ...changes });
    setId(makeId("brd", Date.now())); // it is another broadcast
    if (!look.isIdle) look.reset();
    if (start.error) start.reset();
  };
  const error = start.error ?? look.error;
  const isReady = hasRecipients(values) && values.type.trim() !== "" && !readJson(values.data, {}).problem;
  return (
    <Page title="New broadcast">
      <div className="columns even">
        <Paper withBorder p="md" component="form" onSubmit={(event: React.FormEvent) => {
          event.preventDefault();
          if (isReady) look.mutate();
        }}>
          <Stack gap="sm">
            <RecipientsFields values={values} onChange={change} errorOf={(path) => findFieldError(error, path)} />
            <NotificationFields values={values} onChange={change} errorOf={(path) => (path === "priority" ? findFieldError(error, path) : findFieldError(error, `notification.${path}`))} />
            <RateField value={values.rate} error={findFieldError(error, "rate")} onChange={(rate) => change({ rate })} />
            <SendAtField value={values.sendAt} error={findFieldError(error, "notification.send_at")} onChange={(sendAt) => change({ sendAt })} />
            <FormFailure isSending error={error} fields={FIELDS} onRetry={() => (start.error ? start.mutate() : look.mutate())} />
            <Group justify="flex-end"><Button type="submit" variant={look.data ? "default" : "filled"} disabled={!isReady} loading={look.isPending}>Preview</Button></Group>
          </Stack>
        </Paper>
        {look.data ? (
          <Paper withBorder p="md" component="section" aria-label="preview">
            <Title order={2} mb="xs">It would go to</Title>
            <Recipients recipients={look.data} />
            <Text size="sm" className="dim" my="sm">Preferences, quiet hours and limits are judged for each of them. Nothing was sent.</Text>
            <Group justify="flex-end"><Button disabled={!look.data.count || start.isSuccess} loading={start.isPending} onClick={() => start.mutate()}>Start the broadcast</Button></Group>
          </Paper>
        ) : <EmptyPanel title="Whom it would go to">The preview checks the notification, and counts the users. Nothing is sent by it.</EmptyPanel>}
      </div>
    </Page>
  );
}

function build(values: Values, more: { preview?: boolean; id?: string }): Schemas["BroadcastRequest"] {
  const sendAt = parseLocalTime(values.sendAt);
  return {
    ...buildRecipients(values), ...more, preview: more.preview ?? false, priority: getPriority(values) ?? null, rate: values.rate || null,
    notification: { ...buildNotification(values), ...(sendAt ? { send_at: sendAt } : {}) } as Schemas["BroadcastNotification"],
  };
}

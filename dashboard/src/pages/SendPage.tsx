import "../sending.css";

import { Button, Checkbox, Group, Paper, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { readJson } from "../json";
import { findFieldError } from "../fieldErrors";
import { parseLocalTime } from "../localTime";
import { DryRunResult } from "../parts/DryRunResult";
import { FormFailure } from "../parts/Forms";
import { buildNotification, EMPTY_NOTIFICATION, getPriority, NotificationFields, SendAtField, type NotificationValues } from "../parts/NotificationFields";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { UserField } from "../parts/UserField";
import { makeKey } from "../requestKeys";
import { useCan } from "../session";
import { CHANNELS } from "../statuses";

const route = getRouteApi("/send");
const FIELDS = ["user_id", "to", "type", "template", "data", "channels", "priority", "send_at"];

interface Values extends NotificationValues {
  userId: string;
  to: Partial<Record<(typeof CHANNELS)[number], string>>;
  sendAt: string;
  isTest: boolean;
}

/** Sends one notification, after a look at what would happen. */
export function SendPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const canTry = useCan("notifications:read");
  const [values, setValues] = useState<Values>({ ...EMPTY_NOTIFICATION, userId: search.user_id ?? "", type: search.type ?? "", to: {}, sendAt: "", isTest: false });
  const [key, setKey] = useState(makeKey); // with it, what is sent twice happens once
  const dryRun = useMutation({ mutationFn: async () => unwrap(await herold.POST("/v1/notifications/preview", { body: build(values) })) });
  const send = useMutation({
    mutationFn: async () => unwrap(await herold.POST("/v1/notifications", { params: { header: { "Idempotency-Key": key } }, body: build(values) })) as Schemas["SubmissionResponse"],
    onSuccess: ({ id }) => navigate({ to: "/notifications/$id", params: { id }, search: { user_id: values.userId.trim() } }),
  });
  const change = (changes: Partial<Values>) => {
    setValues({ ...values, ...changes });
    setKey(makeKey()); // it is another notification
    if (!dryRun.isIdle) dryRun.reset();
    if (send.error) send.reset();
  };
  const error = send.error ?? dryRun.error;
  const isReady = values.userId.trim() !== "" && values.type.trim() !== "" && !readJson(values.data, {}).problem;
  const isTried = !canTry || dryRun.isSuccess;
  return (
    <Page title="Send">
      <div className="columns even">
        <Paper withBorder p="md" component="form" onSubmit={(event: React.FormEvent) => {
          event.preventDefault();
          if (isTried) send.mutate();
          else dryRun.mutate();
        }}>
          <Stack gap="sm">
            <UserField label="User" required value={values.userId} error={findFieldError(error, "user_id")} onChange={(userId) => change({ userId })} />
            <Addresses values={values} error={error} onChange={(to) => change({ to })} />
            <NotificationFields values={values} onChange={change} errorOf={(path) => findFieldError(error, path)} />
            <SendAtField value={values.sendAt} error={findFieldError(error, "send_at")} onChange={(sendAt) => change({ sendAt })} />
            <Checkbox label="A test: it goes to simulators only" checked={values.isTest} onChange={(event) => change({ isTest: event.currentTarget.checked })} />
            <FormFailure isSending error={error} fields={FIELDS} onRetry={() => (send.error ? send.mutate() : dryRun.mutate())} />
            <Group justify="space-between">
              <Text size="xs" className="dim">Idempotency-Key <span className="mono">{key}</span></Text>
              <Group gap="xs">
                {canTry ? <Button variant={isTried ? "default" : "filled"} disabled={!isReady} loading={dryRun.isPending} onClick={() => dryRun.mutate()}>Dry run</Button> : null}
                <Button type={isTried ? "submit" : "button"} disabled={!isReady || !isTried || send.isSuccess} loading={send.isPending} onClick={isTried ? undefined : () => dryRun.mutate()}>Send</Button>
              </Group>
            </Group>
          </Stack>
        </Paper>
        <section aria-label="dry run">
          {dryRun.data ? <DryRunResult preview={dryRun.data} /> : <NothingTried canTry={canTry} isStale={dryRun.isIdle} />}
        </section>
      </div>
    </Page>
  );
}

function NothingTried({ canTry, isStale }: { canTry: boolean; isStale: boolean }) {
  const canBroadcast = useCan("broadcasts:send");
  return (
    <EmptyPanel title={canTry ? "What would happen" : "Send it"}>
      {canTry && isStale ? "A dry run asks each gate and renders the message. Nothing is sent or stored by it." : "It opens with what happens to it."}
      {canBroadcast ? <Text size="sm" mt="sm">To many users: <Link to="/broadcasts/new">start a broadcast</Link>.</Text> : null}
    </EmptyPanel>
  );
}

// instead of the stored addresses; who has none stored is reached only so
function Addresses({ values, error, onChange }: { values: Values; error: unknown; onChange: (to: Values["to"]) => void }) {
  const count = Object.values(values.to).filter(Boolean).length;
  return (
    <details>
      <summary>Other addresses than the stored ones{count ? ` (${count})` : ""}</summary>
      <Stack gap="xs" mt="xs">
        {CHANNELS.map((channel) => (
          <TextInput
            key={channel} label={LABELS[channel]} placeholder={PLACEHOLDERS[channel]} value={values.to[channel] ?? ""} error={findFieldError(error, `to.${channel}`)} autoComplete="off" spellCheck={false}
            onChange={(event) => onChange({ ...values.to, [channel]: event.currentTarget.value })}
          />
        ))}
      </Stack>
    </details>
  );
}

const LABELS = { email: "E-mail", sms: "Telephone number", push: "Device token", webhook: "Webhook URL" };
const PLACEHOLDERS = { email: "ada@example.org", sms: "+436641234567", push: "", webhook: "https://hooks.example.org/orders" };

function build(values: Values): Schemas["Submission"] {
  const to = Object.fromEntries(Object.entries(values.to).map(([channel, address]) => [channel, address.trim()]).filter(([, address]) => address));
  const sendAt = parseLocalTime(values.sendAt), priority = getPriority(values);
  return {
    user_id: values.userId.trim(), ...buildNotification(values),
    ...(Object.keys(to).length ? { to } : {}), ...(sendAt ? { send_at: sendAt } : {}), ...(priority ? { priority } : {}), ...(values.isTest ? { is_test: true } : {}),
  } as Schemas["Submission"];
}

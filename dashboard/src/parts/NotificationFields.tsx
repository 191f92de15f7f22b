import { Autocomplete, Button, Group, NumberInput, Select, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import type { ReactNode } from "react";
import { herold } from "../api";
import { readJson } from "../json";
import { useCan } from "../session";
import { CHANNELS, PRIORITIES } from "../statuses";
import { ChannelsField, DataField, TimeField, TypeField } from "./Forms";
import { useProposedData } from "./useProposedData";

/** What a form says of a notification, beside whom it is for. */
export interface NotificationValues {
  type: string;
  template: string;
  data: string;
  channels: string[];
  priority: string;
}
export const EMPTY_NOTIFICATION: NotificationValues = { type: "", template: "", data: "", channels: [], priority: "" };

interface NotificationFieldsProps {
  values: NotificationValues;
  onChange: (values: Partial<NotificationValues>) => void;
  errorOf: (path: string) => string | undefined;
}

/** Type, template, data with what the template needs, channels and priority. */
export function NotificationFields({ values, onChange, errorOf }: NotificationFieldsProps) {
  const proposal = useProposedData({ type: values.type, template: values.template, data: values.data, onFill: (data) => onChange({ data }) });
  const { problem } = readJson(values.data, {});
  return (
    <Stack gap="sm">
      <TypeField value={values.type} error={errorOf("type")} onChange={(type) => onChange({ type })} />
      <TemplateField value={values.template} error={errorOf("template")} onChange={(template) => onChange({ template })} />
      <DataField
        label="Data" value={values.data} onChange={(data) => onChange({ data })} error={problem || errorOf("data")}
        description={<ProposalNote proposal={proposal} data={values.data} />}
      />
      <ChannelsField value={values.channels} error={errorOf("channels")} onChange={(channels) => onChange({ channels })} />
      <Select label="Priority" clearable placeholder="as the rule says" data={[...PRIORITIES]} value={values.priority || null} error={errorOf("priority")} onChange={(priority) => onChange({ priority: priority ?? "" })} />
    </Stack>
  );
}

/** What the data of a form are, with a way back to what the template takes. */
export function ProposalNote({ proposal, data }: { proposal: ReturnType<typeof useProposedData>; data: string }) {
  if (!proposal) return "An object of JSON, for the template";
  return <Group gap="xs" component="span">What the template {proposal.name} takes. {proposal.text !== data ? <Button size="compact-xs" variant="subtle" onClick={proposal.fill}>Fill it in anew</Button> : null}</Group>;
}

/** The body of these fields; what is empty is left out. The priority is not in it. Of a stored notification, what has no field stays as it is. */
export function buildNotification(values: NotificationValues, stored: Partial<Schemas["BroadcastNotification"]> = {}) {
  const { template: _template, channels: _channels, ...rest } = stored; // a field that was emptied is no longer stored
  return {
    ...rest,
    type: values.type.trim(),
    data: readJson(values.data, {}).value ?? {},
    ...(values.template.trim() ? { template: values.template.trim() } : {}),
    ...(values.channels.length ? { channels: CHANNELS.filter((channel) => values.channels.includes(channel)) } : {}),
  };
}

export const getPriority = (values: NotificationValues) => PRIORITIES.find((priority) => priority === values.priority);

function TemplateField({ value, onChange, error }: { value: string; onChange: (value: string) => void; error?: string }) {
  const canRead = useCan("templates:read");
  const templates = useQuery({
    queryKey: ["template names"],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/templates", { params: { query: { limit: 200 } }, signal })).items.map((item) => item.name),
    enabled: canRead,
    staleTime: 60_000,
  });
  return <Autocomplete label="Template" description="None: as the rule says" placeholder="as the rule says" data={templates.data ?? []} value={value} onChange={onChange} error={error} limit={20} />;
}

/** The users per second of a broadcast. */
export function RateField({ value, onChange, error }: { value: number | ""; onChange: (value: number | "") => void; error?: string }) {
  return <NumberInput label="Users per second" description="Empty: as fast as it goes" min={1} max={100_000} value={value} error={error} onChange={(rate) => onChange(rate === "" ? "" : Number(rate))} />;
}

/** A time in the future, with the rest of a form. */
export function SendAtField({ value, onChange, error }: { value: string; onChange: (value: string) => void; error?: string }): ReactNode {
  return <TimeField label="Send at" description="Empty: now" value={value} onChange={onChange} error={error} />;
}

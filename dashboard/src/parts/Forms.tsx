// What the forms of several pages share: what is wrong, data as JSON, a time, channels, the type of a notification.

import { Alert, Autocomplete, Group, JsonInput, MultiSelect, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { unwrap } from "herold-client";
import type { ReactNode } from "react";
import { herold } from "../api";
import { useDisplay } from "../display";
import { isAtFields, listOtherErrors } from "../fieldErrors";
import { formatUtc } from "../format";
import { parseLocalTime } from "../localTime";
import { useCan } from "../session";
import { CHANNELS } from "../statuses";
import { FailurePanel } from "./Panels";

interface FormFailureProps {
  error: unknown;
  /** The fields that show themselves what is wrong with them. */
  fields: readonly string[];
  onRetry: () => void;
  /** A form that sends notifications. */
  isSending?: boolean;
}

/** Why a form could not be sent; what its fields show themselves is only referred to, and what none shows is listed. */
export function FormFailure({ error, fields, onRetry, isSending = false }: FormFailureProps) {
  if (!error) return null;
  if (isAtFields(error, fields)) return <Alert color="red" variant="light" role="alert" title="Some fields are not valid">{isSending ? "Nothing was sent." : "Nothing was saved."} See what is written below them.</Alert>;
  return (
    <FailurePanel error={error} onRetry={onRetry}>
      {listOtherErrors(error, fields).map(({ path, detail }) => <span key={path + detail} style={{ overflowWrap: "anywhere" }}>{path ? <b>{path}: </b> : null}{detail}</span>)}
    </FailurePanel>
  );
}

interface TextFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: string;
  description?: ReactNode;
}

/** An object of JSON. */
export function DataField({ label, value, onChange, error, description }: TextFieldProps) {
  return (
    <JsonInput
      label={label} description={description} value={value} onChange={onChange} error={error} autosize minRows={3} maxRows={18}
      spellCheck={false} classNames={{ input: "mono" }} placeholder="{}"
    />
  );
}

/** A time in the zone that is shown, as the browser's own field, which does not say its zone. */
export function TimeField({ label, value, onChange, error, description }: TextFieldProps & { description?: string }) {
  const { zone } = useDisplay(), at = parseLocalTime(value);
  const inUtc = at ? formatUtc(at).slice(0, 16).concat(" UTC") : "";
  return (
    <TextInput
      type="datetime-local" label={label} value={value} onChange={(event) => onChange(event.currentTarget.value)} error={error}
      description={inUtc || [description, zone === "utc" ? "In UTC" : "In your zone"].filter(Boolean).join(". ")}
    />
  );
}

export function ChannelsField({ value, onChange, error }: { value: string[]; onChange: (value: string[]) => void; error?: string }) {
  return (
    <MultiSelect
      label="Channels" description="None: as the rule says" data={[...CHANNELS]} value={value} onChange={onChange} error={error}
      placeholder={value.length ? undefined : "as the rule says"} clearable
    />
  );
}

/** The type of a notification, with those of the rules proposed to who may read them. */
export function TypeField({ label = "Type", value, onChange, error, description }: Partial<TextFieldProps> & Pick<TextFieldProps, "value" | "onChange">) {
  const canRead = useCan("rules:read");
  const rules = useQuery({
    queryKey: ["rule types"],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/rules", { params: { query: { limit: 200 } }, signal })).items.map((item) => item.rule.type),
    enabled: canRead,
    staleTime: 60_000,
  });
  return <Autocomplete label={label} description={description} required data={[...new Set(rules.data ?? [])]} value={value} onChange={onChange} error={error} placeholder="order.shipped" limit={20} />;
}

/** The buttons at the end of a form. */
export function FormActions({ children }: { children: ReactNode }) {
  return <Group justify="flex-end" mt="xs">{children}</Group>;
}

import { MultiSelect, TagsInput } from "@mantine/core";
import type { Schemas } from "herold-client";

export type EventValues = Required<Pick<Schemas["EndpointRequest"], "categories" | "statuses">>;

const STATUSES = ["SENT", "DELIVERED", "FAILED", "BOUNCED", "UNSUBSCRIBED"] as const;

interface EventFieldsProps {
  values: EventValues;
  onChange: (changes: Partial<EventValues>) => void;
  errorOf: (path: string) => string | undefined;
  readOnly?: boolean;
}

/** Of which events an endpoint for statuses gets a webhook. */
export function EventFields({ values, onChange, errorOf, readOnly }: EventFieldsProps) {
  return (
    <>
      <TagsInput label="Categories" description="None: all" readOnly={readOnly} value={values.categories} error={errorOf("categories")} onChange={(categories) => onChange({ categories })} />
      <MultiSelect label="Statuses" description="None: the final ones" readOnly={readOnly} data={[...STATUSES]} value={values.statuses} error={errorOf("statuses")} onChange={(statuses) => onChange({ statuses: statuses as EventValues["statuses"] })} />
    </>
  );
}

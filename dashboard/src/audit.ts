// What an entry of the audit log says, as fields before and after.

import type { Schemas } from "herold-client";

type Entry = Schemas["AuditEntry"];

/** A field that was changed; `before` is undefined if the entry does not say what it was. */
export interface ChangedField {
  name: string;
  before?: string;
  after?: string;
}

const isObject = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === "object" && !Array.isArray(value);

/** The fields that an entry has before and after, in the order of the entry. */
export function listChanges({ details }: Entry): ChangedField[] {
  const before = isObject(details.before) ? details.before : {}, after = isObject(details.after) ? details.after : {};
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].map((name) => ({ name, before: writeValue(before[name]), after: writeValue(after[name]) }));
}

/** What else it says: everything but what listChanges shows. */
export function listFacts({ details }: Entry): [string, string][] {
  return Object.entries(details)
    .filter(([name, value]) => !(["before", "after"].includes(name) && isObject(value)))
    .map(([name, value]): [string, string] => [name, writeValue(value) ?? ""])
    .filter(([, value]) => value !== "");
}

/** One line that says what happened to what. */
export function describeEntry({ action, object_type, object_id }: Entry): string {
  return [action.replaceAll("_", " "), object_type.replaceAll("_", " "), object_id].filter(Boolean).join(" ");
}

function writeValue(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join(value.some((item) => item.length > 40) ? "\n" : ", ");
  return typeof value === "string" ? value : JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
}

import { Alert } from "@mantine/core";
import type { Schemas } from "herold-client";
import { formatMoment } from "../format";

const NAMES: Record<string, string> = { kafka: "Kafka", workers: "Workers", breakers: "Redis", dead_letters: "PostgreSQL" };

/** Which sources do not answer, since when, and from when what is shown of them is. Nothing if all answer. */
export function SourceNotes({ sources }: { sources: Record<string, Schemas["SourceState"]> }) {
  const down = Object.entries(sources).filter(([, source]) => source.problem);
  return down.map(([name, source]) => (
    <Alert key={name} color="red" variant="light" role="status" mb="sm" title={`${NAMES[name] ?? name}: no answer${source.since ? ` since ${formatMoment(source.since)}` : ""}`}>
      {source.as_of ? `What is shown of it is of ${formatMoment(source.as_of)}.` : "Nothing is known of it yet."} {source.problem}
    </Alert>
  ));
}

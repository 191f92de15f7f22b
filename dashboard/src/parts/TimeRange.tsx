import { Group, TextInput } from "@mantine/core";
import { useDisplay } from "../display";
import { formatLocalTime, parseLocalTime } from "../localTime";

interface Range {
  since?: string;
  until?: string;
}

/** From when until when, in the zone that is shown; the URL has epoch seconds. */
export function TimeRange({ values, onChange }: { values: Range; onChange: (range: Range) => void }) {
  useDisplay(); // the same time is another text in another zone
  const bind = (name: keyof Range) => ({
    type: "datetime-local", size: "xs", value: formatLocalTime(Number(values[name])),
    onChange: (event: { currentTarget: { value: string } }) => onChange({ ...values, [name]: parseLocalTime(event.currentTarget.value)?.toString() }),
  });
  return (
    <Group gap="xs" className="filters">
      <TextInput aria-label="From this time on" title="From this time on" {...bind("since")} />
      <TextInput aria-label="Before this time" title="Before this time" {...bind("until")} />
    </Group>
  );
}

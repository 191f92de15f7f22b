import { Button, Group, Text, TextInput, Title } from "@mantine/core";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { showUndo, useAction } from "../actions";
import { herold } from "../api";
import { formatTimeOfDay, listQuietParts, toMinutes } from "../preferences";
import { useCan } from "../session";
import { useNow } from "./TimeText";

type Hours = Schemas["QuietHours"];
type User = Schemas["User"];

const HOURS = [0, 6, 12, 18, 24];

/** When nothing but what may interrupt is sent, in the zone of the user: a day as a strip, and the hours, which are saved with an undo. */
export function QuietHours({ user }: { user: User }) {
  const canWrite = useCan("users:write");
  const zone = user.time_zone || "UTC";
  const now = formatTimeOfDay(useNow(), zone);
  const save = useAction(
    async (quiet_hours: Hours | null) =>
      unwrap(await herold.PATCH("/v1/users/{user_id}", { params: { path: { user_id: user.id }, header: { "If-Match": "*" } }, body: { quiet_hours } })),
    { refresh: [["user", user.id]] },
  );
  const change = (hours: Hours | null) =>
    save.mutate(hours, { onSuccess: () => showUndo(hours ? `Quiet from ${hours.start} to ${hours.end}` : "No quiet hours", () => save.mutateAsync(user.quiet_hours)) });
  return (
    <>
      <Title order={2} mb="xs">Quiet hours</Title>
      <DayStrip hours={user.quiet_hours} now={now} />
      <Text size="sm" mt="xs">
        {user.quiet_hours ? `From ${user.quiet_hours.start} to ${user.quiet_hours.end}` : "None"}, in {zone}{user.time_zone ? "" : " (the user has no time zone)"}; it is {now} there.
      </Text>
      {canWrite ? <HoursForm key={JSON.stringify(user.quiet_hours)} hours={user.quiet_hours} isBusy={save.isPending} onChange={change} /> : null}
    </>
  );
}

function DayStrip({ hours, now }: { hours: Hours | null; now: string }) {
  const percent = (share: number) => `${(share * 100).toFixed(2)}%`;
  const label = hours ? `quiet from ${hours.start} to ${hours.end}, now ${now}` : `no quiet hours, now ${now}`;
  return (
    <div className="day" role="img" aria-label={label}>
      <div className="day-strip">
        {hours ? listQuietParts(hours).map(({ from, to }) => <span key={from} className="day-quiet" style={{ left: percent(from), width: percent(to - from) }} />) : null}
        <span className="day-now" style={{ left: percent(toMinutes(now) / 1440) }} title={`now ${now}`} />
      </div>
      <div className="day-hours number">{HOURS.map((hour) => <span key={hour}>{String(hour).padStart(2, "0")}</span>)}</div>
    </div>
  );
}

function HoursForm({ hours, isBusy, onChange }: { hours: Hours | null; isBusy: boolean; onChange: (hours: Hours | null) => void }) {
  const [start, setStart] = useState(hours?.start ?? ""), [end, setEnd] = useState(hours?.end ?? "");
  const isChanged = start !== (hours?.start ?? "") || end !== (hours?.end ?? "");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onChange({ start, end });
  };
  return (
    <Group component="form" gap="xs" mt="sm" align="flex-end" onSubmit={submit as never}>
      <TextInput type="time" size="xs" label="From" required withAsterisk={false} value={start} onChange={(event) => setStart(event.currentTarget.value)} />
      <TextInput type="time" size="xs" label="To" required withAsterisk={false} value={end} onChange={(event) => setEnd(event.currentTarget.value)} />
      <Button type="submit" size="xs" disabled={!isChanged || !start || !end} loading={isBusy}>Save</Button>
      {hours ? <Button size="xs" variant="default" disabled={isBusy} onClick={() => onChange(null)}>None</Button> : null}
    </Group>
  );
}

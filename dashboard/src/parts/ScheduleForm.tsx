import { Autocomplete, Button, Group, Paper, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { isConflict, matchVersion } from "../actions";
import { herold, queryClient } from "../api";
import { readJson, writeJson } from "../json";
import { findFieldError } from "../fieldErrors";
import { formatZoned } from "../format";
import { formatLocalTime, keepLocalTime } from "../localTime";
import { ConflictPanel } from "./ConflictPanel";
import { FormFailure, TimeField } from "./Forms";
import { buildNotification, EMPTY_NOTIFICATION, getPriority, NotificationFields, RateField, type NotificationValues } from "./NotificationFields";
import { buildRecipients, hasRecipients, RecipientsFields, type RecipientsValues } from "./RecipientsFields";

type Schedule = Schemas["ScheduleDetails"];
type Times = Schemas["ScheduleTimes"];

const FIELDS = ["name", "cron", "time_zone", "start_at", "end_at", "missed", "audience", "user_ids", "priority", "rate", "notification.type", "notification.template", "notification.data", "notification.channels"];
const MISSED = [{ value: "once", label: "one run for all of them" }, { value: "all", label: "each of them" }, { value: "skip", label: "none" }];
const ZONES = Intl.supportedValuesOf("timeZone");
const TYPING_MS = 400;

interface Values extends NotificationValues, RecipientsValues {
  name: string;
  cron: string;
  timeZone: string;
  startAt: string;
  endAt: string;
  missed: string;
  rate: number | "";
}

/** The form of a schedule, with its next runs while the expression is written. */
export function ScheduleForm({ schedule, onSaved }: { schedule?: Schedule; onSaved: (schedule: Schedule) => void }) {
  const [base, setBase] = useState(schedule);
  const [values, setValues] = useState<Values>(() => toValues(schedule));
  const save = useMutation({
    mutationFn: async (version: number | undefined) =>
      unwrap(await herold.PUT("/v1/schedules/{name}", { params: { path: { name: values.name.trim() }, header: version ? matchVersion(version) : {} }, body: buildSchedule(values, base, schedule) })) as Schedule,
    onSuccess: onSaved,
    onSettled: () => Promise.all([["schedules"], ["schedule"]].map((queryKey) => queryClient.invalidateQueries({ queryKey }))),
  });
  const change = (changes: Partial<Values>) => setValues({ ...values, ...changes });
  const errorOf = (path: string) => findFieldError(save.error, path);
  const isReady = values.name.trim() !== "" && values.cron.trim() !== "" && hasRecipients(values) && values.type.trim() !== "" && !readJson(values.data, {}).problem;
  return (
    <div className="columns even">
      <Paper withBorder p="md" component="form" onSubmit={(event: React.FormEvent) => {
        event.preventDefault();
        if (isReady) save.mutate(base?.version);
      }}>
        <Stack gap="sm">
          {schedule ? null : <TextInput label="Name" required placeholder="weekly-news" value={values.name} error={errorOf("name")} onChange={(event) => change({ name: event.currentTarget.value })} />}
          <TextInput label="Cron expression" required description="minute, hour, day of the month, month, day of the week: 0 8 * * 1-5" classNames={{ input: "mono" }} value={values.cron} error={errorOf("cron")} onChange={(event) => change({ cron: event.currentTarget.value })} />
          <Autocomplete label="Time zone" data={ZONES} limit={30} value={values.timeZone} error={errorOf("time_zone")} onChange={(timeZone) => change({ timeZone })} />
          <div className="fields">
            <TimeField label="From" description="Empty: now" value={values.startAt} error={errorOf("start_at")} onChange={(startAt) => change({ startAt })} />
            <TimeField label="Until" description="Empty: without an end" value={values.endAt} error={errorOf("end_at")} onChange={(endAt) => change({ endAt })} />
          </div>
          <Select label="Of runs that were missed" allowDeselect={false} data={MISSED} value={values.missed} error={errorOf("missed")} onChange={(missed) => change({ missed: missed ?? "once" })} />
          <RecipientsFields values={values} onChange={change} errorOf={errorOf} />
          <NotificationFields values={values} onChange={change} errorOf={(path) => errorOf(path === "priority" ? path : `notification.${path}`)} />
          <RateField value={values.rate} error={errorOf("rate")} onChange={(rate) => change({ rate })} />
          {isConflict(save.error) && schedule ? (
            <ConflictPanel
              isBusy={save.isPending} fields={listConflicts(values, schedule)} onSaveMine={() => save.mutate(schedule.version)}
              onTakeTheirs={() => {
                setBase(schedule);
                setValues(toValues(schedule));
                save.reset();
              }}
            />
          ) : <FormFailure error={save.error} fields={FIELDS} onRetry={() => save.mutate(base?.version)} />}
          <Group justify="flex-end"><Button type="submit" disabled={!isReady} loading={save.isPending}>{schedule ? "Save" : "Create"}</Button></Group>
        </Stack>
      </Paper>
      <NextRunsOf times={toTimes(values, base)} />
    </div>
  );
}

// the times come from the gateway, which reads the expression as the scheduler does
function NextRunsOf({ times }: { times: Times }) {
  const [settled] = useDebouncedValue(times, TYPING_MS);
  const runs = useQuery({
    queryKey: ["next runs", settled],
    queryFn: async ({ signal }) => unwrap(await herold.POST("/v1/schedules/preview", { body: settled, signal })).next_runs,
    enabled: settled.cron.trim() !== "",
    placeholderData: (previous) => previous,
  });
  const problem = FIELDS.map((field) => findFieldError(runs.error, field)).find(Boolean);
  return (
    <Paper withBorder p="md" component="section" aria-label="next runs" mih={190}>
      <Title order={2} mb="xs">Next runs</Title>
      {problem ? <Text size="sm" role="status"><span className="tone-bad">✕ </span>{problem}</Text> : null}
      {!problem && settled.cron.trim() === "" ? <Text size="sm" className="dim">They appear here while you write the expression.</Text> : null}
      {!problem && runs.data && settled.cron.trim() !== "" ? <RunTimes times={runs.data} timeZone={settled.time_zone ?? "UTC"} /> : null}
    </Paper>
  );
}

/** Times in the zone of a schedule, with those of the viewer on hover. */
export function RunTimes({ times, timeZone }: { times: readonly number[]; timeZone: string }) {
  if (!times.length) return <Text size="sm" className="dim">There are none.</Text>;
  return (
    <>
      <ul className="plain">{times.map((at) => <li key={at} className="number"><time dateTime={new Date(at * 1000).toISOString()} title={new Date(at * 1000).toISOString()}>{formatZoned(at, timeZone)}</time></li>)}</ul>
      <Text size="xs" className="dim" mt="xs">by the clock of {timeZone}</Text>
    </>
  );
}

const toTimes = (values: Values, stored: Schedule | undefined): Times => ({ cron: values.cron.trim(), time_zone: values.timeZone.trim() || "UTC", start_at: keepLocalTime(values.startAt, stored?.start_at) ?? null, end_at: keepLocalTime(values.endAt, stored?.end_at) ?? null });

/** The body of the form: a time that is as in `base` stays as it is there, and what has no field stays as it is stored. */
export const buildSchedule = (values: Values, base?: Schedule, stored = base): Schemas["ScheduleDefinition"] => ({
  ...toTimes(values, base), ...buildRecipients(values), missed: values.missed as Schemas["ScheduleDefinition"]["missed"], priority: getPriority(values) ?? null, rate: values.rate || null,
  notification: buildNotification(values, stored?.notification) as Schemas["BroadcastNotification"],
});

export function toValues(schedule: Schedule | undefined): Values {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!schedule) return { ...EMPTY_NOTIFICATION, kind: "audience", audience: "", users: "", name: "", cron: "", timeZone: zone, startAt: "", endAt: "", missed: "once", rate: "" };
  const { notification } = schedule;
  return {
    name: schedule.name, cron: schedule.cron, timeZone: schedule.time_zone, startAt: formatLocalTime(schedule.start_at), endAt: formatLocalTime(schedule.end_at), missed: schedule.missed, rate: schedule.rate ?? "",
    kind: schedule.audience ? "audience" : "users", audience: schedule.audience, users: (schedule.user_ids ?? []).join("\n"),
    type: notification.type, template: notification.template ?? "", data: writeJson(notification.data ?? {}), channels: notification.channels ?? [], priority: schedule.priority ?? "",
  };
}

function listConflicts(mine: Values, stored: Schedule) {
  const theirs = toValues(stored);
  return (Object.keys(theirs) as (keyof Values)[])
    .filter((name) => String(mine[name]) !== String(theirs[name]))
    .map((name) => ({ label: name, mine: String(mine[name]), theirs: String(theirs[name]) }));
}

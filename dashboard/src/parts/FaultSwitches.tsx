import { Button, Collapse, Group, NumberInput, Paper, Select, Stack, Text, TextInput, Title, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { showFailure } from "../actions";
import { herold, queryClient } from "../api";
import { CONNECTIONS, describeEnd, describeFault, listFaultsOf, PRESETS, PROVIDERS, type Fault } from "../faults";
import { findFieldError } from "../fieldErrors";
import { formatCount } from "../format";
import { useCan } from "../session";
import { ActionButton } from "./Actions";
import { FormFailure } from "./Forms";
import { QueryPanel } from "./QueryPanel";

type Active = Schemas["ActiveFault"];

const POLL_MS = 2_000;
const DURATIONS = [{ value: "60", label: "1 minute" }, { value: "120", label: "2 minutes" }, { value: "600", label: "10 minutes" }, { value: "3600", label: "1 hour" }];
const KEY = ["simulator faults"];
const FIELDS = ["provider", "seconds", "status", "latency", "connection", "ratio", "key", "retry_after"];

/** The faults that are switched on; asked again and again, because they end by themselves. */
export function useFaults() {
  return useQuery({ queryKey: KEY, queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/simulators/faults", { signal })).items, refetchInterval: POLL_MS });
}

/** What each simulated provider plays, and one click for each usual fault. */
export function FaultSwitches() {
  const faults = useFaults();
  const [seconds, setSeconds] = useState("120");
  const canWrite = useCan("simulators:write");
  const start = useStart();
  return (
    <QueryPanel query={faults}>
      {(active) => (
        <Stack gap="md">
          {canWrite ? <Select label="How long" w={160} size="xs" data={DURATIONS} value={seconds} allowDeselect={false} onChange={(value) => setSeconds(value ?? "120")} /> : null}
          <div className="sending-cards">
            {PROVIDERS.map(({ name, label, channel }) => (
              <ProviderCard
                key={name} title={channel ? `${label} (${channel})` : label} active={listFaultsOf(active, name)} isBusy={start.isPending}
                onStart={canWrite ? (fault) => start.mutate({ ...build(name), ...fault, seconds: Number(seconds) }, { onError: showFailure }) : undefined}
              />
            ))}
          </div>
          {canWrite ? <OwnFault /> : null}
        </Stack>
      )}
    </QueryPanel>
  );
}

const build = (provider: Fault["provider"]): Fault => ({ provider, seconds: 120, key: "", ratio: 1, seed: 1, status: null, retry_after: null, latency: "", connection: null });

function useStart(onDone?: () => void) {
  return useMutation({
    mutationFn: async (fault: Fault) => unwrap(await herold.POST("/v1/simulators/faults", { body: fault })),
    onSuccess: onDone,
    onSettled: () => queryClient.invalidateQueries({ queryKey: KEY }),
  });
}

interface ProviderCardProps {
  title: string;
  active: Active[];
  isBusy: boolean;
  onStart?: (fault: Partial<Fault>) => void;
}

function ProviderCard({ title, active, isBusy, onStart }: ProviderCardProps) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Title order={2} mb="xs">{title}</Title>
      <div className="switched">
        {active.length ? active.map((each) => <ActiveFault key={each.id} active={each} canStop={!!onStart} />) : <Text size="sm" className="tone-good">✓ works</Text>}
      </div>
      {onStart ? (
        <Group gap="xs" mt="sm">
          {PRESETS.map(({ label, meaning, fault }) => (
            <Tooltip key={label} label={meaning}><Button size="compact-xs" variant="default" disabled={isBusy} onClick={() => onStart(fault)}>{label}</Button></Tooltip>
          ))}
        </Group>
      ) : null}
    </Paper>
  );
}

function ActiveFault({ active, canStop }: { active: Active; canStop: boolean }) {
  return (
    <Group justify="space-between" wrap="nowrap" align="flex-start" gap="xs">
      <Text size="sm"><span className="tone-bad">✕ </span>{describeFault(active.fault)}<span className="dim number"> · {formatCount(active.changed)} of {formatCount(active.matched)} requests, {describeEnd(active.ends_in)}</span></Text>
      {canStop ? (
        <ActionButton
          label="End" size="compact-xs" keys={[KEY]}
          run={async () => unwrap(await herold.DELETE("/v1/simulators/faults/{fault_id}", { params: { path: { fault_id: String(active.id) } } }))}
        />
      ) : null}
    </Group>
  );
}

function OwnFault() {
  const [isOpen, panel] = useDisclosure();
  const [fault, setFault] = useState(() => build("sendgrid"));
  const start = useStart(panel.close);
  const set = (values: Partial<Fault>) => setFault({ ...fault, ...values });
  const errorOf = (path: string) => findFieldError(start.error, path);
  return (
    <div>
      <Button size="xs" variant="default" aria-expanded={isOpen} onClick={panel.toggle}>Another fault</Button>
      <Collapse expanded={isOpen}>
        <Paper withBorder p="md" mt="sm" component="form" onSubmit={(event: React.FormEvent) => {
          event.preventDefault();
          start.mutate(fault);
        }}>
          <div className="fields">
            <Select label="Provider" data={["all", ...PROVIDERS.map(({ name }) => name)]} value={fault.provider} allowDeselect={false} onChange={(value) => set({ provider: value as Fault["provider"] })} />
            <NumberInput label="Seconds" min={1} max={86_400} value={fault.seconds} error={errorOf("seconds")} onChange={(value) => set({ seconds: Number(value) || 120 })} />
            <NumberInput label="Status" description="400 to 599; empty: as usual" min={400} max={599} value={fault.status ?? ""} error={errorOf("status")} onChange={(value) => set({ status: Number(value) || null })} />
            <TextInput label="Retry after" description="of a response with a status" value={fault.retry_after ?? ""} error={errorOf("retry_after")} onChange={(event) => set({ retry_after: event.currentTarget.value || null })} />
            <TextInput label="Latency" description="200ms, uniform:100ms-2s, lognormal:1s:1.2" value={fault.latency ?? ""} error={errorOf("latency")} onChange={(event) => set({ latency: event.currentTarget.value })} />
            <Select label="Connection" clearable data={Object.entries(CONNECTIONS).map(([value, label]) => ({ value, label: `${value}: ${label}` }))} value={fault.connection ?? null} onChange={(value) => set({ connection: (value ?? null) as Fault["connection"] })} />
            <NumberInput label="Part of the requests, in per cent" min={1} max={100} value={Math.round((fault.ratio ?? 1) * 100)} error={errorOf("ratio")} onChange={(value) => set({ ratio: (Number(value) || 100) / 100 })} />
            <TextInput label="Account or host" description="that begins with this; empty: all" value={fault.key ?? ""} error={errorOf("key")} onChange={(event) => set({ key: event.currentTarget.value })} />
          </div>
          <FormFailure error={start.error} fields={FIELDS} onRetry={() => start.mutate(fault)} />
          <Group justify="flex-end" mt="sm"><Button type="submit" loading={start.isPending}>Switch it on</Button></Group>
        </Paper>
      </Collapse>
    </div>
  );
}

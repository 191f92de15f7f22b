import { Button, Checkbox, Group, Stack, TagsInput, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { isConflict, matchVersion } from "../actions";
import { herold, queryClient } from "../api";
import { findFieldError } from "../fieldErrors";
import { ConflictPanel } from "./ConflictPanel";
import { EventFields, type EventValues } from "./EventFields";
import { FormFailure } from "./Forms";

type Endpoint = Schemas["WebhookEndpoint"];
type Values = Pick<Endpoint, "url" | "description" | "types" | "categories" | "statuses" | "ordered">;

const FIELDS = ["url", "description", "types", "categories", "statuses", "ordered"];

/** What can be changed of an endpoint. Whoever may not sees it only. */
export function EndpointEditor({ endpoint, canWrite }: { endpoint: Endpoint; canWrite: boolean }) {
  const [edited, setEdited] = useState<{ base: Endpoint; values: Values }>();
  const base = edited?.base ?? endpoint, values: Values = edited?.values ?? endpoint;
  const save = useMutation({
    mutationFn: async (version: number) =>
      unwrap(await herold.PATCH("/v1/webhook-endpoints/{endpoint_id}", { params: { path: { endpoint_id: endpoint.id }, header: matchVersion(version) }, body: findChanges(values, base) as Schemas["EndpointChange"] })),
    onSuccess: () => setEdited(undefined),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["webhook endpoint", endpoint.id] }),
  });
  const set = (changes: Partial<Values>) => canWrite && setEdited({ base, values: { ...pick(values), ...changes } });
  const leave = () => {
    setEdited(undefined);
    save.reset();
  };
  const isChanged = edited !== undefined && Object.keys(findChanges(values, base)).length > 0;
  const errorOf = (path: string) => findFieldError(save.error, path);
  return (
    <Stack component="form" gap="sm" onSubmit={(event) => {
      event.preventDefault();
      if (isChanged) save.mutate(base.version);
    }}>
      <TextInput label="URL" type="url" readOnly={!canWrite} value={values.url} error={errorOf("url")} onChange={(event) => set({ url: event.currentTarget.value })} />
      <TextInput label="Description" readOnly={!canWrite} value={values.description} error={errorOf("description")} onChange={(event) => set({ description: event.currentTarget.value })} />
      <TagsInput label="Types" description="order.* takes all that begin with order. None: all types" readOnly={!canWrite} value={values.types} error={errorOf("types")} onChange={(types) => set({ types })} />
      {endpoint.kind === "status" ? <EventFields values={values as EventValues} readOnly={!canWrite} errorOf={errorOf} onChange={set} /> : null}
      <Checkbox label="One webhook after the other" description="For each user: while one is retried, those after it wait, until it has expired at most" disabled={!canWrite} checked={values.ordered ?? false} onChange={(event) => set({ ordered: event.currentTarget.checked })} />
      {isConflict(save.error) ? (
        <ConflictPanel isBusy={save.isPending} onTakeTheirs={leave} onSaveMine={() => save.mutate(endpoint.version)} fields={listConflicts(findChanges(values, base), endpoint)} />
      ) : <FormFailure error={save.error} fields={FIELDS} onRetry={() => save.mutate(base.version)} />}
      {canWrite ? (
        <Group justify="flex-end" mih={36}>
          {isChanged ? <Button variant="default" onClick={leave}>Cancel</Button> : null}
          <Button type="submit" disabled={!isChanged} loading={save.isPending}>Save</Button>
        </Group>
      ) : null}
    </Stack>
  );
}

const pick = ({ url, description, types, categories, statuses, ordered }: Values): Values => ({ url, description, types, categories, statuses, ordered });

const findChanges = (mine: Values, theirs: Values): Partial<Values> =>
  Object.fromEntries(Object.entries(pick(mine)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(theirs[name as keyof Values])));

const listConflicts = (changes: Partial<Values>, theirs: Values) =>
  Object.entries(findChanges({ ...pick(theirs), ...changes }, theirs)).map(([label, value]) => ({ label, mine: show(value), theirs: show(theirs[label as keyof Values]) }));

const show = (value: string | readonly string[] | boolean | undefined) => (Array.isArray(value) ? value.join(", ") : String(value ?? false));

import { Button, Group, MultiSelect, Paper, SegmentedControl, Stack, TagsInput, Text, Textarea, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { isConflict, matchVersion } from "../actions";
import { herold, queryClient } from "../api";
import { describeFilter, EMPTY_FORM, toFilter, toForm, type Filter, type FilterForm } from "../audienceFilters";
import { readJson } from "../json";
import { findFieldError } from "../fieldErrors";
import { CHANNELS } from "../statuses";
import { ConflictPanel } from "./ConflictPanel";
import { DataField, FormFailure, TimeField } from "./Forms";
import { RecipientsPanel } from "./RecipientsPanel";

type Audience = Schemas["Audience"];
type Kind = Audience["kind"];

const FIELDS = ["name", "filter", "description"];
const TYPING_MS = 400;

interface AudienceFormProps {
  /** What is changed; none for a new one. */
  audience?: Audience;
  onSaved: (audience: Audience) => void;
}

/** The form of an audience. A filter shows how many users match while it is written. */
export function AudienceForm({ audience, onSaved }: AudienceFormProps) {
  const [base, setBase] = useState(audience);
  const [name, setName] = useState(audience?.name ?? "");
  const [kind, setKind] = useState<Kind>(audience?.kind ?? "filter");
  const [description, setDescription] = useState(audience?.description ?? "");
  const [form, setForm] = useState<FilterForm>(audience?.filter ? toForm(audience.filter) : EMPTY_FORM);
  const rest = readJson(form.rest, {}), filter = kind === "filter" ? toFilter(form, rest.value ?? {}, base?.filter ?? {}) : null;
  const save = useMutation({
    mutationFn: async (version: number | undefined) =>
      unwrap(await herold.PUT("/v1/audiences/{name}", { params: { path: { name }, header: version ? matchVersion(version) : {} }, body: { filter, description } })),
    onSuccess: onSaved,
    onSettled: () => Promise.all([["audiences"], ["audience", name], ["audience preview", name], ["audience members", name]].map((queryKey) => queryClient.invalidateQueries({ queryKey }))),
  });
  const errorOf = (path: string) => findFieldError(save.error, path);
  return (
    <div className="columns even">
      <Paper withBorder p="md" component="form" onSubmit={(event: React.FormEvent) => {
        event.preventDefault();
        save.mutate(base?.version);
      }}>
        <Stack gap="sm">
          {audience ? null : (
            <>
              <TextInput label="Name" required value={name} error={errorOf("name")} placeholder="gold-in-german" onChange={(event) => setName(event.currentTarget.value)} />
              <SegmentedControl aria-label="kind" value={kind} onChange={(value) => setKind(value as Kind)} data={[{ value: "filter", label: "A filter" }, { value: "list", label: "A list of users" }]} />
            </>
          )}
          <Textarea label="Description" autosize maxLength={1000} value={description} error={errorOf("description")} onChange={(event) => setDescription(event.currentTarget.value)} />
          {kind === "filter" ? <FilterFields form={form} onChange={(changes) => setForm({ ...form, ...changes })} problem={rest.problem ?? ""} errorOf={errorOf} /> : <Text size="sm" className="dim">Its members are added when it is there.</Text>}
          {isConflict(save.error) && audience ? (
            <ConflictPanel
              isBusy={save.isPending} fields={listConflicts(filter, description, audience)} onSaveMine={() => save.mutate(audience.version)}
              onTakeTheirs={() => {
                setBase(audience);
                setDescription(audience.description);
                setForm(audience.filter ? toForm(audience.filter) : EMPTY_FORM);
                save.reset();
              }}
            />
          ) : <FormFailure error={save.error} fields={FIELDS} onRetry={() => save.mutate(base?.version)} />}
          <Group justify="flex-end"><Button type="submit" disabled={!name.trim() || !!rest.problem} loading={save.isPending}>{audience ? "Save" : "Create"}</Button></Group>
        </Stack>
      </Paper>
      {filter ? <Matching filter={filter} isValid={!rest.problem} /> : null}
    </div>
  );
}

const listConflicts = (filter: Filter | null, description: string, stored: Audience) =>
  [
    { label: "description", mine: description, theirs: stored.description },
    ...(filter && stored.filter ? [{ label: "filter", mine: describeFilter(filter), theirs: describeFilter(stored.filter) }] : []),
  ].filter(({ mine, theirs }) => mine !== theirs);

interface FilterFieldsProps {
  form: FilterForm;
  problem: string;
  onChange: (changes: Partial<FilterForm>) => void;
  errorOf: (path: string) => string | undefined;
}

function FilterFields({ form, problem, onChange, errorOf }: FilterFieldsProps) {
  return (
    <>
      <Text size="sm" className="dim">All that is filled in must hold. Nothing: all users.</Text>
      <TagsInput label="Tier" description="one of these" value={form.tier} error={errorOf("filter.tier")} onChange={(tier) => onChange({ tier })} />
      <TagsInput label="Locale" description="one of these or more special: de takes de-AT, too" value={form.locale} error={errorOf("filter.locale")} onChange={(locale) => onChange({ locale })} />
      <TagsInput label="Time zone" description="one of these, as Europe/Vienna" value={form.time_zone} error={errorOf("filter.time_zone")} onChange={(time_zone) => onChange({ time_zone })} />
      <MultiSelect label="Has a channel" description="an address or device on each of these" data={[...CHANNELS]} value={form.has_channel} error={errorOf("filter.has_channel")} onChange={(has_channel) => onChange({ has_channel })} />
      <TagsInput label="Attributes" description={'as plan=free; all of these. Quotes make a text of a number: zip="1010"'} value={form.attributes} error={errorOf("filter.attributes")} onChange={(attributes) => onChange({ attributes })} />
      <div className="fields">
        <TimeField label="Created after" description="Or at this time" value={form.created_after} error={errorOf("filter.created_after")} onChange={(created_after) => onChange({ created_after })} />
        <TimeField label="Created before" value={form.created_before} error={errorOf("filter.created_before")} onChange={(created_before) => onChange({ created_before })} />
      </div>
      <DataField label="any and not" description={'{"not": {"tier": ["gold"]}}, {"any": [{...}, {...}]}'} value={form.rest} error={problem || errorOf("filter.any") || errorOf("filter.not")} onChange={(rest) => onChange({ rest })} />
    </>
  );
}

// how many match while one writes; what was counted stays until the next count is there
function Matching({ filter, isValid }: { filter: Filter; isValid: boolean }) {
  const [settled] = useDebouncedValue(filter, TYPING_MS);
  const preview = useQuery({
    queryKey: ["matching users", settled],
    queryFn: async ({ signal }) => unwrap(await herold.POST("/v1/audiences/preview", { body: settled, signal })),
    enabled: isValid,
    placeholderData: (previous) => previous,
  });
  return (
    <Paper withBorder p="md" component="section" aria-label="matching users">
      <Title order={2} mb="xs">Who matches now</Title>
      <RecipientsPanel preview={preview} />
    </Paper>
  );
}

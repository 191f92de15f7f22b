import { Button, Group, Modal, NumberInput, Select, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { useAction } from "../actions";
import { herold } from "../api";
import { findFieldErrors } from "../fieldErrors";
import { FormFailure } from "./Forms";

/** The fields of a form; an empty number is the default of the settings. */
export interface ProjectDraft {
  name: string;
  weight: number | string;
  rate: number | string;
  burst: number | string;
  encrypts: "default" | "yes" | "no";
}
type Values = Required<Schemas["ProjectChange"]>;

const ENCRYPTS = [{ value: "default", label: "as the settings say" }, { value: "yes", label: "yes" }, { value: "no", label: "no" }];
/** The fields of a project, by their names in the API. */
export const PROJECT_FIELDS = ["name", "weight", "rate", "burst", "encrypts"];
const NEW_FIELDS = ["id", ...PROJECT_FIELDS];
const NEW: ProjectDraft = { name: "", weight: 1, rate: "", burst: "", encrypts: "default" };

export const toDraft = ({ name, weight, rate, burst, encrypts }: Schemas["Project"]): ProjectDraft => ({
  name, weight, rate: rate ?? "", burst: burst ?? "", encrypts: encrypts === null ? "default" : encrypts ? "yes" : "no",
});
export const toValues = ({ name, weight, rate, burst, encrypts }: ProjectDraft): Values => ({
  name, weight: Number(weight) || 1, rate: rate === "" ? null : Number(rate), burst: burst === "" ? null : Number(burst), encrypts: encrypts === "default" ? null : encrypts === "yes",
});

export function ProjectFields({ draft, onChange, errors, isReadOnly = false }: { draft: ProjectDraft; onChange: (draft: ProjectDraft) => void; errors: Record<string, string>; isReadOnly?: boolean }) {
  const number = (name: "weight" | "rate" | "burst") => ({ value: draft[name], error: errors[name], readOnly: isReadOnly, onChange: (value: number | string) => onChange({ ...draft, [name]: value }) });
  return (
    <Stack gap="sm">
      <TextInput label="Name" required withAsterisk={false} maxLength={128} readOnly={isReadOnly} value={draft.name} error={errors.name} onChange={(event) => onChange({ ...draft, name: event.currentTarget.value })} />
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <NumberInput label="Weight" description="Its share under load" min={1} max={1000} allowDecimal={false} {...number("weight")} />
        <NumberInput label="Notifications a second" description="Empty: the default, times the weight" min={0} placeholder="default" {...number("rate")} />
        <NumberInput label="Notifications at once" description="Empty: those of a second" min={1} allowDecimal={false} placeholder="default" {...number("burst")} />
        <Select label="Personal data is encrypted" description="Yes needs the keys of encryption" allowDeselect={false} readOnly={isReadOnly} data={ENCRYPTS} value={draft.encrypts} error={errors.encrypts} onChange={(value) => onChange({ ...draft, encrypts: value as ProjectDraft["encrypts"] })} />
      </SimpleGrid>
    </Stack>
  );
}

/** Makes a project; its first key is made on its page. */
export function ProjectCreation({ onClose, onDone }: { onClose: () => void; onDone: (id: string) => void }) {
  const [id, setId] = useState(""), [draft, setDraft] = useState(NEW);
  const create = useAction(async () => unwrap(await herold.POST("/v1/projects", { body: { id: id.trim(), ...toValues(draft) } })), {
    done: "The project is made", refresh: [["projects"]], isQuiet: true, onDone: (project) => onDone(project.id),
  });
  const errors = findFieldErrors(create.error, NEW_FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title="New project" size="lg">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label="Id" description="Lower-case letters, digits and hyphens; it cannot be changed" required withAsterisk={false} maxLength={31} value={id} error={errors.id} onChange={(event) => setId(event.currentTarget.value)} data-autofocus />
          <ProjectFields draft={draft} onChange={setDraft} errors={errors} />
          <FormFailure error={create.error} fields={NEW_FIELDS} onRetry={() => create.mutate()} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" loading={create.isPending}>Create</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

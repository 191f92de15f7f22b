import { Button, Checkbox, Group, Modal, MultiSelect, Select, Stack, TextInput } from "@mantine/core";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { LIFETIMES, type Role } from "../accounts";
import { useAction } from "../actions";
import { herold } from "../api";
import { findFieldErrors } from "../fieldErrors";
import { usePerson } from "../session";
import { RoleSelect } from "./AccountCreation";
import { FormFailure } from "./Forms";
import { SecretBox } from "./SecretBox";
import { useNow } from "./TimeText";

const FIELDS = ["name", "scopes", "expires_at"];

type Permission = Schemas["Permission"];

/** Makes a key of the own project, or the first one of another; its text is shown once. */
export function ApiKeyForm({ project, onClose }: { project?: string; onClose: () => void }) {
  const now = useNow();
  const [values, setValues] = useState({ name: "", role: "service" as Role, scopes: [] as string[], is_test: false, lifetime: 90 * 86_400 });
  const set = (change: Partial<typeof values>) => setValues({ ...values, ...change });
  const create = useAction(async () => {
    const { lifetime, scopes, ...rest } = values;
    const body = { ...rest, scopes: scopes as Permission[], expires_at: lifetime ? Math.round(now + lifetime) : null };
    return project
      ? unwrap(await herold.POST("/v1/projects/{project_id}/api-keys", { params: { path: { project_id: project } }, body }))
      : unwrap(await herold.POST("/v1/api-keys", { body }));
  }, { refresh: [["api keys"], ["project keys"]], isQuiet: true });
  const errors = findFieldErrors(create.error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  if (create.data) return <Modal opened onClose={onClose} title="The key is made" size="lg" closeOnClickOutside={false} closeOnEscape={false}><SecretBox title={create.data.name} secret={create.data.key} /></Modal>;
  return (
    <Modal opened onClose={onClose} title={project ? `New key of ${project}` : "New API key"}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label="Name" description="Whose key it is, for people" required withAsterisk={false} maxLength={128} value={values.name} error={errors.name} onChange={(event) => set({ name: event.currentTarget.value })} data-autofocus />
          <RoleSelect value={values.role} onChange={(role) => set({ role })} />
          <ScopeSelect value={values.scopes} error={errors.scopes} onChange={(scopes) => set({ scopes })} />
          <Select
            label="Counts for" allowDeselect={false} value={String(values.lifetime)} error={errors.expires_at} onChange={(value) => set({ lifetime: Number(value) })}
            data={LIFETIMES.map(([seconds, label]) => ({ value: String(seconds), label }))}
          />
          <Checkbox label="Test key: what it sends goes to the simulators only" checked={values.is_test} onChange={(event) => set({ is_test: event.currentTarget.checked })} />
          <FormFailure error={create.error} fields={FIELDS} onRetry={() => create.mutate()} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" loading={create.isPending}>Create</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** Which of the permissions of its role a key has: nobody can give what they do not have. */
export function ScopeSelect({ value, onChange, error }: { value: string[]; onChange: (scopes: string[]) => void; error?: string }) {
  const { permissions } = usePerson();
  return (
    <MultiSelect
      label="Scopes" description="The permissions of the role that the key has" placeholder={value.length ? undefined : "all of the role"} searchable clearable
      data={[...new Set([...permissions, ...value])].sort()} value={value} onChange={onChange} error={error}
    />
  );
}

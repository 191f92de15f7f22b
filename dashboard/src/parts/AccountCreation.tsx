import { Button, Checkbox, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { unwrap } from "herold-client";
import { useState, type FormEvent } from "react";
import { ROLE_TEXTS, ROLES, type Role } from "../accounts";
import { useAction } from "../actions";
import { herold } from "../api";
import { findFieldErrors } from "../fieldErrors";
import { FormFailure } from "./Forms";

const FIELDS = ["email", "name", "projects"];

/** Invites somebody: the person gets an e-mail with a link to choose a password. */
export function AccountCreation({ onClose }: { onClose: () => void }) {
  const [values, setValues] = useState({ email: "", name: "", role: "viewer" as Role, projects: "", notify: true });
  const set = (change: Partial<typeof values>) => setValues({ ...values, ...change });
  const invite = useAction(
    async () => unwrap(await herold.POST("/v1/accounts", { body: { ...values, projects: listProjects(values.projects) } })),
    { done: values.notify ? "The link is on its way" : "The account is made", refresh: [["accounts"]], isQuiet: true, onDone: onClose },
  );
  const errors = findFieldErrors(invite.error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate();
  };
  return (
    <Modal opened onClose={onClose} title="Invite somebody">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput type="email" label="E-mail" required withAsterisk={false} value={values.email} error={errors.email} onChange={(event) => set({ email: event.currentTarget.value })} data-autofocus />
          <TextInput label="Name" value={values.name} error={errors.name} onChange={(event) => set({ name: event.currentTarget.value })} />
          <RoleSelect value={values.role} onChange={(role) => set({ role })} />
          <TextInput label="Projects" description="Ids with commas between them; empty: the default project" value={values.projects} error={errors.projects} onChange={(event) => set({ projects: event.currentTarget.value })} />
          <Checkbox label="Send an e-mail with a link to choose a password" checked={values.notify} onChange={(event) => set({ notify: event.currentTarget.checked })} />
          <FormFailure error={invite.error} fields={FIELDS} onRetry={() => invite.mutate()} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" loading={invite.isPending}>Invite</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

export function RoleSelect({ value, onChange, isDisabled = false }: { value: Role; onChange: (role: Role) => void; isDisabled?: boolean }) {
  return <Select label="Role" description={ROLE_TEXTS[value]} data={ROLES} allowDeselect={false} disabled={isDisabled} value={value} onChange={(role) => role && onChange(role as Role)} />;
}

export const listProjects = (text: string): string[] => text.split(",").map((part) => part.trim()).filter(Boolean);

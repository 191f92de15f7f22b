import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { ProblemError, unwrap } from "herold-client";
import { useState, type FormEvent } from "react";
import { useAction } from "../actions";
import { herold } from "../api";
import { findFieldErrors } from "../fieldErrors";
import { buildChange, EMPTY_DRAFT } from "../users";
import { FormFailure } from "./Forms";
import { USER_FIELDS, UserForm } from "./UserForm";

const FIELDS = ["user_id", ...USER_FIELDS];

/** Creates a user, and opens the page of the new one. One who exists is not replaced. */
export function UserCreation({ id: given = "", onClose }: { id?: string; onClose: () => void }) {
  const navigate = useNavigate();
  const [id, setId] = useState(given), [draft, setDraft] = useState(EMPTY_DRAFT);
  const create = useAction(
    async () => unwrap(await herold.PUT("/v1/users/{user_id}", { params: { path: { user_id: id.trim() } }, body: buildChange(EMPTY_DRAFT, draft) })),
    { done: "The user is created", refresh: [["users"], ["user", id.trim()]], isQuiet: true, onDone: (user) => {
      onClose();
      void navigate({ to: "/users/$id", params: { id: user.id } });
    } },
  );
  const errors = readFormErrors(create.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title="New user" size="lg">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label="Id" description="What producers call the user; it cannot be changed" required withAsterisk={false} maxLength={256} data-autofocus value={id} error={errors.user_id} onChange={(event) => setId(event.currentTarget.value)} />
          <UserForm draft={draft} onChange={setDraft} errors={errors} />
          <FormFailure error={findFormFailure(create.error)} fields={FIELDS} onRetry={() => create.mutate()} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" loading={create.isPending}>Create</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** What is wrong with the fields: what the API says, or that the attributes are no JSON; and that there is such a user already. */
export function readFormErrors(error: unknown): Record<string, string> {
  if (error instanceof SyntaxError) return { attributes: error.message };
  if (error instanceof ProblemError && error.status === 428) return { user_id: "There is a user with this id already" };
  return findFieldErrors(error, FIELDS);
}

/** The failure that the form has to say: none if a field says it in words of its own. */
export const findFormFailure = (error: unknown): unknown => (error instanceof SyntaxError || (error instanceof ProblemError && error.status === 428) ? null : error);

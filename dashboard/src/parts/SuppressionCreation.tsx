import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { showUndo, useAction } from "../actions";
import { herold, queryClient } from "../api";
import { findFieldErrors } from "../fieldErrors";
import { formatCode } from "../format";
import { CHANNELS } from "../statuses";
import { FormFailure } from "./Forms";
import { UserField } from "./UserField";

const FIELDS = ["channel", "address", "user_id", "category"];

type Request = Schemas["SuppressionRequest"];
type Channel = Request["channel"];
type Reason = NonNullable<Request["reason"]>;

const REASONS: readonly Reason[] = ["manual", "complaint", "hard_bounce", "stop"];

/** Adds a suppression of an address, of a user, or of an address of a user; it can be taken back at once. */
export function SuppressionCreation({ userId = "", onClose }: { userId?: string; onClose: () => void }) {
  const [values, setValues] = useState({ channel: "email" as Channel, address: "", user_id: userId, category: "", reason: "manual" as Reason });
  const set = (change: Partial<typeof values>) => setValues({ ...values, ...change });
  const create = useAction(
    async () => unwrap(await herold.POST("/v1/suppressions", { body: { ...values, address: values.address.trim(), category: values.category.trim(), user_id: values.user_id.trim() || null } })),
    { refresh: [["suppressions"], ["consent events"]], isQuiet: true, onDone: ({ id }) => {
      onClose();
      showUndo("It is suppressed", () => undo(id));
    } },
  );
  const errors = findFieldErrors(create.error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title="Suppress">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Select label="Channel" data={CHANNELS} allowDeselect={false} value={values.channel} error={errors.channel} onChange={(channel) => set({ channel: channel as Channel })} />
          <TextInput label="Address" description="Empty: every address of the user on the channel" value={values.address} error={errors.address} onChange={(event) => set({ address: event.currentTarget.value })} data-autofocus />
          <UserField description="Empty: whoever has the address" value={values.user_id} error={errors.user_id} onChange={(user_id) => set({ user_id })} />
          <TextInput label="Category" description="Empty: all categories" value={values.category} error={errors.category} onChange={(event) => set({ category: event.currentTarget.value })} />
          <Select label="Reason" data={REASONS.map((value) => ({ value, label: formatCode(value) }))} allowDeselect={false} value={values.reason} onChange={(reason) => set({ reason: reason as Reason })} />
          <FormFailure error={create.error} fields={FIELDS} onRetry={() => create.mutate()} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" loading={create.isPending}>Suppress</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

async function undo(id: string): Promise<void> {
  unwrap(await herold.DELETE("/v1/suppressions/{suppression_id}", { params: { path: { suppression_id: id }, query: { reason: "undone at once" } } }));
  await Promise.all([["suppressions"], ["consent events"]].map((queryKey) => queryClient.invalidateQueries({ queryKey })));
}

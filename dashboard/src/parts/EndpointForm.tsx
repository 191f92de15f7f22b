import { Button, Checkbox, Group, Modal, SegmentedControl, Select, Stack, TagsInput, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold, queryClient } from "../api";
import { findFieldError } from "../fieldErrors";
import { makeKey } from "../requestKeys";
import { EventFields } from "./EventFields";
import { FormFailure } from "./Forms";
import { SecretBox } from "./SecretBox";
import { UserField } from "./UserField";

type Request = Schemas["EndpointRequest"];

const FIELDS = ["url", "user_id", "description", "types", "categories", "statuses", "signature", "kind"];
const EMPTY: Request = { url: "", kind: "user", user_id: "", description: "", types: [], categories: [], statuses: [], signature: "hmac", is_test: false, ordered: false };

/** A button that creates an endpoint by a form, and shows its secret once. */
export function CreateEndpoint() {
  const [isOpen, dialog] = useDisclosure();
  const [created, setCreated] = useState<Schemas["CreatedEndpoint"]>();
  const close = () => {
    dialog.close();
    setCreated(undefined);
  };
  return (
    <>
      <Button size="xs" onClick={dialog.open}>New endpoint</Button>
      <Modal opened={isOpen} onClose={close} title="New webhook endpoint" size="lg" closeOnClickOutside={!created} closeOnEscape={!created}>
        {created ? (
          <SecretBox title="The secret that signs its webhooks" secret={created.secret}>
            <Link to="/webhook-endpoints/$id" params={{ id: created.id }} onClick={close} className="text-link">Open the endpoint, and send it a test</Link>
          </SecretBox>
        ) : <EndpointForm onCreated={setCreated} onCancel={close} />}
      </Modal>
    </>
  );
}

function EndpointForm({ onCreated, onCancel }: { onCreated: (endpoint: Schemas["CreatedEndpoint"]) => void; onCancel: () => void }) {
  const [key, setKey] = useState(makeKey);
  const [values, setValues] = useState(EMPTY);
  const set = (changes: Partial<Request>) => {
    setValues({ ...values, ...changes });
    setKey(makeKey()); // another request
  };
  const create = useMutation({
    mutationFn: async () => unwrap(await herold.POST("/v1/webhook-endpoints", { params: { header: { "Idempotency-Key": key } }, body: clean(values) })),
    onSuccess: onCreated,
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["webhook endpoints"] }),
  });
  const errorOf = (path: string) => findFieldError(create.error, path);
  const isUser = values.kind === "user";
  return (
    <Stack component="form" gap="sm" onSubmit={(event) => {
      event.preventDefault();
      create.mutate();
    }}>
      <SegmentedControl aria-label="kind" value={values.kind} onChange={(kind) => set({ kind: kind as Request["kind"] })} data={[{ value: "user", label: "Webhooks of a user" }, { value: "status", label: "Statuses of deliveries" }]} />
      <TextInput label="URL" type="url" required placeholder="https://hooks.example.org/orders" value={values.url} error={errorOf("url")} onChange={(event) => set({ url: event.currentTarget.value })} />
      {isUser ? <UserField label="User" required value={values.user_id ?? ""} error={errorOf("user_id")} onChange={(user_id) => set({ user_id })} /> : null}
      <TextInput label="Description" maxLength={1000} value={values.description} error={errorOf("description")} onChange={(event) => set({ description: event.currentTarget.value })} />
      <TagsInput label="Types" description="order.* takes all that begin with order. None: all types" value={values.types} error={errorOf("types")} onChange={(types) => set({ types })} />
      {isUser ? null : <EventFields values={{ categories: values.categories ?? [], statuses: values.statuses ?? [] }} errorOf={errorOf} onChange={set} />}
      <Select label="Signature" allowDeselect={false} value={values.signature} data={[{ value: "hmac", label: "HMAC-SHA256, by a shared secret" }, { value: "ed25519", label: "Ed25519, checked by a public key" }]} onChange={(signature) => set({ signature: signature as Request["signature"] })} />
      <Checkbox label="One webhook after the other" description="For each user: while one is retried, those after it wait, until it has expired at most" checked={values.ordered} onChange={(event) => set({ ordered: event.currentTarget.checked })} />
      <Checkbox label="For tests only" checked={values.is_test} onChange={(event) => set({ is_test: event.currentTarget.checked })} />
      <FormFailure error={create.error} fields={FIELDS} onRetry={() => create.mutate()} />
      <Group justify="flex-end">
        <Button variant="default" onClick={onCancel}>Cancel</Button>
        <Button type="submit" loading={create.isPending}>Create</Button>
      </Group>
    </Stack>
  );
}

const clean = (values: Request): Request => (values.kind === "user" ? { ...values, user_id: values.user_id || null, categories: [], statuses: [] } : { ...values, user_id: null });

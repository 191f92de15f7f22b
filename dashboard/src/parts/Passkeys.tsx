import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { showFailure, useAction } from "../actions";
import { herold } from "../api";
import { canHavePasskeys, createPasskey } from "../passkeys";
import { ActionDialog } from "./ActionDialog";
import { QueryPanel } from "./QueryPanel";
import { RecordTable, type Column } from "./RecordTable";
import { readPerson } from "./SecondFactor";
import { TimeText } from "./TimeText";
import { isCancelled, usePasswordQuestion } from "./usePasswordQuestion";

type Passkey = Schemas["Passkey"];

const COLUMNS: Column<Passkey>[] = [
  { title: "Name", render: (passkey) => passkey.name || "no name" },
  { title: "Added", width: "9.5rem", render: (passkey) => <TimeText at={passkey.created_at} isRelative /> },
  { title: "Last used", width: "9.5rem", render: (passkey) => (passkey.last_used_at ? <TimeText at={passkey.last_used_at} isRelative /> : "not yet") },
];

/** The passkeys of the own account: each logs in without a password and without a code. */
export function Passkeys() {
  const [removed, setRemoved] = useState<Passkey>();
  const passkeys = useQuery({ queryKey: ["passkeys"], queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/auth/passkeys", { signal })) });
  const action: Column<Passkey> = { title: "Action", width: "7rem", isAction: true, render: (passkey) => <Button size="compact-xs" variant="light" color="red" onClick={() => setRemoved(passkey)}>Remove</Button> };
  return (
    <Stack gap="sm">
      <QueryPanel query={passkeys}>
        {({ items }) => (items.length ? <RecordTable label="passkeys" rows={items} columns={[...COLUMNS, action]} getKey={(passkey) => passkey.id} /> : <Text size="sm">None yet. One logs you in without a password and without a code.</Text>)}
      </QueryPanel>
      {canHavePasskeys(location.hostname) ? <NewPasskey /> : <Text size="sm" className="dim">A passkey is bound to the name of a host: open the dashboard at one, such as localhost, that <code>auth.public_url</code> has, too.</Text>}
      {removed ? (
        <ActionDialog
          title="Remove the passkey" confirm="Remove" color="red" onClose={() => setRemoved(undefined)} done="The passkey is removed" refresh={[["passkeys"]]} onDone={() => void readPerson()}
          act={async () => unwrap(await herold.DELETE("/v1/auth/passkeys/{passkey_id}", { params: { path: { passkey_id: removed.id } } }))}
        >
          <b>{removed.name || "It"}</b> logs in no more. On the device it stays until you remove it there.
        </ActionDialog>
      ) : null}
    </Stack>
  );
}

function NewPasskey() {
  const [name, setName] = useState("");
  const [ask, dialog] = usePasswordQuestion();
  const add = useAction(async () => {
    const options = await ask(async (password) => unwrap(await herold.POST("/v1/auth/passkeys/options", { body: { password } })));
    const credential = await createPasskey(options);
    return unwrap(await herold.POST("/v1/auth/passkeys", { body: { credential, name: name.trim() } }));
  }, { done: "The passkey is added", refresh: [["passkeys"]], isQuiet: true, onDone: () => {
    setName("");
    void readPerson();
  } });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate(undefined, { onError: (error) => {
      if (!isCancelled(error)) showFailure(error);
    } });
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="xs">
        <TextInput label="Name of the device" placeholder="laptop" maxLength={128} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Button type="submit" variant="default" loading={add.isPending}>Add a passkey</Button>
      </Group>
      {dialog}
    </form>
  );
}

import { Button, Code, CopyButton, Group, Stack, Text, TextInput } from "@mantine/core";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { showFailure, useAction } from "../actions";
import { herold } from "../api";
import { findFieldErrors } from "../fieldErrors";
import { updatePerson, usePerson } from "../session";
import { FormFailure } from "./Forms";
import { SecretBox } from "./SecretBox";
import { isCancelled, usePasswordQuestion } from "./usePasswordQuestion";

const FIELDS = ["code"];

/** The authenticator app of the own account: added with a code, removed with the password. */
export function SecondFactor() {
  const { account } = usePerson();
  const [ask, dialog] = usePasswordQuestion();
  const [secret, setSecret] = useState<Schemas["TotpSecretResponse"]>(), [codes, setCodes] = useState<readonly string[]>();
  const show = (error: unknown) => {
    if (!isCancelled(error)) showFailure(error);
  };
  const begin = () => ask(async (password) => unwrap(await herold.POST("/v1/auth/totp", { body: { password } }))).then(setSecret, show);
  const remove = useAction(async () => ask(async (password) => unwrap(await herold.POST("/v1/auth/totp/disable", { body: { password } }))), { done: "Codes are asked for no more", isQuiet: true, onDone: () => void readPerson() });
  const confirmed = async (recovery: readonly string[]) => {
    setCodes(recovery);
    setSecret(undefined);
    await readPerson();
  };
  return (
    <Stack gap="sm">
      {codes ? <SecretBox title="Recovery codes" secret={codes.join("\n")}>Each logs in once, for who loses the app.</SecretBox> : null}
      {secret ? <NewApp secret={secret} onConfirmed={confirmed} onCancel={() => setSecret(undefined)} /> : (
        <Group justify="space-between">
          <Text size="sm">{account.has_totp ? "A login by password needs a code of your app." : "A login by password needs no code."}</Text>
          {account.has_totp
            ? <Button size="xs" variant="light" color="red" loading={remove.isPending} onClick={() => remove.mutate(undefined, { onError: show })}>Remove the app</Button>
            : <Button size="xs" onClick={() => void begin()}>Add an app</Button>}
        </Group>
      )}
      {dialog}
    </Stack>
  );
}

function NewApp({ secret, onConfirmed, onCancel }: { secret: Schemas["TotpSecretResponse"]; onConfirmed: (codes: readonly string[]) => Promise<void>; onCancel: () => void }) {
  const [code, setCode] = useState("");
  const confirm = useAction(async () => unwrap(await herold.POST("/v1/auth/totp/confirm", { body: { code: code.trim() } })), { isQuiet: true, onDone: ({ recovery_codes }) => void onConfirmed(recovery_codes) });
  const errors = findFieldErrors(confirm.error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    confirm.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text size="sm">Give your app this key; on the device of the app, <a className="link" href={secret.uri}>this link</a> does it.</Text>
        <Group gap="xs">
          <Code className="key">{secret.secret.match(/.{1,4}/g)?.join(" ")}</Code>
          <CopyButton value={secret.uri}>{({ copied, copy }) => <Button size="compact-sm" variant="default" onClick={copy}>{copied ? "Copied" : "Copy as otpauth link"}</Button>}</CopyButton>
        </Group>
        <TextInput label="Code that the app shows" inputMode="numeric" autoComplete="one-time-code" required withAsterisk={false} value={code} error={errors.code} onChange={(event) => setCode(event.currentTarget.value)} />
        <FormFailure error={confirm.error} fields={FIELDS} onRetry={() => confirm.mutate()} />
        <Group justify="flex-end"><Button variant="default" onClick={onCancel}>Cancel</Button><Button type="submit" loading={confirm.isPending}>Confirm</Button></Group>
      </Stack>
    </form>
  );
}

/** Read the own account anew, after what it logs in with has changed. */
export async function readPerson(): Promise<void> {
  updatePerson(unwrap(await herold.GET("/v1/auth/me")));
}

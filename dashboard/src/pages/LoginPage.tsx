import { Alert, Button, Center, Paper, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { ProblemError } from "herold-client";
import { useState, type FormEvent } from "react";
import { describeFailure } from "../api";
import { logIn } from "../session";

/** Asks for address and password, and for a code if the account needs one. The page that was asked for follows. */
export function LoginPage() {
  useDocumentTitle("Log in · Herold");
  const [values, setValues] = useState({ email: "", password: "", code: "" });
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const [asksCode, setAsksCode] = useState(false);
  const bind = (name: keyof typeof values) => ({
    value: values[name],
    onChange: (event: { currentTarget: HTMLInputElement }) => setValues({ ...values, [name]: event.currentTarget.value }),
  });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    await logIn({ ...values, code: values.code.trim() }).catch((error: unknown) => {
      const needsCode = error instanceof ProblemError && error.problem.code === "second-factor-required";
      setError(needsCode ? undefined : error);
      if (needsCode) setAsksCode(true);
    });
    setBusy(false);
  };
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="lg" w={360} component="form" onSubmit={submit}>
        <Stack gap="sm">
          <Title order={1}>Log in to Herold</Title>
          {error ? <LoginFailure error={error} /> : null}
          <TextInput label="E-mail" type="email" autoComplete="username" required withAsterisk={false} autoFocus {...bind("email")} />
          <PasswordInput label="Password" autoComplete="current-password" required withAsterisk={false} {...bind("password")} />
          {asksCode ? (
            <TextInput label="Code of your authenticator app, or a recovery code" autoFocus autoComplete="one-time-code" required withAsterisk={false} {...bind("code")} />
          ) : null}
          <Button type="submit" loading={isBusy}>Log in</Button>
        </Stack>
      </Paper>
    </Center>
  );
}

function LoginFailure({ error }: { error: unknown }) {
  const failure = describeFailure(error);
  return <Alert color="red" variant="light" role="alert" title={failure.title}>{failure.detail}</Alert>;
}

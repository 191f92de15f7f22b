import { Alert, Button, Center, Paper, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { ProblemError } from "herold-client";
import { useState, type FormEvent } from "react";
import { describeFailure } from "../api";
import { logIn } from "../session";

/** Asks for address and password, and for a code if the account needs one. The page that was asked for follows. */
export function LoginPage() {
  const [values, setValues] = useState({ email: "", password: "", code: "" });
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const needsCode = error instanceof ProblemError && error.problem.code === "second-factor-required";
  const bind = (name: keyof typeof values) => ({
    value: values[name],
    onChange: (event: { currentTarget: HTMLInputElement }) => setValues({ ...values, [name]: event.currentTarget.value }),
  });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    await logIn({ ...values, code: values.code.trim() }).catch(setError);
    setBusy(false);
  };
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="lg" w={360} component="form" onSubmit={submit}>
        <Stack gap="sm">
          <Title order={1}>Log in to Herold</Title>
          {error && !needsCode ? <LoginFailure error={error} /> : null}
          <TextInput label="E-mail" type="email" autoComplete="username" required withAsterisk={false} autoFocus {...bind("email")} />
          <PasswordInput label="Password" autoComplete="current-password" required withAsterisk={false} {...bind("password")} />
          {needsCode || values.code ? (
            <TextInput label="Code of your authenticator app" inputMode="numeric" autoComplete="one-time-code" required withAsterisk={false} {...bind("code")} />
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

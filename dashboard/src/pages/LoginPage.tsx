import { Alert, Button, Center, Divider, Paper, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { ProblemError } from "herold-client";
import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import { describeFailure } from "../api";
import { readLoginFailure, withoutLoginFailure, type LoginFailure } from "../loginFailures";
import { buildProviderUrl, useLoginMethods, type LoginMethods } from "../loginMethods";
import { canHavePasskeys } from "../passkeys";
import { EmptyPanel } from "../parts/Panels";
import { logIn, logInByPasskey, requestPasswordLink } from "../session";

/** Asks for address and password, and for a code if the account needs one; or for a passkey, or at the OpenID provider. The page that was asked for follows. */
export function LoginPage() {
  useDocumentTitle("Log in · Herold");
  const [email, setEmail] = useState("");
  const [isForgotten, setForgotten] = useState(false);
  const [asked] = useState(location.search);
  useEffect(() => history.replaceState(history.state, "", withoutLoginFailure(location)), []); // after a reload it is over
  const methods = useLoginMethods();
  if (!methods) return null; // for some milliseconds: a form that grows under the pointer is worse
  if (!methods.password) return <NoLogin />;
  return isForgotten ? <ForgottenPassword email={email} onEmail={setEmail} onBack={() => setForgotten(false)} /> : <Login methods={methods} failure={readLoginFailure(asked, methods.oidc?.name ?? "The OpenID provider")} email={email} onEmail={setEmail} onForgotten={() => setForgotten(true)} />;
}

interface EmailProps {
  email: string;
  onEmail: (email: string) => void;
}

function Login({ methods, failure, email, onEmail, onForgotten }: EmailProps & { methods: LoginMethods; failure: LoginFailure | undefined; onForgotten: () => void }) {
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState<"password" | "passkey">();
  const [hasTried, setTried] = useState(false);
  const [asksCode, setAsksCode] = useState(false);
  const attempt = async (way: "password" | "passkey", enter: () => Promise<void>) => {
    setBusy(way);
    setTried(true);
    await enter().catch((error: unknown) => {
      const needsCode = error instanceof ProblemError && error.problem.code === "second-factor-required";
      setError(needsCode ? undefined : error);
      if (needsCode) setAsksCode(true);
    });
    setBusy(undefined);
  };
  return (
    <LoginForm title="Log in to Herold" error={error} onSubmit={() => void attempt("password", () => logIn({ email, password, code: code.trim() }))}>
      {failure && !hasTried ? <ProviderFailure failure={failure} /> : null}
      {methods.oidc ? (
        <>
          <Button component="a" href={buildProviderUrl(location)} variant="default" title={methods.oidc.name}>Log in with {methods.oidc.name}</Button>
          <Divider label="or" labelPosition="center" />
        </>
      ) : null}
      <EmailField email={email} onEmail={onEmail} />
      <PasswordInput label="Password" autoComplete="current-password" required withAsterisk={false} value={password} onChange={(event) => setPassword(event.currentTarget.value)} />
      {asksCode ? (
        <TextInput label="Code of your authenticator app, or a recovery code" autoFocus autoComplete="one-time-code" required withAsterisk={false} value={code} onChange={(event) => setCode(event.currentTarget.value)} />
      ) : null}
      <Button type="submit" loading={busy === "password"}>Log in</Button>
      {methods.passkey && canHavePasskeys(location.hostname) ? <Button variant="default" loading={busy === "passkey"} onClick={() => void attempt("passkey", logInByPasskey)}>Log in with a passkey</Button> : null}
      <Button variant="subtle" size="compact-sm" onClick={onForgotten}>Forgot the password?</Button>
    </LoginForm>
  );
}

const NoLogin = () => (
  <Center mih="100vh" p="md" component="main">
    <EmptyPanel title="Nobody can log in here">People log in where <code>auth.signing_keys_file</code> and <code>auth.secret</code> are set. Programs use API keys.</EmptyPanel>
  </Center>
);

// the answer is the same whether there is an account or not, and so is what is said
function ForgottenPassword({ email, onEmail, onBack }: EmailProps & { onBack: () => void }) {
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const [sentTo, setSentTo] = useState("");
  const send = async () => {
    setBusy(true);
    setError(undefined);
    await requestPasswordLink(email.trim()).then(() => setSentTo(email.trim()), setError);
    setBusy(false);
  };
  return (
    <LoginForm title="Choose a new password" error={error} onSubmit={() => void send()}>
      {sentTo ? (
        <Text size="sm" role="status">If <b>{sentTo}</b> has an account, a link to choose a password was sent there. It works once, and not for long.</Text>
      ) : (
        <>
          <EmailField email={email} onEmail={onEmail} />
          <Button type="submit" loading={isBusy}>Send a link</Button>
        </>
      )}
      <Button variant="subtle" size="compact-sm" onClick={onBack}>Back to the login</Button>
    </LoginForm>
  );
}

function LoginForm({ title, error, onSubmit, children }: { title: string; error: unknown; onSubmit: () => void; children: ReactNode }) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="lg" w={360} component="form" onSubmit={submit}>
        <Stack gap="sm">
          <Title order={1}>{title}</Title>
          {error ? <LoginFailure error={error} /> : null}
          {children}
        </Stack>
      </Paper>
    </Center>
  );
}

const EmailField = ({ email, onEmail }: EmailProps) => (
  <TextInput label="E-mail" type="email" autoComplete="username" required withAsterisk={false} autoFocus value={email} onChange={(event) => onEmail(event.currentTarget.value)} />
);

function LoginFailure({ error }: { error: unknown }) {
  const failure = error instanceof DOMException ? describeNoPasskey(error) : describeFailure(error);
  return <Alert color="red" variant="light" role="alert" title={failure.title}>{failure.detail}</Alert>;
}

const ProviderFailure = ({ failure }: { failure: LoginFailure }) => (
  <Alert color="red" variant="light" role="alert" title={failure.title}>
    {failure.detail}
    {failure.code ? <Text size="xs" c="dimmed" mt={4}>Code: {failure.code}</Text> : null}
  </Alert>
);

// a browser does not tell who has cancelled from who has none
const describeNoPasskey = ({ name, message }: DOMException) => ({
  title: "No passkey was used",
  detail: name === "NotAllowedError" ? "Try again, or log in with the password." : message,
});

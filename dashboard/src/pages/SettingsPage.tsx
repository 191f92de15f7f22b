import { Button, Group, Paper, PasswordInput, SegmentedControl, Stack, Switch, Text, TextInput, Title, useMantineColorScheme } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { unwrap } from "herold-client";
import { useState, type FormEvent, type ReactNode } from "react";
import { useAction } from "../actions";
import { herold } from "../api";
import { setDisplay, useDisplay, type Display } from "../display";
import { findFieldError, findFieldErrors } from "../fieldErrors";
import { formatTime } from "../format";
import { FormFailure } from "../parts/Forms";
import { OwnSessions } from "../parts/OwnSessions";
import { Page } from "../parts/Page";
import { Passkeys } from "../parts/Passkeys";
import { SecondFactor } from "../parts/SecondFactor";
import { TabBar } from "../parts/TabBar";
import { useNow } from "../parts/TimeText";
import { updatePerson, usePerson } from "../session";
import type { SettingsTab } from "../searches";

const route = getRouteApi("/settings");
const TABS: readonly { name: SettingsTab; label: string }[] = [
  { name: "account", label: "Account" },
  { name: "security", label: "Second factor and passkeys" },
  { name: "sessions", label: "Sessions" },
  { name: "display", label: "Display and keys" },
];

/** The own account, and how this browser shows the dashboard. */
export function SettingsPage() {
  const { tab = "account" } = route.useSearch();
  const navigate = route.useNavigate();
  const panels: Record<SettingsTab, () => ReactNode> = {
    account: () => <><Section title="You"><NameForm /></Section><Section title="Password"><PasswordForm /></Section></>,
    security: () => <><Section title="Authenticator app"><SecondFactor /></Section><Section title="Passkeys"><Passkeys /></Section></>,
    sessions: () => <OwnSessions />,
    display: () => <Section title="In this browser"><DisplayForm /></Section>,
  };
  return (
    <Page title="Settings">
      <TabBar label="settings" tabs={TABS} value={tab} onChange={(name) => void navigate({ search: name === "account" ? {} : { tab: name }, replace: true })}>
        <Stack gap="md">{panels[tab]()}</Stack>
      </TabBar>
    </Page>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return <Paper withBorder p="md" maw={640}><Title order={2} mb="sm">{title}</Title>{children}</Paper>;
}

function NameForm() {
  const { account, project } = usePerson();
  const [name, setName] = useState(account.name);
  const save = useAction(async () => unwrap(await herold.PATCH("/v1/auth/me", { body: { name: name.trim() } })), { done: "Saved", refresh: [["accounts"], ["account", account.id]], isQuiet: true, onDone: updatePerson });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <dl className="facts"><dt>E-mail</dt><dd>{account.email}</dd><dt>Role</dt><dd>{account.role}</dd><dt>Project</dt><dd>{project || "the default one"}</dd></dl>
        <TextInput label="Name" maxLength={128} value={name} error={findFieldError(save.error, "name")} onChange={(event) => setName(event.currentTarget.value)} />
        <FormFailure error={save.error} fields={["name"]} onRetry={() => save.mutate()} />
        <Group justify="space-between"><Text size="xs" className="dim">An admin changes address and role.</Text><Button type="submit" disabled={name.trim() === account.name} loading={save.isPending}>Save the name</Button></Group>
      </Stack>
    </form>
  );
}

const PASSWORD_FIELDS = ["password", "new_password"];
const EMPTY = { password: "", new_password: "", again: "" };

function PasswordForm() {
  const { account } = usePerson();
  const [values, setValues] = useState(EMPTY);
  const save = useAction(async () => unwrap(await herold.POST("/v1/auth/password", { body: { password: values.password, new_password: values.new_password } })), {
    done: "The password is changed, and all other sessions have ended", refresh: [["sessions"]], isQuiet: true, onDone: () => setValues(EMPTY),
  });
  const errors = findFieldErrors(save.error, PASSWORD_FIELDS), isSame = values.again === values.new_password;
  const bind = (name: keyof typeof values) => ({ value: values[name], required: true, withAsterisk: false, onChange: (event: { currentTarget: HTMLInputElement }) => setValues({ ...values, [name]: event.currentTarget.value }) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isSame) save.mutate();
  };
  if (!account.has_password) return <Text size="sm">You log in without a password here. Who has forgotten it, or has none, gets a link to choose one from the page of the login.</Text>;
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <PasswordInput label="Password now" autoComplete="current-password" error={errors.password} {...bind("password")} />
        <PasswordInput label="New password" description="12 characters or more; several words are best" autoComplete="new-password" error={errors.new_password} {...bind("new_password")} />
        <PasswordInput label="New password again" autoComplete="new-password" error={values.again && !isSame ? "It differs from the new password" : undefined} {...bind("again")} />
        <FormFailure error={save.error} fields={PASSWORD_FIELDS} onRetry={() => save.mutate()} />
        <Group justify="space-between"><Text size="xs" className="dim">It ends all other sessions.</Text><Button type="submit" loading={save.isPending}>Change the password</Button></Group>
      </Stack>
    </form>
  );
}

function DisplayForm() {
  const { zone, times, density, hasLetterKeys } = useDisplay();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const now = useNow();
  return (
    <Stack gap="md">
      <div>
        <Text size="sm" fw={500} id="appearance" mb={4}>Appearance</Text>
        <SegmentedControl aria-labelledby="appearance" value={colorScheme} onChange={(scheme) => setColorScheme(scheme as typeof colorScheme)} data={[{ value: "auto", label: "As the system" }, { value: "light", label: "Light" }, { value: "dark", label: "Dark" }]} />
      </div>
      <div>
        <Text size="sm" fw={500} id="zone" mb={4}>Times</Text>
        <SegmentedControl aria-labelledby="zone" value={zone} onChange={(value) => setDisplay({ zone: value as Display["zone"] })} data={[{ value: "local", label: Intl.DateTimeFormat().resolvedOptions().timeZone }, { value: "utc", label: "UTC" }]} />
        <Text size="xs" className="dim number" mt={4}>Now it is {formatTime(now)}. UTC is shown when the pointer is over a time.</Text>
      </div>
      <div>
        <Text size="sm" fw={500} id="times" mb={4}>Times in lists</Text>
        <SegmentedControl aria-labelledby="times" value={times} onChange={(value) => setDisplay({ times: value as Display["times"] })} data={[{ value: "relative", label: "How long ago" }, { value: "exact", label: "Exact" }]} />
      </div>
      <div>
        <Text size="sm" fw={500} id="density" mb={4}>Density</Text>
        <SegmentedControl aria-labelledby="density" value={density} onChange={(value) => setDisplay({ density: value as Display["density"] })} data={[{ value: "comfortable", label: "Comfortable" }, { value: "compact", label: "Compact" }]} />
      </div>
      <Switch label="Single letters are keys" description="Such as g u for the users, j and k in lists. Ctrl K works in any case." checked={hasLetterKeys} onChange={(event) => setDisplay({ hasLetterKeys: event.currentTarget.checked })} />
    </Stack>
  );
}

import { ActionIcon, Kbd, Menu, useMantineColorScheme } from "@mantine/core";
import { setDisplay, useDisplay } from "../display";
import { usePerson } from "../session";
import { leaveSession } from "./commands";

/** Who is logged in, how this browser shows the dashboard, and the way out. */
export function PersonMenu({ onHelp }: { onHelp: () => void }) {
  const { account, project } = usePerson();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { density, times } = useDisplay();
  const name = account.name || account.email;
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target><ActionIcon variant="default" aria-label={`account of ${name}`} size="lg">{name.slice(0, 1).toUpperCase()}</ActionIcon></Menu.Target>
      <Menu.Dropdown mah="calc(100vh - 4rem)" style={{ overflowY: "auto" }}>
        <Menu.Label>{account.email}<br />{account.role}{project ? `, project ${project}` : ""}</Menu.Label>
        <Choices title="Appearance" value={colorScheme} onChange={setColorScheme} labels={{ auto: "As the system", light: "Light", dark: "Dark" }} />
        <Choices title="Density" value={density} onChange={(density) => setDisplay({ density })} labels={{ comfortable: "Comfortable", compact: "Compact" }} />
        <Choices title="Times in lists" value={times} onChange={(times) => setDisplay({ times })} labels={{ relative: "How long ago", exact: "Exact" }} />
        <Menu.Divider />
        <Menu.Item onClick={onHelp} rightSection={<Kbd size="xs">?</Kbd>}>Keys</Menu.Item>
        <Menu.Item component="a" href="/docs">API reference</Menu.Item>
        <Menu.Item onClick={leaveSession}>Log out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

interface ChoicesProps<Value extends string> {
  title: string;
  value: Value;
  labels: Record<Value, string>;
  onChange: (value: Value) => void;
}

// the menu stays open, so that one sees what a choice does
function Choices<Value extends string>({ title, value, labels, onChange }: ChoicesProps<Value>) {
  return (
    <Menu.RadioGroup value={value} onChange={(value) => onChange(value as Value)}>
      <Menu.Label>{title}</Menu.Label>
      {(Object.entries(labels) as [Value, string][]).map(([each, label]) => <Menu.RadioItem key={each} value={each}>{label}</Menu.RadioItem>)}
    </Menu.RadioGroup>
  );
}

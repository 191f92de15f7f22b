import { ActionIcon, AppShell, Burger, Button, Group, Kbd, Menu, Modal, Text, useMantineColorScheme } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { spotlight } from "@mantine/spotlight";
import { Link, Outlet } from "@tanstack/react-router";
import { useMemo } from "react";
import { NowProvider } from "../parts/TimeText";
import { logOut, usePerson } from "../session";
import { Palette } from "./Palette";
import { listPlaces, type Place } from "./places";
import { SHORTCUTS, useShortcuts } from "./useShortcuts";

/** What is around every page: navigation, search, who is logged in. */
export function Shell() {
  const { permissions } = usePerson();
  const places = useMemo(() => listPlaces(permissions), [permissions]);
  const [isNavOpen, nav] = useDisclosure();
  const [isHelpOpen, help] = useDisclosure();
  useShortcuts(places, help.open);
  return (
    <NowProvider>
      <AppShell header={{ height: 48 }} navbar={{ width: 210, breakpoint: "sm", collapsed: { mobile: !isNavOpen } }} padding="md">
        <AppShell.Header px="md">
          <Group h="100%" justify="space-between" wrap="nowrap">
            <Group gap="xs" wrap="nowrap">
              <Burger opened={isNavOpen} onClick={nav.toggle} hiddenFrom="sm" size="sm" aria-label="navigation" />
              <Text fw={700} component={Link} to="/" c="inherit" td="none">Herold</Text>
            </Group>
            <Group gap="xs" wrap="nowrap">
              <Button size="xs" variant="default" onClick={spotlight.open} rightSection={<Kbd size="xs">Ctrl K</Kbd>}>Search</Button>
              <PersonMenu onHelp={help.open} />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs"><Navigation places={places} onFollow={nav.close} /></AppShell.Navbar>
        <AppShell.Main><Outlet /></AppShell.Main>
      </AppShell>
      <Palette places={places} />
      <Modal opened={isHelpOpen} onClose={help.close} title="Keys"><Keys places={places} /></Modal>
    </NowProvider>
  );
}

function Navigation({ places, onFollow }: { places: readonly Place[]; onFollow: () => void }) {
  const groups = [...new Set(places.map((place) => place.group))];
  return (
    <nav className="nav" aria-label="pages">
      {groups.map((group) => (
        <section key={group} aria-label={group}>
          <h2>{group}</h2>
          {places.filter((place) => place.group === group).map((place) => (
            <Link key={place.path} to={place.path} onClick={onFollow}>{place.label}</Link>
          ))}
        </section>
      ))}
    </nav>
  );
}

function PersonMenu({ onHelp }: { onHelp: () => void }) {
  const { account, project } = usePerson();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const name = account.name || account.email;
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target><ActionIcon variant="default" aria-label={`account of ${name}`} size="lg">{name.slice(0, 1).toUpperCase()}</ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{account.email}<br />{account.role}{project ? `, project ${project}` : ""}</Menu.Label>
        <Menu.Label>Appearance</Menu.Label>
        {(["auto", "light", "dark"] as const).map((scheme) => (
          <Menu.Item key={scheme} role="menuitemradio" aria-checked={scheme === colorScheme} onClick={() => setColorScheme(scheme)} rightSection={scheme === colorScheme ? "✓" : null}>
            {{ auto: "As the system", light: "Light", dark: "Dark" }[scheme]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={onHelp} rightSection={<Kbd size="xs">?</Kbd>}>Keys</Menu.Item>
        <Menu.Item component="a" href="/docs">API reference</Menu.Item>
        <Menu.Item onClick={() => logOut().catch(showLogOutFailure)}>Log out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const showLogOutFailure = () => notifications.show({ color: "red", title: "You are still logged in", message: "The gateway does not answer: try again." });

function Keys({ places }: { places: readonly Place[] }) {
  const rows = [...SHORTCUTS, ...places.map((place) => [`g ${place.key}`, place.label] as const)];
  return <dl className="facts">{rows.map(([key, meaning]) => <div key={key} style={{ display: "contents" }}><dt><Kbd size="xs">{key}</Kbd></dt><dd>{meaning}</dd></div>)}</dl>;
}

import { AppShell, Burger, Button, Group, Kbd, Modal, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, Outlet } from "@tanstack/react-router";
import { useMemo } from "react";
import { NowProvider } from "../parts/TimeText";
import { TourBar } from "../parts/Tour";
import { usePerson } from "../session";
import { useCommands } from "./commands";
import { openPalette, Palette } from "./Palette";
import { PersonMenu } from "./PersonMenu";
import { listPlaces, type Place } from "./places";
import { SHORTCUTS, useShortcuts } from "./useShortcuts";

/** What is around every page: navigation, search, who is logged in. */
export function Shell() {
  const { permissions, features } = usePerson();
  const places = useMemo(() => listPlaces(permissions, features), [permissions, features]);
  const [isNavOpen, nav] = useDisclosure();
  const [isHelpOpen, help] = useDisclosure();
  const commands = useCommands(help.open);
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
              <Button size="xs" variant="default" onClick={openPalette} rightSection={<Kbd size="xs">Ctrl K</Kbd>}>Search</Button>
              <PersonMenu onHelp={help.open} />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs"><Navigation places={places} onFollow={nav.close} /></AppShell.Navbar>
        <AppShell.Main><Outlet /><TourBar /></AppShell.Main>
      </AppShell>
      <Palette places={places} commands={commands} />
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

function Keys({ places }: { places: readonly Place[] }) {
  const rows = [...SHORTCUTS, ...places.map((place) => [`g ${place.key}`, place.label] as const)];
  return <dl className="facts">{rows.map(([key, meaning]) => <div key={key} style={{ display: "contents" }}><dt><Kbd size="xs">{key}</Kbd></dt><dd>{meaning}</dd></div>)}</dl>;
}

import { createSpotlight, Spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import { useNavigate, type NavigateOptions } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { toLink } from "../parts/AttentionList";
import { usePerson } from "../session";
import type { Command } from "./commands";
import { findId, matchNames } from "./matches";
import type { Place } from "./places";
import { useFound } from "./useFound";

const [store, palette] = createSpotlight();
export const openPalette = palette.open;

interface PaletteProps {
  places: readonly Place[];
  commands: readonly Command[];
}

/** Ctrl K: any page, any action, anything by the beginning of its name, and anything by its id. What takes a request comes after what is known at once. */
export function Palette({ places, commands }: PaletteProps) {
  const { permissions } = usePerson();
  const navigate = useNavigate();
  const [query, setQuery] = useState("");
  const text = query.trim();
  const found = useFound(text);
  const go = (link: unknown) => () => void navigate(link as NavigateOptions);
  const id = findId(text, permissions);
  const jumps = id?.url ? [{ label: `Open ${id.id}`, description: id.what, link: toLink(id.url) }] : [];
  const ofUser = text && !id && permissions.includes("notifications:read") ? [{ label: `Notifications of ${text}`, description: "user", link: { to: "/notifications", search: { user_id: text } } }] : [];
  const groups: SpotlightActionGroupData[] = [
    { group: "Go to", actions: jumps.map(({ link, ...rest }) => ({ id: rest.label, ...rest, onClick: go(link) })) },
    { group: "Pages", actions: matchNames(places, text).map(({ path, label, description }) => ({ id: path, label, description, onClick: go({ to: path }) })) },
    { group: "Actions", actions: matchNames(commands, text).map(({ label, description, run }) => ({ id: label, label, description, onClick: run })) },
    ...found.groups.map(({ group, hits }) => ({ group, actions: hits.map(({ key, label, description, link }) => ({ id: key, label, description, onClick: go(link) })) })),
    { group: "History", actions: ofUser.map(({ link, ...rest }) => ({ id: "history", ...rest, onClick: go(link) })) },
  ].filter(({ actions }) => actions.length);
  useSelection(text, groups.flatMap(({ group, actions }) => actions.map((action) => `${group} ${action.id}`)).join("\n"));
  return (
    <Spotlight
      store={store} actions={groups} query={query} onQueryChange={setQuery} filter={(_, actions) => actions} shortcut="mod + K" scrollable maxHeight="min(26rem, 60vh)"
      transitionProps={{ duration: 0 }} // the first letter after Ctrl K is one of the text
      attributes={{ content: { "aria-label": "palette" } }}
      nothingFound={found.isSearching ? "Searching ..." : "Nothing of that name"} searchProps={{ autoFocus: true, placeholder: "Page, action, name or id", "aria-label": "search" }}
    />
  );
}

// Enter takes the first of what is listed, also if that came after the last letter; who has moved to another one stays there
function useSelection(text: string, listed: string): void {
  const select = (isNew: boolean) => {
    const actions = [...(document.getElementById(store.getState().listId)?.querySelectorAll("[data-action]") ?? [])];
    const selected = actions.findIndex((action) => action.hasAttribute("data-selected"));
    const index = isNew || store.getState().selected < 1 ? 0 : Math.max(0, selected);
    actions.forEach((action, each) => action.toggleAttribute("data-selected", each === index));
    store.updateState((state) => ({ ...state, selected: index }));
  };
  useEffect(() => { if (text) select(true); }, [text]);
  useEffect(() => { if (text) select(false); }, [listed]);
}

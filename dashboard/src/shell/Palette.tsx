import { Spotlight } from "@mantine/spotlight";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Place } from "./places";

const ID = /^ntf_[0-9a-f]{32}$/;

/** Ctrl K: any page, a notification by its id, or the notifications of a user. */
export function Palette({ places }: { places: readonly Place[] }) {
  const navigate = useNavigate();
  const [query, setQuery] = useState("");
  const text = query.trim();
  const found = ID.test(text)
    ? [{ id: "notification", label: `Open ${text}`, description: "notification", onClick: () => void navigate({ to: "/notifications/$id", params: { id: text } }) }]
    : text
      ? [{ id: "user", label: `Notifications of ${text}`, description: "user", onClick: () => void navigate({ to: "/notifications", search: { user_id: text } }) }]
      : [];
  const pages = places
    .filter((place) => place.label.toLowerCase().includes(text.toLowerCase()))
    .map((place) => ({ id: place.path, label: place.label, description: place.description, onClick: () => void navigate({ to: place.path }) }));
  return (
    <Spotlight
      actions={[...pages, ...found]} query={query} onQueryChange={setQuery} filter={(_, actions) => actions} shortcut="mod + K"
      nothingFound="Nothing of that name" searchProps={{ placeholder: "Page, notification id, or user", "aria-label": "search" }}
    />
  );
}

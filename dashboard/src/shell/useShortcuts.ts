import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { getDisplay } from "../display";
import type { Place } from "./places";

const SEQUENCE_MS = 1_500;

export const SHORTCUTS: readonly (readonly [string, string])[] = [
  ["Ctrl K", "any page, action, name or id"],
  ["/", "first filter of the page"],
  ["j, k", "next and previous row"],
  ["Enter", "open the row"],
  ["p", "pause or resume the live view"],
  ["?", "this list"],
];

/** `g` and a letter goes to a page, `/` to the first filter, `?` shows the keys. None of them within an input. */
export function useShortcuts(places: readonly Place[], showHelp: () => void) {
  const navigate = useNavigate();
  const startedAt = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !getDisplay().hasLetterKeys || isElsewhere(event.target)) return;
      const place = Date.now() - startedAt.current < SEQUENCE_MS && places.find((place) => place.key === event.key);
      startedAt.current = event.key === "g" ? Date.now() : 0;
      if (place) void navigate({ to: place.path });
      else if (event.key === "?") showHelp();
      else if (event.key === "/") focusFilter(event);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [places, navigate, showHelp]);
}

function focusFilter(event: KeyboardEvent) {
  event.preventDefault();
  document.querySelector<HTMLInputElement>("input[data-filter]")?.focus();
}

// letters that are typed, and keys of a dialog or menu, are no shortcuts
const isElsewhere = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable], [role=dialog], [role=menu]") !== null;

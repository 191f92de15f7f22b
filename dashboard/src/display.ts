// How this browser shows the dashboard: in which zone and how exact times are, how dense lists, and whether single letters are keys.

import { useSyncExternalStore } from "react";

export interface Display {
  /** Times are in the zone of the browser, or in UTC. */
  zone: "local" | "utc";
  /** Times in lists say how long ago it was, or when. */
  times: "relative" | "exact";
  density: "comfortable" | "compact";
  /** Letters without Ctrl do something: who speaks to the computer may want none. */
  hasLetterKeys: boolean;
}

const KEY = "herold.display";
const USUAL: Display = { zone: "local", times: "relative", density: "comfortable", hasLetterKeys: true };

let display = read();
const listeners = new Set<() => void>();

export const getDisplay = (): Display => display;

/** What is chosen; the component is rendered again when it changes. */
export const useDisplay = (): Display => useSyncExternalStore(subscribe, getDisplay);

/** Choose something, for all tabs of this browser. */
export function setDisplay(change: Partial<Display>): void {
  set({ ...display, ...change });
  localStorage.setItem(KEY, JSON.stringify(display));
}

function read(): Display {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Display>;
    return {
      zone: stored.zone === "utc" ? "utc" : "local",
      times: stored.times === "exact" ? "exact" : "relative",
      density: stored.density === "compact" ? "compact" : "comfortable",
      hasLetterKeys: stored.hasLetterKeys !== false,
    };
  } catch {
    return USUAL; // it is no JSON, or this browser stores nothing
  }
}

function set(next: Display): void {
  display = next;
  applyDensity();
  for (const listener of listeners) listener();
}

// style.css knows the density by it, from the first frame on
function applyDensity(): void {
  document.documentElement.dataset.density = display.density;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

applyDensity();
addEventListener("storage", (event) => {
  if (event.key === KEY) set(read());
});

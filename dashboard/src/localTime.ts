// Times in the browser's own field: without a zone, in that of the viewer, or in UTC if that is chosen.

import { getDisplay } from "./display";

/** Epoch seconds of a text such as 2026-11-28T07:43; undefined for none. */
export function parseLocalTime(text: string): number | undefined {
  const at = Date.parse(getDisplay().zone === "utc" && text ? `${text}Z` : text);
  return Number.isNaN(at) ? undefined : at / 1000;
}

/** Epoch seconds of a field that began with a stored time. The field has no seconds: untouched, it means the stored time as it is. */
export const keepLocalTime = (text: string, stored: number | null | undefined): number | undefined => (stored && text === formatLocalTime(stored) ? stored : parseLocalTime(text));

/** The text of a time, in the zone that is shown; empty for none. */
export function formatLocalTime(seconds: number | null | undefined): string {
  if (!seconds) return "";
  const date = new Date(seconds * 1000), offset = getDisplay().zone === "utc" ? 0 : date.getTimezoneOffset();
  return new Date(date.getTime() - offset * 60_000).toISOString().slice(0, 16);
}

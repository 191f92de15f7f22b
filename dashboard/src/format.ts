// How values are written for people: in the viewer's zone, in English as all texts are, in the words of the glossary.

import { getDisplay } from "./display";

export const LOCALE = "en";
const DAY_CLOCK = { hourCycle: "h23" } as const; // a clock of 24 hours needs no AM and PM
const TIME = { dateStyle: "medium", timeStyle: "medium", ...DAY_CLOCK } as const, CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", ...DAY_CLOCK } as const;
const time = buildFormats(TIME), clock = buildFormats(CLOCK);
const hour = buildFormats({ hour: "2-digit", minute: "2-digit", ...DAY_CLOCK }), date = buildFormats({ day: "numeric", month: "short" });
const calendar = buildFormats({ dateStyle: "short" }), year = buildFormats({ year: "numeric" });
const day = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeZone: "UTC" });
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });
const count = new Intl.NumberFormat(LOCALE);
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

/** A time in epoch seconds, in the viewer's zone, or in UTC if that is chosen. */
export const formatTime = (seconds: number) => (getDisplay().zone === "utc" ? `${time.utc.format(seconds * 1000)} UTC` : time.local.format(seconds * 1000));
export const formatClock = (seconds: number) => clock[getDisplay().zone].format(seconds * 1000);
/** A clock with its day, if that is not the day of `now`; both in epoch seconds. */
export function formatMoment(seconds: number, now = Date.now() / 1000): string {
  const [day, today] = [seconds, now].map((at) => calendar[getDisplay().zone].format(at * 1000));
  return day === today ? formatClock(seconds) : `${date[getDisplay().zone].format(seconds * 1000)}, ${formatClock(seconds)}`;
}
/** A time for a narrow column: the clock of today, else the day with the hour, of another year the day alone; both in epoch seconds. */
export function formatShort(seconds: number, now: number): string {
  const { zone } = getDisplay(), at = seconds * 1000;
  const [day, today] = [at, now * 1000].map((each) => calendar[zone].format(each));
  if (day === today) return clock[zone].format(at);
  return year[zone].format(at) === year[zone].format(now * 1000) ? `${date[zone].format(at)}, ${hour[zone].format(at)}` : `${date[zone].format(at)}, ${year[zone].format(at)}`;
}
/** Times at an axis, in epoch seconds, so many seconds apart: the day only where it changes. */
export function formatAxis(times: readonly number[], increment: number): string[] {
  const { zone } = getDisplay();
  const days = times.map((at) => date[zone].format(at * 1000));
  if (increment >= 86_400) return days;
  return times.map((at, index) => (days[index] === days[index - 1] ? hour[zone].format(at * 1000) : `${hour[zone].format(at * 1000)}\n${days[index]}`));
}
/** The day (UTC) of a time in epoch seconds. */
export const formatDay = (seconds: number) => day.format(seconds * 1000);
export const formatUtc = (seconds: number) => `${new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, 23)} UTC`;
/** A time by the clock of a zone, with its weekday; by that of the viewer if the zone is not known. */
export function formatZoned(seconds: number, timeZone: string): string {
  try {
    return new Intl.DateTimeFormat(LOCALE, { weekday: "short", year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZone, ...DAY_CLOCK }).format(seconds * 1000);
  } catch {
    return formatTime(seconds);
  }
}
export const formatCount = (value: number) => count.format(value);
/** A share in per cent; never 100 % while anything is missing. */
export function formatShare(share: number | null | undefined): string {
  if (share === null || share === undefined) return "–";
  return share === 1 ? "100 %" : `${(Math.floor(Number((share * 10_000).toFixed(9))) / 100).toFixed(2)} %`; // a product such as 2899.9999999999995 is 2900
}

/** How far a time is from now, such as "5 minutes ago"; both in epoch seconds. */
export function formatAgo(seconds: number, now: number): string {
  const distance = seconds - now;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(distance) >= size) ?? ["second", 1];
  return relative.format(Math.trunc(distance / size), unit);
}

/** A duration in seconds, such as "35 ms", "4.2 s", "3 min 20 s". */
export function formatDuration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const rounded = Math.round(seconds), minutes = Math.floor(rounded / 60);
  return minutes < 60 ? `${minutes} min ${rounded % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A code of the API as words: `rate_limited` is "rate limited". */
export const formatCode = (code: string) => code.replaceAll("_", " ");

function buildFormats(options: Intl.DateTimeFormatOptions): Record<"local" | "utc", Intl.DateTimeFormat> {
  return { local: new Intl.DateTimeFormat(LOCALE, options), utc: new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: "UTC" }) };
}

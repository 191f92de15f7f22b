// How values are written for people: in the viewer's zone and language, in the words of the glossary.

const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const short = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const count = new Intl.NumberFormat();
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

/** A time in epoch seconds, in the viewer's zone. */
export const formatTime = (seconds: number) => time.format(seconds * 1000);
export const formatClock = (seconds: number) => short.format(seconds * 1000);
export const formatUtc = (seconds: number) => `${new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, 23)} UTC`;
export const formatCount = (value: number) => count.format(value);

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

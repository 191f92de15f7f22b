import { createContext, useContext, useEffect, useState, type ReactNode } from "react";
import { useDisplay } from "../display";
import { formatAgo, formatShort, formatTime, formatUtc } from "../format";

const Now = createContext(0);
const STEP_MS = 10_000;

/** One clock for all relative times of the page, so that they change together. */
export function NowProvider({ children }: { children: ReactNode }) {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const tick = () => { if (!document.hidden) setNow(Date.now() / 1000); }; // a minute that nobody sees asks the API for nothing
    const timer = setInterval(tick, STEP_MS);
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }, []);
  return <Now.Provider value={now}>{children}</Now.Provider>;
}

/** The time of the page's clock, in epoch seconds. */
export const useNow = () => useContext(Now);

/** A time in the viewer's zone, with UTC on hover; `isRelative`, for lists, writes how long ago it was, or a short time if the viewer wants times exact. */
export function TimeText({ at, isRelative = false }: { at: number; isRelative?: boolean }) {
  const now = useNow();
  const { times } = useDisplay(); // a change of it, and of the zone, is shown at once
  return (
    <time className="number" dateTime={new Date(at * 1000).toISOString()} title={isRelative ? `${formatTime(at)} · ${formatUtc(at)}` : formatUtc(at)}>
      {!isRelative ? formatTime(at) : times === "exact" ? formatShort(at, now) : formatAgo(Math.min(at, now), now)}
    </time>
  );
}

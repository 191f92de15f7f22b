import { createContext, useContext, useEffect, useState, type ReactNode } from "react";
import { formatAgo, formatTime, formatUtc } from "../format";

const Now = createContext(0);
const STEP_MS = 10_000;

/** One clock for all relative times of the page, so that they change together. */
export function NowProvider({ children }: { children: ReactNode }) {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), STEP_MS);
    return () => clearInterval(timer);
  }, []);
  return <Now.Provider value={now}>{children}</Now.Provider>;
}

/** A time in the viewer's zone, with UTC on hover; `isRelative` writes how long ago it was. */
export function TimeText({ at, isRelative = false }: { at: number; isRelative?: boolean }) {
  const now = useContext(Now);
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={isRelative ? `${formatTime(at)} · ${formatUtc(at)}` : formatUtc(at)}>
      {isRelative ? formatAgo(Math.min(at, now), now) : formatTime(at)}
    </time>
  );
}

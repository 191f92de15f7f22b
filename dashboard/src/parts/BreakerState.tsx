import type { Schemas } from "herold-client";
import { formatCount } from "../format";
import { StatusBadge } from "./StatusBadge";
import { TimeText } from "./TimeText";

type Breaker = Schemas["OpenBreaker"];
type Pause = Schemas["AccountPause"];

/** Whether an account or webhook host is called, and why not. */
export function BreakerState({ breaker, pause, isKnown }: { breaker: Breaker | null | undefined; pause: Pause | null | undefined; isKnown: boolean }) {
  if (pause) return <span title={`${pause.paused_by}: ${pause.reason}`}><StatusBadge status="paused" tone="waiting" reason="by hand" /></span>;
  if (!isKnown) return <span className="dim">not known</span>;
  return breaker ? <span title={breaker.worker ? `says ${breaker.worker}` : undefined}><StatusBadge status="open" tone="bad" reason={breaker.cause} /></span> : <StatusBadge status="closed" tone="good" />;
}

/** When a pause ends, or the next probe is permitted. */
export function GoesOn({ breaker, pause }: { breaker?: Breaker | null; pause?: Pause | null }) {
  if (pause) return pause.ends_at ? <TimeText at={pause.ends_at} /> : <span className="dim">by hand</span>;
  return breaker ? <NextProbe breaker={breaker} /> : null;
}

function NextProbe({ breaker }: { breaker: Breaker }) {
  const seconds = Math.ceil(breaker.open_until - Date.now() / 1000);
  return <span className="number">{seconds > 0 ? `in ${formatCount(seconds)} s` : "now"}</span>;
}

// The live view over a WebSocket: resumes after its cursor, and gives rows at most once per animation frame.

import { ProblemError, unwrap } from "herold-client";
import { useEffect, useRef, useState } from "react";
import { herold } from "./api";

export interface LiveRow {
  kind: "decided" | "status" | "receipt" | "engagement";
  notification_id: string;
  status: string;
  occurred_at: number;
  delivery_id?: string;
  user_id?: string;
  type?: string;
  category?: string;
  priority?: string;
  channel?: string;
  reason?: string;
  provider?: string;
  attempt?: number;
}
export type LiveFilter = Partial<Record<"kinds" | "channels" | "priorities" | "statuses" | "categories" | "types", string[]>> & {
  user_id?: string;
  notification_id?: string;
};
export type LiveState = "connecting" | "live" | "stale" | "refused";
/** What happened since the last call: new rows, oldest first; `skipped` were left out by sampling, `missed` cannot be shown any more. */
export interface LiveChange {
  rows: LiveRow[];
  skipped: number;
  missed: number;
}
type Frame = { type: "subscribed" | "delta" | "gap" | "ping"; cursor: string; rows?: LiveRow[]; skipped?: number; missed?: number };

const STALE_MS = 25_000; // the gateway pings every 10 s
const REFUSED = new Set([4400, 4403]); // a filter that is not valid, a permission that is missing
const LONGEST_DELAY_MS = 30_000;
const PENDING_ROWS = 5_000; // a hidden tab gets no animation frames

/** Pass each change to `onChange` while the component is shown. The filter is compared by its JSON. */
export function useLive(filter: LiveFilter, onChange: (change: LiveChange) => void): LiveState {
  const [state, setState] = useState<LiveState>("connecting");
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  const key = JSON.stringify(filter);
  useEffect(() => connectLive(key, (change) => latest.current(change), setState), [key]);
  return state;
}

/** Keep a connection until the function that is returned is called. Delays between attempts are random (full jitter) and grow. */
export function connectLive(filter: string, onChange: (change: LiveChange) => void, onState: (state: LiveState) => void): () => void {
  let socket: WebSocket | undefined, cursor: string | undefined, attempts = 0, isClosed = false;
  let watchdog: ReturnType<typeof setTimeout>, retry: ReturnType<typeof setTimeout>;
  const gatherer = gatherChanges(onChange);

  const onFrame = (frame: Frame) => {
    attempts = 0;
    cursor = frame.cursor;
    watch();
    onState("live");
    gatherer.add(frame.rows ?? [], frame.skipped ?? 0, frame.missed ?? 0);
  };
  const watch = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(giveUp, STALE_MS);
  };
  const giveUp = () => {
    if (socket) socket.onclose = socket.onmessage = null; // a connection that is half open closes a minute later
    socket?.close();
    retryLater("stale");
  };
  const retryLater = (state: LiveState) => {
    clearTimeout(watchdog);
    if (isClosed) return;
    onState(state);
    retry = setTimeout(connect, Math.random() * Math.min(LONGEST_DELAY_MS, 500 * 2 ** attempts++));
  };
  const connect = async () => {
    try {
      const { ticket } = unwrap(await herold.POST("/v1/live/tickets", {}));
      if (isClosed) return;
      socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws?ticket=${ticket}`);
    } catch (error) {
      if (!(error instanceof ProblemError && error.status === 403)) return retryLater("connecting");
      if (!isClosed) onState("refused");
      return;
    }
    socket.onopen = () => socket?.send(JSON.stringify({ filter: JSON.parse(filter), ...(cursor ? { cursor } : {}) }));
    socket.onmessage = (event) => onFrame(JSON.parse(event.data as string) as Frame);
    socket.onclose = ({ code }) => {
      clearTimeout(watchdog);
      if (REFUSED.has(code)) onState("refused");
      else retryLater("connecting");
    };
    watch();
  };

  void connect();
  return () => {
    isClosed = true;
    clearTimeout(retry);
    clearTimeout(watchdog);
    gatherer.stop();
    socket?.close();
  };
}

function gatherChanges(onChange: (change: LiveChange) => void) {
  let pending: LiveChange = { rows: [], skipped: 0, missed: 0 }, frame = 0;
  const flush = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    const change = pending;
    pending = { rows: [], skipped: 0, missed: 0 };
    onChange(change);
  };
  return {
    add(rows: LiveRow[], skipped: number, missed: number) {
      if (!rows.length && !skipped && !missed) return;
      pending = { rows: pending.rows.concat(rows), skipped: pending.skipped + skipped, missed: pending.missed + missed };
      if (pending.rows.length > PENDING_ROWS) flush();
      else frame ||= requestAnimationFrame(flush);
    },
    stop: () => cancelAnimationFrame(frame),
  };
}

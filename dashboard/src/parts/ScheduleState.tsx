import type { Schemas } from "herold-client";
import { StatusBadge } from "./StatusBadge";

const TONES = { active: "good", paused: "waiting", ended: "neutral" } as const;

export function ScheduleState({ state }: { state: Schemas["Schedule"]["state"] }) {
  return <StatusBadge status={state} tone={TONES[state]} />;
}

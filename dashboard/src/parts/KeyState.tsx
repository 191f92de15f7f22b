import type { Schemas } from "herold-client";
import { findKeyState } from "../accounts";
import { useNow } from "./TimeText";

const LOOKS = { active: ["✓", "good"], unused: ["–", "neutral"], expired: ["–", "neutral"], revoked: ["✕", "bad"] } as const;

/** Whether a key counts: mark, word and colour. */
export function KeyState({ apiKey }: { apiKey: Schemas["ApiKey"] }) {
  const state = findKeyState(apiKey, useNow());
  const [mark, tone] = LOOKS[state];
  return <span className={`tone-${tone}`}>{mark} {state}</span>;
}

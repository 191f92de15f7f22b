// What was typed and is not saved yet: it stays in this tab of the browser through a reload, and goes with the tab or the session.

import { useDebouncedCallback } from "@mantine/hooks";
import { useCallback, useState } from "react";

const WRITE_MS = 300;
const PREFIX = "draft ";
const OWNER = "drafts_of";

/**
 * A value that survives a reload under a name; `undefined` forgets it. `begin` forgets it, too, and raises the round: an editor with a text of its own has it in its key.
 * What cannot be kept, because it is too large, is only not kept.
 */
export function useDraft<Value>(name: string): [Value | undefined, (value: Value | undefined) => void, { round: number; begin: () => void }] {
  const [value, setValue] = useState(() => readDraft<Value>(name));
  const [round, setRound] = useState(0);
  const write = useDebouncedCallback((next: Value | undefined) => writeDraft(name, next), { delay: WRITE_MS, flushOnUnmount: true });
  const set = useCallback((next: Value | undefined) => {
    setValue(next);
    if (next !== undefined) return write(next);
    write.cancel();
    writeDraft(name, next);
  }, [name, write]);
  const begin = useCallback(() => {
    set(undefined);
    setRound((last) => last + 1);
  }, [set]);
  return [value, set, { round, begin }];
}

export function readDraft<Value>(name: string): Value | undefined {
  try {
    const text = sessionStorage.getItem(PREFIX + name);
    return text === null ? undefined : (JSON.parse(text) as Value);
  } catch {
    return undefined; // not ours, or no storage in this browser
  }
}

export function writeDraft(name: string, value: unknown): void {
  try {
    if (value === undefined) sessionStorage.removeItem(PREFIX + name);
    else sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // the storage is full or off: the text is on the page all the same
  }
}

/** Forget all drafts of this tab, such as after a log-out. */
export function forgetDrafts(): void {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  } catch {
    // no storage in this browser
  }
}

/** From now on the drafts are this account's; those of another one are forgotten. */
export function claimDrafts(accountId: string): void {
  try {
    if (sessionStorage.getItem(OWNER) !== accountId) forgetDrafts();
    sessionStorage.setItem(OWNER, accountId);
  } catch {
    // no storage in this browser
  }
}

// What a form edits: a draft on top of the version that it began with.

import { useState } from "react";

/**
 * A version that comes meanwhile is taken over while nothing was typed. What was typed stays, and its save is a conflict then.
 * `take` begins anew with a version: the one that was saved, or somebody else's.
 */
export function useDraft<Stored extends { version: number }, Draft>(stored: Stored, toDraft: (stored: Stored) => Draft) {
  const [base, setBase] = useState(stored), [draft, setDraft] = useState(() => toDraft(stored));
  const isChanged = JSON.stringify(draft) !== JSON.stringify(toDraft(base));
  const take = (next: Stored) => {
    setBase(next);
    setDraft(toDraft(next));
  };
  if (stored.version > base.version && !isChanged) take(stored);
  return { base, draft, setDraft, isChanged, take };
}

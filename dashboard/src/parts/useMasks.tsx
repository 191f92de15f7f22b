import { Button } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { useCan } from "../session";

/** Whether addresses are asked for with masks, which they are at first; and the button that shows them, for who may see them. */
export function useMasks(what: string): [masked: boolean, button: ReactNode] {
  const canShow = useCan("users:unmask");
  const [masked, setMasked] = useState(true);
  if (!canShow) return [true, null];
  const title = masked ? "Each reading without masks leaves an entry in the audit log" : undefined;
  return [masked, <Button key="masks" size="xs" variant="default" title={title} onClick={() => setMasked(!masked)}>{masked ? `Show ${what} (audited)` : `Mask ${what}`}</Button>];
}

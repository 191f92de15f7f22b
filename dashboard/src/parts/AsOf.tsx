import { Text } from "@mantine/core";
import { formatClock, formatUtc } from "../format";

/** From when the page is. The place is kept while nothing is there. */
export function AsOf({ at }: { at: number | undefined }) {
  return <Text size="xs" className="dim number as-of" title={at ? formatUtc(at) : undefined}>{at ? `as of ${formatClock(at)}` : ""}</Text>;
}

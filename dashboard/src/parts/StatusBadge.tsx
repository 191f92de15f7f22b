import { Badge, type MantineColor } from "@mantine/core";
import { formatCode } from "../format";
import { getMark, getTone, type Tone } from "../statuses";

const COLORS: Record<Tone, MantineColor> = { good: "green", waiting: "yellow", neutral: "gray", bad: "red" };

/** A status as mark, word and colour; with its reason if there is one. */
export function StatusBadge({ status, reason }: { status: string; reason?: string }) {
  return (
    <span className="status">
      <Badge variant="light" color={COLORS[getTone(status)]} className={`tone-${getTone(status)}`} tt="none" leftSection={getMark(status)}>
        {formatCode(status)}
      </Badge>
      {reason ? <span className="reason">{formatCode(reason)}</span> : null}
    </span>
  );
}

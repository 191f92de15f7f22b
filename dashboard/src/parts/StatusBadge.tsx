import { formatCode } from "../format";
import { getTone, MARKS, type Tone } from "../statuses";

// hundreds of them come a second: no component of Mantine, which computes the styles of each

/** A status as mark, word and colour; with its reason if there is one. `tone`: of a word that has none of its own. */
export function StatusBadge({ status, reason, tone = getTone(status) }: { status: string; reason?: string; tone?: Tone }) {
  return (
    <span className="status">
      <span className={`badge tone-${tone}`}><span aria-hidden>{MARKS[tone]}</span>{formatCode(status)}</span>
      {reason ? <span className="reason">{formatCode(reason)}</span> : null}
    </span>
  );
}

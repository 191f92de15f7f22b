import { Code, Text, Tooltip } from "@mantine/core";
import type { Schemas } from "herold-client";
import { formatCode } from "../format";
import { getMark, getTone } from "../statuses";

/** The gates of a decision in their order, with what each saw; and those that were not asked any more. */
export function Gates({ gates, notReached = [] }: { gates: Schemas["GateResponse"][]; notReached?: string[] }) {
  if (!gates.length) return <Text size="sm" className="dim">No gate has judged it.</Text>;
  return (
    <ol className="steps">
      {gates.map((gate, number) => (
        <li key={number}>
          <Tooltip label={gate.description} multiline w={260} disabled={!gate.description}><b tabIndex={0}>{formatCode(gate.gate)}</b></Tooltip>
          <span className={`tone-${getTone(gate.verdict)}`} aria-hidden>{getMark(gate.verdict)}</span>
          <span>
            {formatCode(gate.verdict)}{gate.meaning ? <span className="dim"> · {gate.meaning}</span> : null}
            {gate.remedy ? <div>To change it: {gate.remedy}</div> : null}
            {Object.keys(gate.inputs).length ? <details><summary className="dim">what it saw</summary><Code block>{JSON.stringify(gate.inputs, null, 2)}</Code></details> : null}
          </span>
        </li>
      ))}
      {notReached.map((name) => (
        <li key={name} className="dim"><span>{formatCode(name)}</span><span aria-hidden>–</span><span>not asked</span></li>
      ))}
    </ol>
  );
}

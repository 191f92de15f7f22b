import { Text } from "@mantine/core";
import { useMemo } from "react";
import { compareTexts, type DiffLine } from "../diffs";

interface DiffViewProps {
  before: string;
  after: string;
  /** What both are, such as "version 2" and "draft". */
  labels: readonly [string, string];
}

/** Two texts line by line, with a sign before each line that differs; of what is equal, a few lines around. */
export function DiffView({ before, after, labels }: DiffViewProps) {
  const lines = useMemo(() => compareTexts(before, after), [before, after]);
  if (before === after) return <Text size="sm" className="dim">No difference between {labels[0]} and {labels[1]}.</Text>;
  return (
    <div className="diff" role="region" aria-label={`differences between ${labels[0]} and ${labels[1]}`} tabIndex={0}>
      <div className="diff-head"><span className="tone-bad">− {labels[0]}</span> <span className="tone-good">+ {labels[1]}</span></div>
      {lines.map((line, index) => <Line key={index} line={line} />)}
    </div>
  );
}

const SIGNS = { same: " ", added: "+", removed: "−", folded: "⋯" } as const;
const WORDS = { same: "", added: "added: ", removed: "removed: ", folded: "" } as const;

function Line({ line: { kind, text } }: { line: DiffLine }) {
  return (
    <div className={`diff-line diff-${kind}`}>
      <span className="diff-sign" aria-hidden>{SIGNS[kind]}</span>
      <span className="diff-text">{WORDS[kind] ? <span className="hidden-text">{WORDS[kind]}</span> : null}{text || " "}</span>
    </div>
  );
}

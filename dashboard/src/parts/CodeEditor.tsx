import { Input } from "@mantine/core";
import { useId, useRef, type ReactNode } from "react";

interface CodeEditorProps {
  label: string;
  value: string;
  onChange?: (value: string) => void;
  /** What is wrong with it, shown below and, with a line (from 1 on), beside that. */
  error?: ReactNode;
  errorLine?: number;
  minLines?: number;
  maxLines?: number;
  description?: string;
}

const LINE_REM = 1.35; // as the style sheet has it
const PADDING_REM = 1;

/** A text with numbered lines. Without `onChange` it is only read. Tab leaves it, as it leaves every field. */
export function CodeEditor({ label, value, onChange, error, errorLine = 0, minLines = 3, maxLines = 24, description }: CodeEditorProps) {
  const id = useId();
  const numbers = useRef<HTMLDivElement>(null);
  const count = value.split("\n").length;
  const height = `${Math.max(minLines, Math.min(maxLines, count)) * LINE_REM + PADDING_REM}rem`;
  return (
    <Input.Wrapper label={label} labelProps={{ htmlFor: id }} error={error} description={description} errorProps={{ id: `${id}-error` }}>
      <div className="code" style={{ height }} data-invalid={error ? true : undefined}>
        <div className="code-numbers number" ref={numbers} aria-hidden>
          {Array.from({ length: count }, (_, index) => (
            <div key={index} className={index + 1 === errorLine ? "code-error" : undefined}>{index + 1 === errorLine ? "✕ " : ""}{index + 1}</div>
          ))}
        </div>
        <textarea
          id={id} className="mono" value={value} spellCheck={false} wrap="off" readOnly={!onChange} aria-invalid={!!error} aria-describedby={error ? `${id}-error` : undefined}
          onChange={(event) => onChange?.(event.currentTarget.value)}
          onScroll={(event) => {
            if (numbers.current) numbers.current.scrollTop = event.currentTarget.scrollTop;
          }}
        />
      </div>
    </Input.Wrapper>
  );
}

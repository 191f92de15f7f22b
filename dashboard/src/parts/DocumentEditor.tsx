import { Stack, Text } from "@mantine/core";
import { useState } from "react";
import { CodeEditor } from "./CodeEditor";
import { readJson, writeJson } from "../json";
import type { TemplateDocument } from "../templates";

/** The whole template as JSON: also samples, declared variables, variants and options, which have no form. */
export function DocumentEditor({ name, document, onChange }: { name: string; document: TemplateDocument; onChange?: (document: TemplateDocument) => void }) {
  const [text, setText] = useState(() => writeJson(document));
  const read = readJson(text);
  const change = (next: string) => {
    setText(next);
    const { value } = readJson(next);
    if (value) onChange?.(value as TemplateDocument);
  };
  return (
    <Stack gap="xs">
      <Text size="sm" className="dim">All of {name}: <code>samples</code> are data for previews, <code>variables</code> a JSON Schema, <code>variants</code> what some of the users get. It is checked when it is saved.</Text>
      <CodeEditor label="Document (JSON)" value={text} onChange={onChange ? change : undefined} error={read.problem} errorLine={read.line} minLines={20} maxLines={40} />
    </Stack>
  );
}

import { Button, Group, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { formatCode } from "../format";

/** A filter of a list: a choice of values, or a text. */
export interface FilterField {
  name: string;
  label: string;
  values?: readonly string[];
}
type Values = Record<string, string | undefined>;
interface FiltersProps {
  fields: readonly FilterField[];
  values: Values;
  /** Whether there is something to clear; if not given, whether a field has a value. */
  isFiltered?: boolean;
  onChange: (values: Values) => void;
}

/** The filters of a list. They live in the URL, which the page owns. */
export function Filters({ fields, values, isFiltered = fields.some((field) => values[field.name]), onChange }: FiltersProps) {
  const set = (name: string, value: string | null) => onChange({ ...values, [name]: value || undefined });
  return (
    <Group gap="xs" role="search" aria-label="filters" className="filters">
      {fields.map((field) =>
        field.values ? (
          <Select
            key={field.name} size="xs" w={130} clearable placeholder={field.label} aria-label={field.label} value={values[field.name] ?? null}
            data={field.values.map((value) => ({ value, label: formatCode(value) }))} onChange={(value) => set(field.name, value)}
          />
        ) : (
          <TextFilter key={field.name} field={field} value={values[field.name] ?? ""} onChange={(value) => set(field.name, value)} />
        ),
      )}
      {isFiltered ? <Button size="xs" variant="subtle" onClick={() => onChange({})}>Clear filters</Button> : null}
    </Group>
  );
}

function TextFilter({ field, value, onChange }: { field: FilterField; value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  const change = useDebouncedCallback(onChange, 250);
  useEffect(() => {
    if (document.activeElement === input.current) return; // what is being typed is newer
    change.cancel(); // "Clear filters" is not undone by what was typed before
    setText(value);
  }, [value, change]);
  return (
    <TextInput
      ref={input} size="xs" w={130} placeholder={field.label} aria-label={field.label} value={text} data-filter
      onChange={(event) => {
        setText(event.currentTarget.value);
        change(event.currentTarget.value.trim());
      }}
    />
  );
}

import { Button, TextInput } from "@mantine/core";
import { useState } from "react";

/** A form for one name. */
export function NameForm({ label, description, onDone }: { label: string; description: string; onDone: (name: string) => void }) {
  const [name, setName] = useState("");
  return (
    <form onSubmit={(event) => { event.preventDefault(); if (name.trim()) onDone(name.trim()); }}>
      <TextInput label={label} description={description} value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={128} data-autofocus />
      <Button type="submit" mt="md" disabled={!name.trim()}>Create</Button>
    </form>
  );
}

import { Alert, Button, Group, Stack } from "@mantine/core";

/** A field that differs: as it was typed here, and as it is stored now. */
export interface ConflictField {
  label: string;
  mine: string;
  theirs: string;
}
interface ConflictPanelProps {
  fields: readonly ConflictField[];
  onTakeTheirs: () => void;
  onSaveMine: () => void;
  isBusy?: boolean;
}

/** Somebody else has changed it meanwhile (412): both versions side by side, and whose to keep. */
export function ConflictPanel({ fields, onTakeTheirs, onSaveMine, isBusy = false }: ConflictPanelProps) {
  return (
    <Alert color="yellow" variant="light" role="alert" title="Somebody else has changed it meanwhile">
      <Stack gap="sm">
        <span>{fields.length ? "Nothing was saved yet. These fields differ:" : "Nothing was saved yet, and no field that you changed differs."}</span>
        {fields.length ? (
          <table className="versions">
            <thead><tr><th>Field</th><th>Yours</th><th>Stored now</th></tr></thead>
            <tbody>
              {fields.map(({ label, mine, theirs }) => <tr key={label}><th>{label}</th><td>{mine || <i>empty</i>}</td><td>{theirs || <i>empty</i>}</td></tr>)}
            </tbody>
          </table>
        ) : null}
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={onTakeTheirs}>Take what is stored</Button>
          <Button size="xs" loading={isBusy} onClick={onSaveMine}>Save yours over it</Button>
        </Group>
      </Stack>
    </Alert>
  );
}

import { Alert, Button, Code, CopyButton, Stack } from "@mantine/core";
import type { ReactNode } from "react";

/** A secret that is shown only now, with a button that copies it. */
export function SecretBox({ title, secret, children }: { title: string; secret: string; children?: ReactNode }) {
  return (
    <Alert role="note" color="yellow" variant="light" title={title}>
      <Stack gap="xs" align="flex-start">
        <span>It is shown only now: copy it to where it is kept.</span>
        <Code block className="secret">{secret}</Code>
        <CopyButton value={secret}>{({ copied, copy }) => <Button size="xs" onClick={copy}>{copied ? "Copied" : "Copy"}</Button>}</CopyButton>
        {children}
      </Stack>
    </Alert>
  );
}

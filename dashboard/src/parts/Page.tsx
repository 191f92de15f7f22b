import { Group, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";

/** A page: its title, what can be done, and its content. */
export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  useDocumentTitle(`${title} · Herold`);
  return (
    <>
      <Group justify="space-between" mb="sm" mih={36}>
        <Title order={1} tabIndex={-1}>{title}</Title>
        <Group gap="xs">{actions}</Group>
      </Group>
      {children}
    </>
  );
}

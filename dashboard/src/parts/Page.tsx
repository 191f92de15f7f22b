import { Group, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useEffect, useRef, type ReactNode } from "react";

let hasNavigated = false; // the first page is announced by the browser

/** A page: its title, what can be done, and its content. */
export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  useDocumentTitle(`${title} · Herold`);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (hasNavigated) heading.current?.focus({ preventScroll: true }); // so that a screen reader says where one is
    hasNavigated = true;
  }, []);
  return (
    <>
      <Group justify="space-between" mb="sm" mih={36}>
        <Title order={1} tabIndex={-1} ref={heading}>{title}</Title>
        <Group gap="xs">{actions}</Group>
      </Group>
      {children}
    </>
  );
}

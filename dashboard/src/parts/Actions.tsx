// Buttons that change something: at once, or after a dialog that says what will happen.

import { Button, type ButtonProps } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { QueryKey } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useAction } from "../actions";
import { ActionDialog } from "./ActionDialog";

interface ActionProps extends ButtonProps {
  label: string;
  run: (reason: string) => Promise<unknown>;
  /** What is read again after it. */
  keys: readonly QueryKey[];
  /** What is said when it is done. */
  done?: string;
  onDone?: () => void;
}

/** Does something at once. */
export function ActionButton({ label, run, keys, done, onDone, ...props }: ActionProps) {
  const act = useAction(() => run(""), { done, refresh: keys, onDone });
  return <Button size="xs" variant="default" loading={act.isPending} onClick={() => act.mutate()} {...props}>{label}</Button>;
}

/** Does something after a dialog that says what will happen; with `asksReason`, the reason goes into the audit log. */
export function DialogButton({ label, run, keys, outdated, done, onDone, asksReason, title, children, ...props }: ActionProps & { outdated?: readonly QueryKey[]; asksReason?: boolean; title: string; children: ReactNode }) {
  const [isOpen, dialog] = useDisclosure();
  return (
    <>
      <Button size="xs" variant="default" onClick={dialog.open} {...props}>{label}</Button>
      {isOpen ? (
        <ActionDialog title={title} onClose={dialog.close} confirm={label} color={props.color as string} asksReason={asksReason} act={run} done={done} refresh={keys} outdated={outdated} onDone={onDone}>
          {children}
        </ActionDialog>
      ) : null}
    </>
  );
}

// What is shown when there is nothing to show: nothing yet, no match, not allowed, an error. And while it comes: the outline of what will.

import { Alert, Button, Code, Skeleton, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { describeFailure } from "../api";

export function EmptyPanel({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Stack className="empty" align="center" gap="xs">
      <Text fw={600}>{title}</Text>
      <Text component="div" size="sm" className="dim" ta="center">{children}</Text>
    </Stack>
  );
}

/** An error of what is read or done, with what to quote, and a way on. What was typed and filtered stays. */
export function FailurePanel({ error, onRetry, children }: { error: unknown; onRetry: () => void; children?: ReactNode }) {
  const failure = describeFailure(error);
  if (failure.kind === "forbidden") {
    return (
      <EmptyPanel title="You do not have the permission">
        {failure.detail} Ask an admin of Herold for it.
        <RequestId id={failure.requestId} />
      </EmptyPanel>
    );
  }
  return (
    <Alert color="red" variant="light" title={failure.title} role="alert">
      <Stack gap="xs" align="flex-start">
        <span>{failure.detail}</span>
        {children}
        <RequestId id={failure.requestId} />
        <Button size="xs" variant="default" onClick={onRetry}>Try again</Button>
      </Stack>
    </Alert>
  );
}

function RequestId({ id }: { id: string }) {
  return id ? <div>Request id <Code>{id}</Code>: it is in the log of the gateway.</div> : null;
}

/** The outline of a list; it appears after 200 ms (style.css), so that what is quick does not flicker. */
export function SkeletonRows({ count = 12 }: { count?: number }) {
  return (
    <div className="skeleton" role="group" aria-busy="true" aria-label="loading">
      {Array.from({ length: count }, (_, number) => <Skeleton key={number} height="calc(var(--row-height) - 1px)" radius={0} mb={1} />)}
    </div>
  );
}

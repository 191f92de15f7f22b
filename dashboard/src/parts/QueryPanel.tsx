import { Text } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { formatClock } from "../format";
import { FailurePanel, SkeletonRows } from "./Panels";

interface QueryPanelProps<Data> {
  query: UseQueryResult<Data>;
  /** What is shown until the data come; the outline of rows by default. */
  outline?: ReactNode;
  children: (data: Data) => ReactNode;
}

/** What one query shows. After an error the old data stay, with the time from which they are. */
export function QueryPanel<Data>({ query, outline = <SkeletonRows count={6} />, children }: QueryPanelProps<Data>) {
  const { data, error, isPending, dataUpdatedAt } = query;
  return (
    <>
      {error ? <FailurePanel error={error} onRetry={() => void query.refetch()} /> : null}
      {error && data !== undefined ? <Text size="xs" className="dim number" my="xs">What is shown is of {formatClock(dataUpdatedAt / 1000)}.</Text> : null}
      {isPending ? outline : null}
      {data !== undefined ? children(data) : null}
    </>
  );
}

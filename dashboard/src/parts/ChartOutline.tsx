import { Skeleton } from "@mantine/core";

/** The outline of a chart with its number and legend. */
export function ChartOutline() {
  return (
    <div className="skeleton" aria-busy="true" aria-label="loading">
      <Skeleton height={36} width={160} mb="sm" />
      <Skeleton height={284} mb="xs" />
      <Skeleton height={20} width={320} />
    </div>
  );
}

import { Button } from "@mantine/core";
import { useInfiniteQuery, type InfiniteData, type UseInfiniteQueryResult } from "@tanstack/react-query";
import { useMemo, type ReactNode } from "react";
import { EmptyPanel, FailurePanel, SkeletonRows } from "./Panels";

interface KeysetPage<Row> {
  items: Row[];
  next_cursor?: string | null;
}
interface RecordListProps<Row> {
  list: PagedList<Row>;
  /** Nothing is there yet: what to do next. */
  empty: ReactNode;
  /** Shown instead when a filter is set. */
  noMatch?: ReactNode;
  isFiltered?: boolean;
  children: (rows: Row[]) => ReactNode;
}
export type PagedList<Row> = UseInfiniteQueryResult<InfiniteData<KeysetPage<Row>>> & { rows: Row[] };

/** The pages of a list of the API, the first at once. `fetchPage` gets the cursor of a page. */
export function usePagedList<Row>(
  key: readonly unknown[],
  fetchPage: (cursor: string | undefined, signal: AbortSignal) => Promise<KeysetPage<Row>>,
): PagedList<Row> {
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => fetchPage(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: 60_000, // who comes back finds the list as it was
    refetchOnWindowFocus: false, // rows do not move by themselves
  });
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  return { ...list, rows };
}

/** A list in all its states: its outline while it comes, an error above what is old, nothing yet, no match, rows. */
export function RecordList<Row>({ list, empty, noMatch, isFiltered = false, children }: RecordListProps<Row>) {
  return (
    <>
      {list.error ? <FailurePanel error={list.error} onRetry={() => void list.refetch()} /> : null}
      {list.isPending ? <SkeletonRows /> : null}
      {list.data && !list.rows.length ? (isFiltered && noMatch) || empty : null}
      {list.rows.length ? children(list.rows) : null}
      {list.hasNextPage ? (
        <Button mt="sm" variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>Show older</Button>
      ) : null}
    </>
  );
}

/** What is said when no row matches the filters; most texts are compared as a whole. */
export function NoMatch({ what, wholes }: { what: string; wholes: string }) {
  return <EmptyPanel title={`No ${what} matches`}>Clear a filter. {wholes} has to be written as a whole.</EmptyPanel>;
}

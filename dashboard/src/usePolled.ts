import { useQuery, type UseQueryResult } from "@tanstack/react-query";

const POLL_MS = 2_000;

/** What the API says now, asked again every 2 s while the page is visible. After an error the old data stay. */
export function usePolled<Data>(key: readonly unknown[], fetch: (signal: AbortSignal) => Promise<Data>, enabled = true): UseQueryResult<Data> {
  return useQuery({ queryKey: key, queryFn: ({ signal }) => fetch(signal), refetchInterval: POLL_MS, staleTime: 0, enabled });
}

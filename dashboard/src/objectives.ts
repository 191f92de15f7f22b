// The promises of the priorities and how they are kept, once for all pages that show them.

import { useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "./api";

const REFRESH_MS = 10_000;

export const useObjectives = () =>
  useQuery({ queryKey: ["sla", "objectives"], queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/slo", { signal })), refetchInterval: REFRESH_MS });

/** The target of each priority in seconds. */
export const listTargets = (slo: { priorities: readonly Pick<Schemas["ObjectiveState"], "priority" | "target_seconds">[] } | undefined): Record<string, number> =>
  Object.fromEntries((slo?.priorities ?? []).map(({ priority, target_seconds }) => [priority, target_seconds]));

import { useQuery } from "@tanstack/react-query";
import { useLocation } from "@tanstack/react-router";
import { unwrap } from "herold-client";
import { useEffect } from "react";
import { herold } from "../api";
import { useCan, usePerson } from "../session";
import { changeTour, isExplanation, isLater, listSteps, useStoredTour, type Step } from "../tour";

const POLL_MS = 3_000;

interface ShownTour {
  /** Whether it will be shown is not known yet. */
  isPending: boolean;
  isOpen: boolean;
  steps: Step[];
}

/** The tour of this person, with what has really happened; asks for nothing once it is closed. */
export function useTour(): ShownTour {
  const person = usePerson();
  const canRead = useCan("notifications:read");
  const stored = useStoredTour();
  const isAsked = canRead && stored.choice !== "closed";
  const newest = useNewest(isAsked, stored.choice === "open" && !stored.hasRead);
  const isOpen = isAsked && (stored.choice === "open" || newest.data === "");
  useEffect(() => {
    if (!isAsked || newest.data === undefined) return;
    if (stored.choice === "none" && newest.data === "") changeTour({ choice: "open", after: "" }); // it goes on when the first one is sent
    if (stored.choice === "open" && stored.after === undefined) changeTour({ after: newest.data });
  }, [isAsked, newest.data, stored]);
  const after = stored.after ?? newest.data ?? "";
  const notificationId = newest.data && isLater(newest.data, after) ? newest.data : undefined;
  const isDelivered = useDelivery(["DELIVERED"], after, isOpen && !!notificationId);
  const isSent = useDelivery(["SENT"], after, isOpen && !!notificationId && !isDelivered);
  const isBroken = useFault(after, isOpen && !stored.wasBroken) || stored.wasBroken;
  const steps = listSteps(person, { notificationId, isDelivered, isSent, hasWatched: stored.hasWatched, isBroken, hasRead: stored.hasRead });
  useMarks(isOpen, steps, isBroken, stored.wasBroken);
  useWatchedMark(isOpen && !!notificationId && !stored.hasWatched);
  return { isPending: isAsked && stored.choice === "none" && newest.isPending, isOpen: isOpen && steps.length > 0, steps };
}

// what ends by itself, or leaves nothing at the API, is remembered
function useMarks(isOpen: boolean, steps: readonly Step[], isBroken: boolean, wasBroken: boolean): void {
  const path = useLocation({ select: ({ pathname }) => pathname });
  useEffect(() => {
    if (isOpen && isBroken && !wasBroken) changeTour({ wasBroken: true });
  }, [isOpen, isBroken, wasBroken]);
  const isLast = steps.length > 0 && steps.every((step) => step.isDone !== (step.name === "read"));
  useEffect(() => {
    if (isOpen && isLast && isExplanation(path)) changeTour({ hasRead: true });
  }, [isOpen, isLast, path]);
}

function useWatchedMark(isAsked: boolean): void {
  const path = useLocation({ select: ({ pathname }) => pathname });
  useEffect(() => {
    if (isAsked && (path === "/live" || isExplanation(path))) changeTour({ hasWatched: true });
  }, [isAsked, path]);
}

/** The id of the newest notification, an empty text if there is none. */
function useNewest(isAsked: boolean, isOpen: boolean) {
  return useQuery({
    queryKey: ["tour", "newest"],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/notifications", { params: { query: { limit: 1 } }, signal })).items[0]?.id ?? "",
    enabled: isAsked, staleTime: isOpen ? 0 : Infinity, refetchInterval: isOpen ? POLL_MS : false,
  });
}

// asked until there is one
function useDelivery(statuses: ("SENT" | "DELIVERED" | "FAILED" | "BOUNCED")[], after: string, isAsked: boolean): boolean {
  const { data } = useQuery({
    queryKey: ["tour", "delivery", statuses, after],
    queryFn: async ({ signal }) => {
      const [newest] = unwrap(await herold.GET("/v1/deliveries", { params: { query: { status: statuses, limit: 1 } }, signal })).items;
      return newest !== undefined && (!after || newest.id.slice(4, 16) > after.slice(4, 16));
    },
    enabled: isAsked, staleTime: 0, refetchInterval: ({ state }) => (state.data ? false : POLL_MS),
  });
  return isAsked && data === true;
}

function useFault(after: string, isAsked: boolean): boolean {
  const hasSimulators = usePerson().features.includes("simulators");
  const canBreak = useCan("simulators:write");
  const hasFailed = useDelivery(["FAILED", "BOUNCED"], after, isAsked && !hasSimulators);
  const { data } = useQuery({
    queryKey: ["simulator faults"], // as on the page of the simulators, where one is switched on
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/simulators/faults", { signal })).items,
    enabled: isAsked && hasSimulators && canBreak, refetchInterval: POLL_MS,
  });
  return isAsked && (hasSimulators ? !!data?.length : hasFailed);
}

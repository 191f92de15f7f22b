// The tour of who is new: send one, watch it arrive, break the provider, read why. Which steps a person has, and which of them happened.

import { useSyncExternalStore } from "react";

export interface Tour {
  /** Until somebody chooses, it is open where nothing was sent yet. */
  choice: "none" | "open" | "closed";
  isBarClosed: boolean;
  /** The newest notification when the tour was opened: what is newer belongs to the tour. Undefined: it is not known yet. */
  after?: string;
  /** The page of one that was sent, or the live page, was opened. */
  hasWatched: boolean;
  /** A fault was on; it ends by itself. */
  wasBroken: boolean;
  hasRead: boolean;
}

const KEY = "herold.tour";
const USUAL: Tour = { choice: "none", isBarClosed: false, after: "", hasWatched: false, wasBroken: false, hasRead: false };

let tour = read();
const listeners = new Set<() => void>();

export const getTour = (): Tour => tour;

/** What this browser knows of the tour; the component is rendered again when it changes. */
export const useStoredTour = (): Tour => useSyncExternalStore(subscribe, getTour);

export function changeTour(change: Partial<Tour>): void {
  set({ ...tour, ...change });
  localStorage.setItem(KEY, JSON.stringify(tour));
}

/** Open it from its beginning, also where much was sent. */
export const showTour = () => changeTour({ ...USUAL, choice: "open", after: undefined });

export type StepName = "send" | "arrive" | "break" | "read";

export interface Step {
  name: StepName;
  title: string;
  text: string;
  isDone: boolean;
  /** Where it is done: an address of the dashboard. */
  url?: string;
  action?: string;
}

/** What has really happened, as far as the person may know it. */
export interface Facts {
  /** The newest notification of the tour. */
  notificationId?: string;
  isDelivered: boolean;
  /** A provider has one of them, and has sent no receipt. */
  isSent: boolean;
  hasWatched: boolean;
  isBroken: boolean;
  hasRead: boolean;
}

interface Viewer {
  permissions: readonly string[];
  features: readonly string[];
}

/** The steps that a person may do, in their order. */
export function listSteps({ permissions, features }: Viewer, facts: Facts): Step[] {
  const can = (permission: string) => permissions.includes(permission);
  const hasSimulators = features.includes("simulators");
  const steps = [
    can("notifications:send") ? describeSend(facts) : describeWait(facts),
    describeArrival(facts, can("live:read")),
    hasSimulators ? can("simulators:write") && describeFault(facts) : can("notifications:send") && describeSettings(facts, can("metrics:read")),
    describeReading(facts),
  ];
  return can("notifications:read") ? steps.filter((step) => step !== false) : [];
}

const describeSend = ({ notificationId }: Facts): Step => ({
  name: "send", title: "Send one", isDone: !!notificationId, url: "/send", action: "Send a notification",
  text: "To any user and address. A dry run shows first what would happen.",
});
const describeWait = ({ notificationId }: Facts): Step => ({
  name: "send", title: "Wait for the first one", isDone: !!notificationId,
  text: "Your role sends none. A program, an admin or a developer does, and it appears here.",
});
const describeArrival = ({ notificationId, isDelivered, isSent, hasWatched }: Facts, canWatch: boolean): Step => ({
  name: "arrive", title: "Watch it arrive", isDone: isDelivered || (isSent && hasWatched),
  text: isSent && !isDelivered
    ? "SENT: the provider has taken it. It has sent no receipt so far, and some providers send none: then this is its last status."
    : "Its page shows the gates, each attempt and the receipt of the provider, as they happen.",
  ...(notificationId ? { url: `/notifications/${notificationId}`, action: "Open it" } : canWatch ? { url: "/live", action: "Open the live view" } : {}),
});
const describeFault = ({ isBroken }: Facts): Step => ({
  name: "break", title: "Break the provider", isDone: isBroken, url: "/simulators?tab=faults", action: "Switch an outage on",
  text: "Switch an outage on, then send another one: it is tried again, and nothing is lost. A fault ends by itself.",
});
const describeSettings = ({ isBroken }: Facts, canSee: boolean): Step => ({
  name: "break", title: "See one fail", isDone: isBroken,
  text: "There are no simulators here, and the providers are real: their accounts are under providers in faust.yml. Send one to an address that does not exist.",
  ...(canSee ? { url: "/providers", action: "See the providers" } : {}),
});
const describeReading = ({ notificationId, hasRead }: Facts): Step => ({
  name: "read", title: "Read why", isDone: hasRead,
  text: "The first sentence of a notification says what became of it, or what it waits for and until when.",
  ...(notificationId ? { url: `/notifications/${notificationId}`, action: "Open the last one" } : { url: "/explain", action: "Open Explain" }),
});

/** The step that is next; undefined when all is done. */
export const findNextStep = (steps: readonly Step[]): Step | undefined => steps.find((step) => !step.isDone);

/** Whether an id was made later than another; both begin with a prefix and the time. Anything is later than none. */
export const isLater = (id: string, other: string): boolean => id.slice(4) > other.slice(4);

/** Whether the page at a path explains one notification. */
export const isExplanation = (path: string): boolean => /^\/notifications\/[^/]+$/.test(path);

const BAR_PATHS = ["/send", "/live", "/notifications", "/simulators", "/providers", "/explain"];

/** Whether the tour leads to the page at a path, so that its bar is shown there. */
export const isOnTour = (path: string): boolean => BAR_PATHS.some((each) => path === each || path.startsWith(`${each}/`));

function read(): Tour {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Tour>;
    if (stored.choice !== "open" && stored.choice !== "closed") return USUAL;
    const after = typeof stored.after === "string" ? stored.after : undefined;
    return {
      choice: stored.choice, isBarClosed: stored.isBarClosed === true, after,
      hasWatched: stored.hasWatched === true, wasBroken: stored.wasBroken === true, hasRead: stored.hasRead === true,
    };
  } catch {
    return USUAL; // it is no JSON, or this browser stores nothing
  }
}

function set(next: Tour): void {
  tour = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

addEventListener("storage", (event) => {
  if (event.key === KEY) set(read());
});

// The pages that the navigation, the palette and the keys lead to. A new page is one line here and one in router.tsx.

export interface Place {
  group: "Operate" | "People" | "Insight" | "Machine";
  label: string;
  path: string;
  /** Follows g. */
  key: string;
  permission: string;
  description: string;
}

export const PLACES: readonly Place[] = [
  { group: "Operate", label: "Notifications", path: "/notifications", key: "n", permission: "notifications:read", description: "history and search" },
  { group: "Operate", label: "Live", path: "/live", key: "l", permission: "live:read", description: "what happens now" },
  { group: "Operate", label: "Dead letters", path: "/dead-letters", key: "d", permission: "dead-letters:read", description: "what could not be processed, by cause" },
];

export const listPlaces = (permissions: readonly string[]) => PLACES.filter((place) => permissions.includes(place.permission));

// What a text in the palette means: which pages and actions it names, and whose id it is. Pure.

export interface Named {
  label: string;
  description: string;
}

/** Those that a text names, the best first: the beginning of the name, of a word in it, a part of it, a part of what is said about it. */
export function matchNames<Item extends Named>(items: readonly Item[], text: string): Item[] {
  const sought = text.toLowerCase();
  return items
    .map((item) => ({ item, rank: rankName(item, sought) }))
    .filter(({ rank }) => rank < NO_MATCH)
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ item }) => item);
}

const NO_MATCH = 4;

function rankName({ label, description }: Named, sought: string): number {
  const name = label.toLowerCase();
  if (name.startsWith(sought)) return 0;
  if (name.split(/[\s.-]+/).some((word) => word.startsWith(sought))) return 1;
  if (name.includes(sought)) return 2;
  return description.toLowerCase().includes(sought) ? 3 : NO_MATCH;
}

interface IdKind {
  what: string;
  permission: string;
  /** The page of one. Without it, what the id belongs to has to be looked up. */
  page?: string;
}

const IDS: Record<string, IdKind> = {
  ntf: { what: "notification", permission: "notifications:read", page: "/notifications/" },
  dlv: { what: "delivery", permission: "notifications:read" },
  dlt: { what: "dead letter", permission: "dead-letters:read", page: "/dead-letters?tab=letters&letter=" },
  brd: { what: "broadcast", permission: "broadcasts:read", page: "/broadcasts/" },
  whe: { what: "webhook endpoint", permission: "webhook-endpoints:read", page: "/webhook-endpoints/" },
  acc: { what: "account", permission: "accounts:read", page: "/accounts/" },
  aud: { what: "audit entry", permission: "audit:read", page: "/audit?entry=" },
};

export interface FoundId {
  what: string;
  id: string;
  /** The address of its page in the dashboard. */
  url?: string;
}

/** What a text is the id of, if it is one that the person may open. */
export function findId(text: string, permissions: readonly string[]): FoundId | undefined {
  const [, id = "", prefix = ""] = /^((ntf|dlv|dlt|brd|whe|acc|aud)_[0-9a-f]{32})$/.exec(text.trim().toLowerCase()) ?? [];
  const kind = IDS[prefix];
  if (!kind || !permissions.includes(kind.permission)) return undefined;
  return { what: kind.what, id, url: kind.page && kind.page + id };
}

/** The millisecond in an id, as a range of epoch seconds that holds it in spite of rounding. */
export function readIdTime(id: string): { since: number; until: number } {
  const milliseconds = Number.parseInt(id.slice(4, 16), 16);
  return { since: (milliseconds - 1) / 1000, until: (milliseconds + 2) / 1000 };
}

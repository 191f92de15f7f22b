// The pages that the navigation, the palette and the keys lead to. A new page is one line here and one in router.tsx.

export interface Place {
  group: "Operate" | "People" | "Insight" | "Machine";
  label: string;
  path: string;
  /** Follows g. */
  key: string;
  /** Without one, the place is for everybody. */
  permission?: string;
  description: string;
  /** Of what not every installation has. */
  feature?: string;
}

export const PLACES: readonly Place[] = [
  { group: "Operate", label: "Overview", path: "/overview", key: "o", permission: "metrics:read", description: "is it well, and what needs somebody" },
  { group: "Operate", label: "Notifications", path: "/notifications", key: "n", permission: "notifications:read", description: "history and search" },
  { group: "Operate", label: "Live", path: "/live", key: "l", permission: "live:read", description: "what happens now" },
  { group: "Operate", label: "Explain", path: "/explain", key: "e", permission: "notifications:read", description: "why did a user get something, or not" },
  { group: "Operate", label: "Send", path: "/send", key: "s", permission: "notifications:send", description: "to a user, after a look at what would happen" },
  { group: "Operate", label: "Broadcasts", path: "/broadcasts", key: "b", permission: "broadcasts:read", description: "one notification for each user of an audience" },
  { group: "Operate", label: "Schedules", path: "/schedules", key: "c", permission: "schedules:read", description: "broadcasts at the times of a clock" },
  { group: "Operate", label: "Dead letters", path: "/dead-letters", key: "d", permission: "dead-letters:read", description: "what could not be processed, by cause" },
  { group: "People", label: "Users", path: "/users", key: "u", permission: "users:read", description: "recipients, their preferences and consent" },
  { group: "People", label: "Audiences", path: "/audiences", key: "a", permission: "audiences:read", description: "lists and filters of users" },
  { group: "People", label: "Suppressions", path: "/suppressions", key: "x", permission: "suppressions:read", description: "what nothing is sent to" },
  { group: "People", label: "Templates", path: "/templates", key: "t", permission: "templates:read", description: "texts by channel and locale, with preview and versions" },
  { group: "People", label: "Rules", path: "/rules", key: "r", permission: "rules:read", description: "how each type is routed, simulation, rate limits" },
  { group: "Insight", label: "Analytics", path: "/analytics", key: "y", permission: "notifications:read", description: "what was sent and what became of it, over time" },
  { group: "Insight", label: "SLA and ledger", path: "/sla", key: "v", permission: "notifications:read", description: "whether promises are kept, and nothing is lost" },
  { group: "Insight", label: "Audit", path: "/audit", key: "i", permission: "audit:read", description: "who changed and read what" },
  { group: "Machine", label: "Topology", path: "/topology", key: "g", permission: "metrics:read", description: "the pipeline with its rates and lag" },
  { group: "Machine", label: "Tables", path: "/tables", key: "q", permission: "metrics:read", description: "what workers remember; windows, keys and held entries of a user" },
  { group: "Machine", label: "Workers", path: "/workers", key: "w", permission: "metrics:read", description: "who works, with partitions and memory" },
  { group: "Machine", label: "Providers", path: "/providers", key: "p", permission: "metrics:read", description: "accounts, breakers, limits" },
  { group: "Machine", label: "Webhook endpoints", path: "/webhook-endpoints", key: "h", permission: "webhook-endpoints:read", description: "URLs, secrets, attempts" },
  { group: "Machine", label: "Simulators", path: "/simulators", key: "m", permission: "simulators:read", feature: "simulators", description: "what arrived, and faults" },
  { group: "Machine", label: "Accounts", path: "/accounts", key: "k", permission: "accounts:read", description: "people who may log in" },
  { group: "Machine", label: "API keys", path: "/api-keys", key: "f", permission: "api-keys:read", description: "programs that may call the API" },
  { group: "Machine", label: "Projects", path: "/projects", key: "j", permission: "projects:read", description: "who shares the installation" },
  { group: "Machine", label: "Settings", path: "/settings", key: "z", description: "your account, and how this browser shows the dashboard" },
];

export const listPlaces = (permissions: readonly string[], features: readonly string[]) =>
  PLACES.filter((place) => (!place.permission || permissions.includes(place.permission)) && (!place.feature || features.includes(place.feature)));

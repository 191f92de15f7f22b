// Other notifications that belong to the story of one: whom it repeats, the digest that it went into, what a digest gathered.

import type { Schemas } from "herold-client";

type Explanation = Pick<Schemas["ExplanationResponse"], "duplicate_of" | "gates">;
export interface Sibling {
  id: string;
  relation: string;
}

/** The siblings, each once, in the order of the gates that name them. */
export function listSiblings({ duplicate_of, gates }: Explanation): Sibling[] {
  const merged = gates.some((gate) => gate.verdict === "merge");
  const found = duplicate_of ? [{ id: duplicate_of, relation: merged ? "the digest that it is in" : "the first with its key" }] : [];
  for (const { inputs } of gates) {
    found.push(...listIds(inputs.events).map((id) => ({ id, relation: "in this digest" })));
    found.push(...listIds(inputs.expired).map((id) => ({ id, relation: "left out of this digest, because it had expired" })));
  }
  return found.filter(({ id }, index) => found.findIndex((one) => one.id === id) === index);
}

const listIds = (value: unknown): string[] => (Array.isArray(value) ? value.filter((id): id is string => typeof id === "string" && id.startsWith("ntf_")) : []);

/** The command that reads the same as the page, for a colleague or a script; the key is that of whoever runs it. */
export function buildCurl(origin: string, id: string, userId: string | undefined): string {
  const query = userId ? `?user_id=${encodeURIComponent(userId)}` : "";
  return `curl -s -H "Authorization: Bearer $KEY" '${origin}/v1/notifications/${id}/explain${query.replaceAll("'", "%27")}'`;
}

// A template as the API has it now: its versions, and the latest of them as text.

import { unwrap, type Schemas } from "herold-client";
import { herold, queryClient } from "./api";
import { EMPTY_DOCUMENT, type TemplateDocument } from "./templates";

export interface TemplateState {
  name: string;
  history: Schemas["TemplateHistory"];
  latest: number;
  /** The latest version as it is stored. */
  stored: TemplateDocument;
}

/** The template; one that is new and not stored yet has no versions. */
export async function loadTemplate(name: string, isNew: boolean, signal: AbortSignal): Promise<TemplateState> {
  const answer = await herold.GET("/v1/templates/{name}/history", { params: { path: { name } }, signal });
  if (answer.response.status === 404 && isNew) {
    return { name, history: { name, published_version: 0, versions: [], publications: [] }, latest: 0, stored: EMPTY_DOCUMENT };
  }
  const history = unwrap(answer), latest = history.versions[0]?.version ?? 0;
  const { document } = unwrap(await herold.GET("/v1/templates/{name}", { params: { path: { name }, query: { version: latest } }, signal }));
  return { name, history, latest, stored: document };
}

/** What changed is read again: the template and the list. */
export const refreshTemplate = (name: string) =>
  Promise.all([queryClient.invalidateQueries({ queryKey: ["template", name] }), queryClient.invalidateQueries({ queryKey: ["templates"] })]);

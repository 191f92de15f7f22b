// The data that a template needs, as a proposal for a form: a sample of it, else its declared variables, else the names in its texts.

import type { Schemas } from "herold-client";

type Document = Schemas["TemplateDocument"];
type JsonSchema = { type?: string | string[]; properties?: Record<string, JsonSchema>; items?: JsonSchema; default?: unknown; examples?: unknown[]; enum?: unknown[] };

const OWN = new Set(["unsubscribe_url", "preferences_url", "loop", "items_count"]); // what Herold gives, or Jinja
const WORDS = new Set(["if", "else", "elif", "for", "in", "not", "and", "or", "is", "true", "false", "none", "endif", "endfor", "set", "block", "endblock", "include", "extends"]);

/** Data with which the template renders, as far as it says. */
export function proposeData(document: Document): Record<string, unknown> {
  const [sample] = Object.values(document.samples ?? {});
  if (sample) return sample as Record<string, unknown>;
  if (document.variables) return buildValue(document.variables as JsonSchema) as Record<string, unknown>;
  return Object.fromEntries(listNames(document).map((name) => [name, ""]));
}

function buildValue(schema: JsonSchema): unknown {
  const known = schema.default ?? schema.examples?.[0] ?? schema.enum?.[0];
  if (known !== undefined) return known;
  switch (Array.isArray(schema.type) ? schema.type[0] : (schema.type ?? (schema.properties ? "object" : "string"))) {
    case "object": return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, value]) => [name, buildValue(value)]));
    case "array": return schema.items ? [buildValue(schema.items)] : [];
    case "integer": case "number": return 0;
    case "boolean": return false;
    case "null": return null;
    default: return "";
  }
}

/** The names of variables in the sources, in the order of their appearance; those that a loop binds are not among them. */
export function listNames(document: Document): string[] {
  const texts = (["email", "sms", "push", "webhook"] as const)
    .flatMap((channel) => Object.values(document[channel] ?? {}))
    .flatMap((entry) => Object.values(entry as object))
    .filter((value): value is string => typeof value === "string");
  const bound = new Set(texts.flatMap((text) => [...text.matchAll(/\{%-?\s*(?:for|set)\s+([\w\s,]+?)\s*(?:in|=)/g)].flatMap((found) => (found[1] ?? "").split(/[\s,]+/))));
  const names = texts.flatMap((text) => [...text.matchAll(/\{[{%]-?([^}%]*)/g)].flatMap((found) => readNames(found[1] ?? "")));
  return [...new Set(names)].filter((name) => !bound.has(name) && !OWN.has(name) && !WORDS.has(name));
}

// a name after a dot is an attribute, after a bar a filter; texts in quotes are no names
const readNames = (expression: string) => [...expression.replace(/'[^']*'|"[^"]*"/g, "").matchAll(/(?<![\w.|])(?<!\|\s)[A-Za-z_]\w*(?!\w|\s*\()/g)].map((found) => found[0]);

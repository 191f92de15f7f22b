// Templates as values: the parts of each channel, which text a user's locale gets, and where in a source a problem is.

import type { Schemas } from "herold-client";

export type TemplateDocument = Schemas["TemplateDocument"];
export type TemplateEntry = Schemas["TemplateEntry"];
export type Channel = "email" | "sms" | "push" | "webhook";
export type PartName = "subject" | "text" | "html" | "title" | "body" | "image" | "link" | "template_id";
export interface Part {
  name: PartName;
  label: string;
  /** A part of one line. */
  isLine?: boolean;
}
export interface Problem {
  text: string;
  /** From 1 on; 0 if it is not known. */
  line: number;
}

export const CHANNELS: readonly Channel[] = ["email", "sms", "push", "webhook"];
export const DEFAULT_LOCALE = "default";
export const PARTS: Record<Channel, readonly Part[]> = {
  email: [{ name: "subject", label: "Subject", isLine: true }, { name: "text", label: "Text" }, { name: "html", label: "HTML" }],
  sms: [{ name: "text", label: "Text" }],
  push: [{ name: "title", label: "Title", isLine: true }, { name: "body", label: "Body" }, { name: "image", label: "Image (URL)", isLine: true }, { name: "link", label: "Link", isLine: true }],
  webhook: [{ name: "body", label: "Body (JSON)" }],
};
export const EMPTY_DOCUMENT: TemplateDocument = { email: { [DEFAULT_LOCALE]: { subject: "", text: "" } } };

/** The channels that a template has, in their usual order. */
export const listChannels = (document: TemplateDocument): Channel[] => CHANNELS.filter((channel) => Object.keys(document[channel] ?? {}).length);

/** The locales of a channel, the general one first. */
export const listLocales = (document: TemplateDocument, channel: Channel): string[] =>
  Object.keys(document[channel] ?? {}).sort((one, other) => Number(other === DEFAULT_LOCALE) - Number(one === DEFAULT_LOCALE) || one.localeCompare(other));

export const getEntry = (document: TemplateDocument, channel: Channel, locale: string): TemplateEntry | undefined => document[channel]?.[locale];

/** The same document with another text of a part; an empty part is left out. */
export function setPart(document: TemplateDocument, channel: Channel, locale: string, part: PartName, text: string): TemplateDocument {
  const entry: TemplateEntry = { ...getEntry(document, channel, locale), [part]: text };
  if (!text) delete entry[part];
  return { ...document, [channel]: { ...document[channel], [locale]: entry } };
}

/** The same document with a locale of a channel, which begins with the texts of another one. */
export const addLocale = (document: TemplateDocument, channel: Channel, locale: string, from?: TemplateEntry): TemplateDocument =>
  ({ ...document, [channel]: { ...document[channel], [locale]: { ...from } } });

/** The same document without a locale of a channel, and without the channel if that was its last one. */
export function removeLocale(document: TemplateDocument, channel: Channel, locale: string): TemplateDocument {
  const rest = Object.fromEntries(Object.entries(document[channel] ?? {}).filter(([name]) => name !== locale));
  const others = Object.fromEntries(Object.entries(document).filter(([name]) => name !== channel)) as TemplateDocument;
  return Object.keys(rest).length ? { ...others, [channel]: rest } : others;
}

/** The locales whose text a user's locale gets, the first that there is: de-AT, de, default. */
export function listChain(locale: string): string[] {
  const parts = locale === DEFAULT_LOCALE ? [] : locale.split("-");
  return [...parts.map((_, index) => parts.slice(0, parts.length - index).join("-")), DEFAULT_LOCALE];
}

const PLACE = /, in (\w+), line (\d+)$/;
const QUOTED = /'([\w.]+)' is (?:undefined|null)/;

/** Where problems of a preview are, by part: those that name a place, and variables that are missing, where they stand first. */
export function locateProblems(problem: string, entry: TemplateEntry, parts: readonly Part[]): { parts: Partial<Record<PartName, Problem>>; rest: string } {
  const place = PLACE.exec(problem);
  const part = parts.find(({ name }) => name === place?.[1]);
  if (place && part) return { parts: { [part.name]: { text: stripLabel(problem.slice(0, place.index)), line: Number(place[2]) } }, rest: "" };
  const name = QUOTED.exec(problem)?.[1]?.split(".").at(-1);
  const found: Partial<Record<PartName, Problem>> = {};
  for (const { name: part } of name ? parts : []) {
    const line = (entry[part] ?? "").split("\n").findIndex((text) => new RegExp(`\\b${name}\\b`).test(text));
    if (line >= 0) found[part] = { text: stripLabel(problem), line: line + 1 };
  }
  return { parts: found, rest: Object.keys(found).length ? "" : stripLabel(problem) };
}

/** A problem without the name of the template, which the page has. */
const stripLabel = (problem: string) => problem.replace(/^template \S+ \S+(?: \S+)? for \w+: /, "");

/** The document as text, for a comparison line by line. */
export const formatDocument = (document: unknown): string => writeLines(document, "").join("\n");

function writeLines(value: unknown, indent: string): string[] {
  if (value === null || typeof value !== "object") return [`${indent}${writeScalar(value)}`];
  return Object.entries(value).flatMap(([name, item]) => {
    const label = Array.isArray(value) ? "-" : `${name}:`;
    if (typeof item === "string" && item.includes("\n")) return [`${indent}${label} |`, ...item.split("\n").map((line) => `${indent}  ${line}`)];
    if (item === null || typeof item !== "object") return [`${indent}${label} ${writeScalar(item)}`];
    return Object.keys(item).length ? [`${indent}${label}`, ...writeLines(item, `${indent}  `)] : [`${indent}${label} ${Array.isArray(item) ? "[]" : "{}"}`];
  });
}

const writeScalar = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

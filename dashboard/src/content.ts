// A rendered message in the form in which a person looks at it.

import type { Schemas } from "herold-client";

export type Sms = Schemas["SmsSegments"];
/** A part of a message: a text, HTML that is shown apart from the page, or JSON. */
export interface ContentPart {
  label: string;
  kind: "text" | "html" | "json";
  value: string;
}

const TEXTS: [string, string][] = [["subject", "Subject"], ["title", "Title"], ["body", "Body"], ["text", "Text"], ["image", "Picture"], ["link", "Link"], ["template_id", "Template of the provider"]];
const VALUES: [string, string][] = [["data", "Data"], ["options", "Options"], ["attachments", "Files"]];

/** The parts of a message that have something in them; the HTML of an e-mail first, because that is what most people see. */
export function listParts(content: Record<string, unknown>): ContentPart[] {
  const html = typeof content.html === "string" && content.html ? [{ label: "HTML", kind: "html" as const, value: content.html }] : [];
  const texts = TEXTS.flatMap(([name, label]) => (content[name] ? [{ label, kind: "text" as const, value: String(content[name]) }] : []));
  const values = VALUES.flatMap(([name, label]) => (isEmpty(content[name]) ? [] : [{ label, kind: "json" as const, value: JSON.stringify(content[name], null, 2) }]));
  const subject = texts.filter((part) => part.label === "Subject");
  return [...subject, ...html, ...texts.filter((part) => part.label !== "Subject"), ...values];
}

const isEmpty = (value: unknown) => !value || (typeof value === "object" && !Object.keys(value).length);

/** How a provider counts a text message, such as "1 segment, GSM-7: 20 of 160". */
export function describeSms(sms: Sms): string {
  const forced = sms.forcing ? `, because of ${[...sms.forcing].join(" ")}` : "";
  return `${sms.segments} segment${sms.segments === 1 ? "" : "s"}, ${sms.encoding}${forced}: ${sms.units} units, room for ${sms.free} more`;
}

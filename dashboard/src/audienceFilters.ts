// The filter of an audience as the fields of a form, and back; what has no field stays as it is.

import type { Schemas } from "herold-client";
import { formatLocalTime, keepLocalTime } from "./localTime";

export type Filter = Schemas["AudienceFilter"];

export interface FilterForm {
  tier: string[];
  locale: string[];
  time_zone: string[];
  has_channel: string[];
  /** As `plan=free`; a text that would be read as JSON is in quotes, as `zip="1010"`. */
  attributes: string[];
  created_after: string;
  created_before: string;
  /** What no field shows: `any` and `not`, as JSON. */
  rest: string;
}

export const EMPTY_FORM: FilterForm = { tier: [], locale: [], time_zone: [], has_channel: [], attributes: [], created_after: "", created_before: "", rest: "" };

/** The fields of a filter. */
export function toForm(filter: Filter): FilterForm {
  const { tier = [], locale = [], time_zone = [], has_channel = [], attributes = {}, created_after, created_before, ...rest } = filter;
  return {
    tier, locale, time_zone, has_channel,
    attributes: Object.entries(attributes).map(([name, value]) => `${name}=${typeof value === "string" && readValue(value) === value ? value : JSON.stringify(value)}`),
    created_after: formatLocalTime(toSeconds(created_after)),
    created_before: formatLocalTime(toSeconds(created_before)),
    rest: Object.keys(rest).length ? JSON.stringify(rest, null, 2) : "",
  };
}

/** The filter that the fields mean; what is empty is left out. `rest` must be an object of JSON, or empty. A time that is as in `base`, with which the form began, stays as it is there. */
export function toFilter(form: FilterForm, rest: Record<string, unknown>, base: Filter = {}): Filter {
  const { tier, locale, time_zone, has_channel, attributes } = form;
  const values = {
    tier, locale, time_zone, has_channel,
    attributes: Object.fromEntries(attributes.map(readAttribute)),
    created_after: keepLocalTime(form.created_after, toSeconds(base.created_after)),
    created_before: keepLocalTime(form.created_before, toSeconds(base.created_before)),
  };
  return { ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && Object.keys(Object(value)).length + Number(typeof value === "number") > 0)), ...rest } as Filter;
}

/** A filter in words, such as "tier gold, locale de"; of an empty one "all users". */
export function describeFilter(filter: Filter): string {
  const parts = Object.entries(filter).map(([name, value]) => `${name.replaceAll("_", " ")} ${Array.isArray(value) && value.every((item) => typeof item === "string") ? value.map((item) => item || "none").join(" or ") : JSON.stringify(value)}`);
  return parts.join(", ") || "all users";
}

function readAttribute(text: string): [string, unknown] {
  const [name = "", ...parts] = text.split("=");
  return [name, readValue(parts.join("="))];
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text); // 17 and true are no texts
  } catch {
    return text;
  }
}

const toSeconds = (value: number | string | undefined) => (typeof value === "string" ? Date.parse(value) / 1000 : value);

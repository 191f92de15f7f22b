// A rule as the API has it now: the one in force, and all its versions.

import { unwrap, type Schemas } from "herold-client";
import { herold, queryClient } from "./api";
import { buildEmptyRule, type Rule } from "./rules";

const NEWEST = 50;

export interface RuleState {
  type: string;
  /** 0 if no rule is in force. */
  version: number;
  /** The rule in force, an empty one without. */
  stored: Rule;
  notices: readonly string[];
  /** The newest first, of which there may be older ones. */
  versions: Schemas["RuleVersion"][];
}

/** The rule of a type, which may be new, or deleted with versions left. */
export async function loadRule(type: string, isNew: boolean, signal: AbortSignal): Promise<RuleState> {
  const params = { path: { rule_type: type } };
  const [current, history] = await Promise.all([herold.GET("/v1/rules/{rule_type}", { params, signal }), herold.GET("/v1/rules/{rule_type}/versions", { params: { ...params, query: { limit: NEWEST } }, signal })]);
  const versions = history.response.status === 404 && isNew ? [] : unwrap(history).items;
  if (current.response.status === 404) return { type, version: 0, stored: versions[1]?.rule ?? buildEmptyRule(type), notices: [], versions };
  const { rule, version, notices = [] } = unwrap(current);
  return { type, version, stored: rule, notices, versions };
}

/** What changed is read again: the rule and the list. */
export const refreshRule = (type: string) =>
  Promise.all([queryClient.invalidateQueries({ queryKey: ["rule", type] }), queryClient.invalidateQueries({ queryKey: ["rules"] })]);

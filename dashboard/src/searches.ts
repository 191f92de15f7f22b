// What the URL of each page holds, as plain texts (an id of digits is no number): filters that are valid; the rest is left out, so that an old link still opens.

import * as z from "zod/mini";
import { ROLES } from "./accounts";
import { GROUPS, METRICS, RANGE_NAMES } from "./analytics";
import { BROADCAST_STATES } from "./broadcasts";
import { CHANNELS, PRIORITIES, STAGES, STATES, STATUSES } from "./statuses";

const text = z.catch(z.optional(z.string()), undefined);
const oneOf = <const T extends readonly string[]>(values: T) => z.catch(z.optional(z.enum(values)), undefined);

export const parseSearch = (search: string): Record<string, string> => Object.fromEntries(new URLSearchParams(search));
export const stringifySearch = (search: Record<string, unknown>): string => {
  const text = new URLSearchParams(Object.entries(search).flatMap(([name, value]) => (value ? [[name, String(value)]] : []))).toString();
  return text && `?${text}`;
};

const epoch = z.catch(z.optional(z.string().check(z.regex(/^\d{9,11}(\.\d+)?$/))), undefined);
const notificationFilter = z.object({
  user_id: text, type: text, category: text, reason: text, state: oneOf(STATES), channel: oneOf(CHANNELS), priority: oneOf(PRIORITIES), since: epoch, until: epoch,
});
const liveSearch = z.object({ type: text, user_id: text, status: oneOf([...STATUSES, ...STATES]), channel: oneOf(CHANNELS), priority: oneOf(PRIORITIES) });
const notificationSearch = z.object({ user_id: text });
const explainSearch = z.object({ user_id: text, type: text, category: text, channel: oneOf(CHANNELS), tab: oneOf(["happened", "try"]) });
const workerSearch = z.object({ role: text });
const topologySearch = z.object({ view: oneOf(["list"]), node: text });
export const TABLES = ["idempotency", "rate_windows", "digests", "due", "attempts"] as const;
const tableSearch = z.object({ role: text, user_id: text, table: oneOf(TABLES), key: text, of: text });
export const LETTER_STATES = ["open", "redriven", "discarded"] as const;
const deadLetterSearch = z.object({
  tab: oneOf(["causes", "letters"]), stage: oneOf(STAGES), channel: oneOf(CHANNELS), reason: text, type: text, user_id: text, state: oneOf([...LETTER_STATES, "all"]), cause: text, letter: text,
});
const listSearch = z.object({ search: text });
const templateSearch = z.object({
  tab: oneOf(["text", "document", "versions", "variants"]), new: oneOf(["yes"]), channel: oneOf(CHANNELS), locale: text, before: text, after: text, days: text,
});
const rulesSearch = z.object({ tab: oneOf(["rules", "limits"]), search: text, channel: oneOf([...CHANNELS, "all"]), category: text, limit: text });
const ruleSearch = z.object({ tab: oneOf(["fields", "json", "simulation", "versions"]), new: oneOf(["yes"]), before: text, after: text, count: oneOf(["100", "500", "1000", "2000"]) });

export const ANALYTICS_TABS = ["trends", "latency", "funnel", "cohorts"] as const;
const analyticsSearch = z.object({
  tab: oneOf(ANALYTICS_TABS), range: oneOf(RANGE_NAMES), from: text, to: text, metric: oneOf(METRICS), group_by: oneOf(GROUPS), step: oneOf(["60", "3600", "86400"]),
  compare: oneOf(["yes"]), by: oneOf(["week"]), priority: oneOf(PRIORITIES), channel: oneOf(CHANNELS), category: text, type: text, template: text,
});
export const LEDGER_SPANS = ["1h", "6h", "24h"] as const;
const slaSearch = z.object({ span: oneOf(LEDGER_SPANS) });

export type AnalyticsSearch = z.infer<typeof analyticsSearch>;
export type AnalyticsFilter = Pick<AnalyticsSearch, "priority" | "channel" | "category" | "type" | "template">;
export type SlaSearch = z.infer<typeof slaSearch>;
export type NotificationFilter = z.infer<typeof notificationFilter>;
export type ListSearch = z.infer<typeof listSearch>;
export type TemplateSearch = z.infer<typeof templateSearch>;
export type RulesSearch = z.infer<typeof rulesSearch>;
export type RuleSearch = z.infer<typeof ruleSearch>;
export type LiveSearch = z.infer<typeof liveSearch>;
export type ExplainSearch = z.infer<typeof explainSearch>;
export type DeadLetterSearch = z.infer<typeof deadLetterSearch>;
export type WorkerSearch = z.infer<typeof workerSearch>;
export type TopologySearch = z.infer<typeof topologySearch>;
export type TableSearch = z.infer<typeof tableSearch>;
export type NotificationSearch = z.infer<typeof notificationSearch>;

/** The times of a filter as the API has them. */
export const readTimes = ({ since, until }: { since?: string; until?: string }) => ({ since: since ? Number(since) : undefined, until: until ? Number(until) : undefined });

export const readNotificationSearch = (search: Record<string, unknown>): NotificationSearch => dropEmpty(notificationSearch.parse(search));
export const readNotificationFilter = (search: Record<string, unknown>): NotificationFilter => dropEmpty(notificationFilter.parse(search));
export const readLiveSearch = (search: Record<string, unknown>): LiveSearch => dropEmpty(liveSearch.parse(search));
export const readExplainSearch = (search: Record<string, unknown>): ExplainSearch => dropEmpty(explainSearch.parse(search));
export const readDeadLetterSearch = (search: Record<string, unknown>): DeadLetterSearch => dropEmpty(deadLetterSearch.parse(search));
export const readListSearch = (search: Record<string, unknown>): ListSearch => dropEmpty(listSearch.parse(search));
export const readTemplateSearch = (search: Record<string, unknown>): TemplateSearch => dropEmpty(templateSearch.parse(search));
export const readRulesSearch = (search: Record<string, unknown>): RulesSearch => dropEmpty(rulesSearch.parse(search));
export const readRuleSearch = (search: Record<string, unknown>): RuleSearch => dropEmpty(ruleSearch.parse(search));
export const readWorkerSearch = (search: Record<string, unknown>): WorkerSearch => dropEmpty(workerSearch.parse(search));
export const readTopologySearch = (search: Record<string, unknown>): TopologySearch => dropEmpty(topologySearch.parse(search));
export const readTableSearch = (search: Record<string, unknown>): TableSearch => dropEmpty(tableSearch.parse(search));

export const USER_TABS = ["profile", "preferences", "consent", "devices", "suppressions", "state", "counts"] as const;
const usersSearch = z.object({ search: text });
const userSearch = z.object({ tab: oneOf(USER_TABS) });
const suppressionSearch = z.object({ search: text, user_id: text, channel: oneOf(CHANNELS), undone: oneOf(["also"]) });
const auditSearch = z.object({ actor: text, principal: text, action: text, object_type: text, object_id: text, since: epoch, until: epoch, entry: text });
const accountSearch = z.object({ search: text, role: oneOf(ROLES), state: oneOf(["active", "disabled"]) });
const keySearch = z.object({ search: text, ended: oneOf(["also"]) });
const projectSearch = z.object({ search: text });
export const SETTINGS_TABS = ["account", "security", "sessions", "display"] as const;
const settingsSearch = z.object({ tab: oneOf(SETTINGS_TABS) });

export type AuditSearch = z.infer<typeof auditSearch>;
export type AccountSearch = z.infer<typeof accountSearch>;
export type KeySearch = z.infer<typeof keySearch>;
export type ProjectSearch = z.infer<typeof projectSearch>;
export type SettingsSearch = z.infer<typeof settingsSearch>;
export type SettingsTab = (typeof SETTINGS_TABS)[number];
export const readAuditSearch = (search: Record<string, unknown>): AuditSearch => dropEmpty(auditSearch.parse(search));
export const readAccountSearch = (search: Record<string, unknown>): AccountSearch => dropEmpty(accountSearch.parse(search));
export const readKeySearch = (search: Record<string, unknown>): KeySearch => dropEmpty(keySearch.parse(search));
export const readProjectSearch = (search: Record<string, unknown>): ProjectSearch => dropEmpty(projectSearch.parse(search));
export const readSettingsSearch = (search: Record<string, unknown>): SettingsSearch => dropEmpty(settingsSearch.parse(search));
export type UserTab = (typeof USER_TABS)[number];
export type UsersSearch = z.infer<typeof usersSearch>;
export type UserSearch = z.infer<typeof userSearch>;
export type SuppressionSearch = z.infer<typeof suppressionSearch>;
export const readUsersSearch = (search: Record<string, unknown>): UsersSearch => dropEmpty(usersSearch.parse(search));
export const readUserSearch = (search: Record<string, unknown>): UserSearch => dropEmpty(userSearch.parse(search));
export const readSuppressionSearch = (search: Record<string, unknown>): SuppressionSearch => dropEmpty(suppressionSearch.parse(search));
export const readAnalyticsSearch = (search: Record<string, unknown>): AnalyticsSearch => dropEmpty(analyticsSearch.parse(search));
export const readSlaSearch = (search: Record<string, unknown>): SlaSearch => dropEmpty(slaSearch.parse(search));

function dropEmpty<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as T;
}

const simulatorSearch = z.object({ tab: oneOf(["inbox", "faults", "requests"]), channel: oneOf(CHANNELS), search: text, message: text });
const sendSearch = z.object({ user_id: text, type: text });
const nameSearch = z.object({ search: text });
const audienceSearch = z.object({ tab: oneOf(["users", "edit"]) });
const broadcastSearch = z.object({ search: text, state: oneOf(BROADCAST_STATES), audience: text });
const newBroadcastSearch = z.object({ audience: text });
const scheduleSearch = z.object({ search: text, state: oneOf(["active", "paused", "ended"]) });
const oneScheduleSearch = z.object({ tab: oneOf(["runs", "edit"]) });
const providerSearch = z.object({ account: text });
const endpointSearch = z.object({ search: text, user_id: text, kind: oneOf(["user", "status"]), state: oneOf(["enabled", "disabled"]) });

export type NameSearch = z.infer<typeof nameSearch>;
export type BroadcastSearch = z.infer<typeof broadcastSearch>;
export type ScheduleSearch = z.infer<typeof scheduleSearch>;
export type ProviderSearch = z.infer<typeof providerSearch>;
export type EndpointSearch = z.infer<typeof endpointSearch>;
export type SimulatorSearch = z.infer<typeof simulatorSearch>;

export const readSendSearch = (search: Record<string, unknown>): z.infer<typeof sendSearch> => dropEmpty(sendSearch.parse(search));
export const readNameSearch = (search: Record<string, unknown>): NameSearch => dropEmpty(nameSearch.parse(search));
export const readAudienceSearch = (search: Record<string, unknown>): z.infer<typeof audienceSearch> => dropEmpty(audienceSearch.parse(search));
export const readBroadcastSearch = (search: Record<string, unknown>): BroadcastSearch => dropEmpty(broadcastSearch.parse(search));
export const readNewBroadcastSearch = (search: Record<string, unknown>): z.infer<typeof newBroadcastSearch> => dropEmpty(newBroadcastSearch.parse(search));
export const readScheduleSearch = (search: Record<string, unknown>): ScheduleSearch => dropEmpty(scheduleSearch.parse(search));
export const readOneScheduleSearch = (search: Record<string, unknown>): z.infer<typeof oneScheduleSearch> => dropEmpty(oneScheduleSearch.parse(search));
export const readProviderSearch = (search: Record<string, unknown>): ProviderSearch => dropEmpty(providerSearch.parse(search));
export const readEndpointSearch = (search: Record<string, unknown>): EndpointSearch => dropEmpty(endpointSearch.parse(search));
export const readSimulatorSearch = (search: Record<string, unknown>): SimulatorSearch => dropEmpty(simulatorSearch.parse(search));

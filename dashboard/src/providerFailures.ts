// Why deliveries of an account failed lately, by reason.

import type { Schemas } from "herold-client";
import { formatCount } from "./format";

type Delivery = Pick<Schemas["FoundDelivery"], "notification_id" | "user_id" | "reason" | "outcome" | "updated_at">;

export interface FailureGroup {
  reason: string;
  outcome: string;
  count: number;
  last: Delivery;
}

/** The deliveries by reason and outcome, the most frequent first, each with its last one. */
export function groupFailures(deliveries: readonly Delivery[]): FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  for (const delivery of deliveries) {
    const key = `${delivery.reason} ${delivery.outcome}`, group = groups.get(key);
    if (!group) groups.set(key, { reason: delivery.reason, outcome: delivery.outcome, count: 1, last: delivery });
    else groups.set(key, { ...group, count: group.count + 1, last: delivery.updated_at > group.last.updated_at ? delivery : group.last });
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

export interface Host {
  host: string;
  breaker: Schemas["OpenBreaker"] | null;
  pause: Schemas["AccountPause"] | null;
}

/** The webhook hosts that are not called: those with an open breaker, and those that are paused. */
export function listHosts({ items, stopped_hosts = [], pauses = [] }: Pick<Schemas["ProviderAccounts"], "items" | "stopped_hosts" | "pauses">): Host[] {
  const hosts = new Map<string, Host>(stopped_hosts.map(({ host, breaker }) => [host, { host, breaker, pause: null }]));
  for (const pause of pauses) {
    if (!items.some((item) => item.name === pause.account)) hosts.set(pause.account, { host: pause.account, breaker: hosts.get(pause.account)?.breaker ?? null, pause });
  }
  return [...hosts.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
}

/** The account of workers that the URL of an endpoint belongs to, such as https://shop.example.org:443; undefined for what is no URL. */
export function findHost(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  return `${protocol}//${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
}

/** How much of its limit an account uses at this moment, as a share and in words; undefined without a limit of its own. */
export function describeUse({ call_burst, calls_used, calls_per_second }: Pick<Schemas["ProviderAccount"], "call_burst" | "calls_used" | "calls_per_second">): { share: string; text: string } | undefined {
  if (!call_burst || !calls_per_second) return undefined;
  if (calls_used === null || calls_used === undefined) return { share: "not known", text: "Redis, where calls are counted, does not answer." };
  const rest = calls_used >= call_burst ? "Further ones wait." : `The others may be made at once; used ones come back at ${formatCount(calls_per_second)} a second.`;
  return { share: `${Math.round((100 * calls_used) / call_burst)} %`, text: `${formatCount(calls_used)} of ${formatCount(call_burst)} calls are used. ${rest}` };
}

/** How many calls of the last hour the listed errors are. */
export const countErrors = ({ errors = [] }: Pick<Schemas["ProviderAccount"], "errors">): number => errors.reduce((sum, error) => sum + error.count, 0);

/** The part of an account among those of its channel that are not for tests, such as "80 %"; empty for a test account. */
export function describeShare(account: Pick<Schemas["ProviderAccount"], "channel" | "weight" | "is_test">, all: readonly Pick<Schemas["ProviderAccount"], "channel" | "weight" | "is_test">[]): string {
  if (account.is_test) return "";
  const total = all.filter((other) => other.channel === account.channel && !other.is_test).reduce((sum, other) => sum + other.weight, 0);
  return total ? `${Math.round((100 * account.weight) / total)} %` : "";
}

// What the API finds for a text in the palette.

import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { LinkProps } from "@tanstack/react-router";
import { unwrap } from "herold-client";
import { herold } from "../api";
import { usePerson } from "../session";
import { describeAddresses } from "../users";
import { findId, matchNames, readIdTime } from "./matches";

export interface Hit {
  key: string;
  label: string;
  description: string;
  link: Pick<LinkProps, "to"> & { params?: unknown; search?: unknown };
}
export interface HitGroup {
  group: string;
  hits: Hit[];
}
interface Source {
  group: string;
  permission: string;
  find: (search: string, signal: AbortSignal) => Promise<Hit[]>;
}

const PAUSE_MS = 150;
const MIN_CHARACTERS = 2; // one letter is in almost every name
const SHOWN = 5; // of each kind

/** What a text names, by kind, once one pauses; a later text ends what is asked for. What was found stays while one types on. */
export function useFound(text: string): { groups: HitGroup[]; isSearching: boolean } {
  const { permissions } = usePerson();
  const [search] = useDebouncedValue(text, PAUSE_MS);
  const isEnabled = text.length >= MIN_CHARACTERS && search.length >= MIN_CHARACTERS;
  const { data, isFetching, isPlaceholderData } = useQuery({
    queryKey: ["palette", search, permissions],
    queryFn: ({ signal }) => findAll(search, permissions, signal),
    enabled: isEnabled,
    placeholderData: keepPreviousData,
  });
  const found = (isEnabled && data) || [];
  const groups = isPlaceholderData || search !== text ? keepMatching(found, text) : found; // what was found for a text before
  return { groups, isSearching: isEnabled && (isFetching || search !== text) };
}

const keepMatching = (groups: readonly HitGroup[], text: string): HitGroup[] =>
  groups.map(({ group, hits }) => ({ group, hits: matchNames(hits, text) })).filter(({ hits }) => hits.length);

// all kinds at once, so that no later one moves those that are listed; one that fails does not hide the others
async function findAll(search: string, permissions: readonly string[], signal: AbortSignal): Promise<HitGroup[]> {
  const id = findId(search, permissions);
  const sources = id ? [] : SOURCES.filter(({ permission }) => permissions.includes(permission));
  const found = id && !id.url ? [{ group: "Go to", hits: await findDelivery(id.id, signal) }] : [];
  const others = await Promise.all(sources.map(async ({ group, find }) => ({ group, hits: (await find(search, signal).catch(() => [])).slice(0, SHOWN) })));
  return [...found, ...others].filter(({ hits }) => hits.length);
}

// a delivery is on the page of its notification; both were made in the same millisecond
async function findDelivery(id: string, signal: AbortSignal): Promise<Hit[]> {
  const { items } = unwrap(await herold.GET("/v1/deliveries", { params: { query: { ...readIdTime(id), limit: 200 } }, signal }));
  return items.filter((item) => item.id === id).map(({ notification_id, user_id, channel, status }) => ({
    key: id, label: `Open ${id}`, description: `${channel} to ${user_id}, ${status}`,
    link: { to: "/notifications/$id", params: { id: notification_id }, search: { user_id } },
  }));
}

const SOURCES: readonly Source[] = [
  {
    group: "Users", permission: "users:read",
    find: async (search, signal) =>
      unwrap(await herold.GET("/v1/users", { params: { query: { search, masked: true, limit: SHOWN } }, signal })).items.map(({ id, addresses }) => ({
        key: id, label: id, description: describeAddresses(addresses), link: { to: "/users/$id", params: { id } },
      })),
  },
  {
    group: "Templates", permission: "templates:read",
    find: async (search, signal) =>
      unwrap(await herold.GET("/v1/templates", { params: { query: { search, limit: SHOWN } }, signal })).items.map(({ name, channels }) => ({
        key: name, label: name, description: (channels ?? []).join(", "), link: { to: "/templates/$name", params: { name } },
      })),
  },
  {
    group: "Rules", permission: "rules:read",
    find: async (search, signal) =>
      unwrap(await herold.GET("/v1/rules", { params: { query: { search, limit: SHOWN } }, signal })).items.map(({ rule: { type, category } }) => ({
        key: type, label: type, description: category, link: { to: "/rules/$type", params: { type } },
      })),
  },
  {
    group: "Audiences", permission: "audiences:read",
    find: async (search, signal) =>
      unwrap(await herold.GET("/v1/audiences", { params: { query: { search, limit: SHOWN } }, signal })).items.map(({ name, description }) => ({
        key: name, label: name, description: description ?? "", link: { to: "/audiences/$name", params: { name } },
      })),
  },
  {
    group: "Broadcasts", permission: "broadcasts:read", // one has no name: it is known by the type that it sends and by its audience
    find: async (search, signal) =>
      unwrap(await herold.GET("/v1/broadcasts", { params: { query: { search, limit: SHOWN } }, signal })).items.map(({ id, notification, audience, state }) => ({
        key: id, label: `${notification.type}${audience ? ` to ${audience}` : ""}`, description: `broadcast, ${state}`, link: { to: "/broadcasts/$id", params: { id } },
      })),
  },
  {
    group: "Schedules", permission: "schedules:read",
    find: async (search, signal) =>
      unwrap(await herold.GET("/v1/schedules", { params: { query: { search, limit: SHOWN } }, signal })).items.map(({ name, cron, time_zone }) => ({
        key: name, label: name, description: `${cron}, ${time_zone}`, link: { to: "/schedules/$name", params: { name } },
      })),
  },
  {
    group: "Webhook endpoints", permission: "webhook-endpoints:read",
    find: async (search, signal) =>
      unwrap(await herold.GET("/v1/webhook-endpoints", { params: { query: { search, limit: SHOWN } }, signal })).items.map(({ id, url, user_id }) => ({
        key: id, label: url, description: user_id ?? "status events", link: { to: "/webhook-endpoints/$id", params: { id } },
      })),
  },
];

// What the URL of each page holds: filters that are valid; the rest is left out, so that an old link still opens.

import * as z from "zod/mini";
import { CHANNELS, PRIORITIES, STAGES, STATES, STATUSES } from "./statuses";

const text = z.catch(z.optional(z.coerce.string()), undefined);
const oneOf = (values: readonly string[]) => z.catch(z.optional(z.enum(values as [string, ...string[]])), undefined);

const notificationFilter = z.object({
  user_id: text, type: text, category: text, reason: text, state: oneOf(STATES), channel: oneOf(CHANNELS), priority: oneOf(PRIORITIES),
});
const liveSearch = z.object({ type: text, user_id: text, status: oneOf([...STATUSES, ...STATES]), channel: oneOf(CHANNELS), priority: oneOf(PRIORITIES) });
const deadLetterSearch = z.object({ stage: oneOf(STAGES), channel: oneOf(CHANNELS), reason: text, type: text, user_id: text });

export type NotificationFilter = { [Name in keyof z.infer<typeof notificationFilter>]?: string };
export type LiveSearch = { [Name in keyof z.infer<typeof liveSearch>]?: string };
export type DeadLetterSearch = { [Name in keyof z.infer<typeof deadLetterSearch>]?: string };

export const readNotificationFilter = (search: Record<string, unknown>): NotificationFilter => dropEmpty(notificationFilter.parse(search));
export const readLiveSearch = (search: Record<string, unknown>): LiveSearch => dropEmpty(liveSearch.parse(search));
export const readDeadLetterSearch = (search: Record<string, unknown>): DeadLetterSearch => dropEmpty(deadLetterSearch.parse(search));

function dropEmpty<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as T;
}

// What the URL of each page holds, as plain texts (an id of digits is no number): filters that are valid; the rest is left out, so that an old link still opens.

import * as z from "zod/mini";
import { CHANNELS, PRIORITIES, STAGES, STATES, STATUSES } from "./statuses";

const text = z.catch(z.optional(z.string()), undefined);
const oneOf = <const T extends readonly string[]>(values: T) => z.catch(z.optional(z.enum(values)), undefined);

export const parseSearch = (search: string): Record<string, string> => Object.fromEntries(new URLSearchParams(search));
export const stringifySearch = (search: Record<string, unknown>): string => {
  const text = new URLSearchParams(Object.entries(search).flatMap(([name, value]) => (value ? [[name, String(value)]] : []))).toString();
  return text && `?${text}`;
};

const notificationFilter = z.object({
  user_id: text, type: text, category: text, reason: text, state: oneOf(STATES), channel: oneOf(CHANNELS), priority: oneOf(PRIORITIES),
});
const liveSearch = z.object({ type: text, user_id: text, status: oneOf([...STATUSES, ...STATES]), channel: oneOf(CHANNELS), priority: oneOf(PRIORITIES) });
const notificationSearch = z.object({ user_id: text });
const deadLetterSearch = z.object({ stage: oneOf(STAGES), channel: oneOf(CHANNELS), reason: text, type: text, user_id: text });

export type NotificationFilter = z.infer<typeof notificationFilter>;
export type LiveSearch = z.infer<typeof liveSearch>;
export type DeadLetterSearch = z.infer<typeof deadLetterSearch>;
export type NotificationSearch = z.infer<typeof notificationSearch>;

export const readNotificationSearch = (search: Record<string, unknown>): NotificationSearch => dropEmpty(notificationSearch.parse(search));
export const readNotificationFilter = (search: Record<string, unknown>): NotificationFilter => dropEmpty(notificationFilter.parse(search));
export const readLiveSearch = (search: Record<string, unknown>): LiveSearch => dropEmpty(liveSearch.parse(search));
export const readDeadLetterSearch = (search: Record<string, unknown>): DeadLetterSearch => dropEmpty(deadLetterSearch.parse(search));

function dropEmpty<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as T;
}

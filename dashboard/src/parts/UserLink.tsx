import { Link, linkOptions, type LinkProps } from "@tanstack/react-router";
import { useCan } from "../session";
import type { RowLink } from "./RecordTable";

/** Where a user leads: to what is stored of it, or to its notifications for who may not read users. */
export function useUserLink(): (id: string) => RowLink {
  const canRead = useCan("users:read");
  return (id) => (canRead ? linkOptions({ to: "/users/$id", params: { id } }) : linkOptions({ to: "/notifications", search: { user_id: id } }));
}

export function UserLink({ id, className }: { id: string; className?: string }) {
  const link = useUserLink();
  return <Link {...(link(id) as LinkProps)} className={className}>{id}</Link>;
}

import { Alert, Text } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { Schemas } from "herold-client";
import { formatCount } from "../format";
import { QueryPanel } from "./QueryPanel";
import { UserLink } from "./UserLink";

/** How many users something is for, and the first of them. */
export function RecipientsPanel({ preview }: { preview: UseQueryResult<Schemas["RecipientPreview"]> }) {
  return <QueryPanel query={preview} outline={<div style={{ minHeight: "6rem" }} />}>{(data) => <Recipients recipients={data} />}</QueryPanel>;
}

export function Recipients({ recipients: { count, first_users, unknown_users } }: { recipients: Schemas["RecipientPreview"] }) {
  return (
    <>
      <Text fw={600} size="xl" className="number" aria-live="polite">{formatCount(count)} {count === 1 ? "user" : "users"}</Text>
      {unknown_users ? <Alert role="note" color="yellow" variant="light" my="xs" title={`${formatCount(unknown_users)} of them are not known`}>Nothing is stored of them, so that no address is found.</Alert> : null}
      {first_users.length ? <ul className="plain">{first_users.map((id) => <li key={id}><UserLink className="text-link" id={id} /></li>)}</ul> : null}
      {count > first_users.length && first_users.length ? <Text size="sm" className="dim">and {formatCount(count - first_users.length)} more</Text> : null}
    </>
  );
}

import { Button, Group, Text } from "@mantine/core";
import { unwrap, type Schemas } from "herold-client";
import { useAction } from "../actions";
import { herold } from "../api";
import { saveFile } from "../download";
import { formatCode } from "../format";
import { useCan } from "../session";
import { EmptyPanel } from "./Panels";
import { RecordList, usePagedList } from "./RecordList";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";
import { useMasks } from "./useMasks";

type Event = Schemas["ConsentEvent"];

const COLUMNS: Column<Event>[] = [
  { title: "When", width: "14rem", render: (event) => <TimeText at={event.occurred_at} /> },
  { title: "What", width: "11rem", render: (event) => formatCode(event.change) },
  { title: "For", render: describeScope },
  { title: "Choice", width: "8rem", render: (event) => [event.old_choice || "none", event.new_choice || "none"].join(" → ") },
  { title: "By", width: "9rem", render: (event) => [event.actor, event.source !== event.actor && `by ${event.source}`].filter(Boolean).join(" ") },
  { title: "Why", render: (event) => event.reason },
];

/** Who changed what the user consents to, when, from where and why; and the proof of it. */
export function UserConsent({ id }: { id: string }) {
  const canProve = useCan("users:export");
  const [masked, masks] = useMasks("addresses");
  const list = usePagedList(["consent events", id, masked], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/users/{user_id}/consent-events", { params: { path: { user_id: id }, query: { masked, cursor } }, signal })));
  const prove = useAction(async () => {
    const proof = unwrap(await herold.GET("/v1/users/{user_id}/consent-proof", { params: { path: { user_id: id } } }));
    saveFile(`consent-${id}.json`, JSON.stringify(proof, null, 2));
  }, { done: "The proof is saved as a file" });
  return (
    <>
      <Group justify="space-between" mb="sm">
        <Text size="sm" className="dim">Nobody can change or remove an event: they are a chain of hashes.</Text>
        <Group gap="xs">
          {masks}
          {canProve ? <Button size="xs" variant="default" loading={prove.isPending} title="A signed file that a stranger can verify; it has addresses, and is noted in the audit log" onClick={() => prove.mutate()}>Save the proof (audited)</Button> : null}
        </Group>
      </Group>
      <RecordList list={list} empty={<EmptyPanel title="No events of consent">Nobody has changed a preference or suppression of this user.</EmptyPanel>}>
        {(rows) => <RecordTable label="events of consent" rows={rows} columns={COLUMNS} getKey={(event) => event.id} />}
      </RecordList>
    </>
  );
}

function describeScope(event: Event): string {
  return [event.category || "everything", event.channel || "all channels", event.address].filter(Boolean).join(", ");
}

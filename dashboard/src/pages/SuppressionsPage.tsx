import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { NoMatch } from "../parts/RecordList";
import { SuppressionCreation } from "../parts/SuppressionCreation";
import { Suppressions } from "../parts/Suppressions";
import { useMasks } from "../parts/useMasks";
import type { SuppressionSearch } from "../searches";
import { useCan } from "../session";
import { CHANNELS } from "../statuses";

const route = getRouteApi("/suppressions");
const FIELDS: FilterField[] = [
  { name: "search", label: "Address" },
  { name: "user_id", label: "User" },
  { name: "channel", label: "Channel", values: CHANNELS },
  { name: "undone", label: "Undone", values: ["also"] },
];

/** What nothing is sent to: addresses and users that bounced, complained, said stop, or that an operator suppressed. */
export function SuppressionsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("suppressions:write");
  const [isNew, setNew] = useState(false);
  const [masked, masks] = useMasks("addresses");
  return (
    <Page title="Suppressions" actions={<>{masks}{canWrite ? <Button size="xs" onClick={() => setNew(true)}>Suppress</Button> : null}</>}>
      <Filters fields={FIELDS} values={{ ...search }} onChange={(values) => void navigate({ search: values as SuppressionSearch, replace: true })} />
      <Suppressions
        filter={search} masked={masked} isFiltered={!!(search.search || search.user_id || search.channel)}
        noMatch={<NoMatch what="suppression" wholes="An address or user" />}
        empty={<EmptyPanel title="Nothing is suppressed">Hard bounces, complaints and STOP come here by themselves. An operator suppresses an address or a user.</EmptyPanel>}
      />
      {isNew ? <SuppressionCreation onClose={() => setNew(false)} /> : null}
    </Page>
  );
}

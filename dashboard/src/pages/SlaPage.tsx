import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { LedgerPanel } from "../parts/LedgerPanel";
import { ObjectiveCards } from "../parts/ObjectiveCards";
import { Page } from "../parts/Page";
import { WaitingDeliveries } from "../parts/WaitingDeliveries";

const route = getRouteApi("/sla");

/** Whether the promise of each priority is kept, and whether anything is lost. */
export function SlaPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  return (
    <Page title="SLA and ledger" actions={<Button size="xs" variant="default" onClick={() => void client.invalidateQueries({ queryKey: ["sla"] })}>Refresh</Button>}>
      <ObjectiveCards />
      <WaitingDeliveries />
      <LedgerPanel span={search.span ?? "1h"} onChange={(span) => void navigate({ search: { span }, replace: true })} />
    </Page>
  );
}

import { Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { formatCount, formatShare } from "../format";
import { EmptyPanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import type { PanelProps } from "./TrendPanel";

type Step = Schemas["FunnelStep"];

/** What became of what was submitted, from acceptance to a click. */
export function FunnelPanel({ period, filters }: PanelProps) {
  const funnel = useQuery({
    queryKey: ["analytics", "funnel", period, filters],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/analytics/funnel", { params: { query: { ...filters, ...period } }, signal })),
    placeholderData: keepPreviousData,
  });
  return (
    <QueryPanel query={funnel}>
      {({ steps }) => steps.some((step) => step.count) ? (
        <>
          <ol className="funnel" aria-label="funnel">
            {steps.map((step, number) => <FunnelRow key={step.name} step={step} before={steps[number - 1]} highest={Math.max(...steps.map((one) => one.count))} />)}
          </ol>
          <Text size="xs" className="dim" mt="md">Notifications of the chosen time, and their deliveries as they are now. A notification may have several deliveries; a channel and a template filter deliveries only.</Text>
        </>
      ) : <EmptyPanel title="Nothing in this time">Choose a longer time or clear a filter.</EmptyPanel>}
    </QueryPanel>
  );
}

function FunnelRow({ step, before, highest }: { step: Step; before?: Step; highest: number }) {
  const share = before?.count && before.counts === step.counts ? formatShare(step.count / before.count) : "";
  return (
    <li>
      <span>{step.name}</span>
      <div className="funnel-bar" aria-hidden><div style={{ width: `${(100 * step.count) / highest}%` }} /></div>
      <span className="number"><b>{formatCount(step.count)}</b> <span className="dim">{share ? `${share} of ${before?.name}` : step.counts}</span></span>
    </li>
  );
}

import type { Schemas } from "herold-client";
import { StatusBadge } from "./StatusBadge";

const REASONS: Record<string, string> = { failing: "failed for too long", gone: "said that it is gone", operator: "by a person" };

/** Whether an endpoint is called, and if not, why. */
export function EndpointState({ endpoint }: { endpoint: Schemas["WebhookEndpoint"] }) {
  return endpoint.is_enabled
    ? <StatusBadge status="enabled" tone="good" reason={[endpoint.is_test && "for tests", endpoint.ordered && "in order"].filter(Boolean).join(", ")} />
    : <StatusBadge status="disabled" tone={endpoint.disabled_reason === "operator" ? "neutral" : "bad"} reason={REASONS[endpoint.disabled_reason] ?? ""} />;
}

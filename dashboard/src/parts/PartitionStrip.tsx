import { formatPartitions } from "../pipeline";

/** The partitions of a topic as squares: filled if they are assigned here, outlined if they are a standby here. */
export function PartitionStrip({ count, assigned, standbys = [] }: { count: number; assigned: readonly number[]; standbys?: readonly number[] }) {
  const words = [
    assigned.length ? `partitions ${formatPartitions(assigned)}` : "no partitions",
    standbys.length ? `standbys of ${formatPartitions(standbys)}` : "",
  ].filter(Boolean).join(", ");
  return (
    <span className="strip" role="img" aria-label={words} title={words}>
      {Array.from({ length: count }, (_, number) => (
        <i key={number} className={assigned.includes(number) ? "assigned" : standbys.includes(number) ? "standby" : undefined} />
      ))}
    </span>
  );
}

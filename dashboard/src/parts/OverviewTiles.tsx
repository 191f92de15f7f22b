import { Link, type LinkProps } from "@tanstack/react-router";
import type { Schemas } from "herold-client";
import type { ReactNode } from "react";
import { formatCode, formatCount } from "../format";
import { formatAge, formatCompact, getLagTone } from "../pipeline";

type Overview = Schemas["OverviewResponse"];

/** A tile of the overview, which leads to the page behind it. */
export function Tile({ title, to, search, children }: { title: string; to: LinkProps["to"]; search?: Record<string, string>; children: ReactNode }) {
  return (
    <section className="tile" aria-label={title}>
      <h2><Link {...({ to, search } as LinkProps)}>{title}</Link></h2>
      {children}
    </section>
  );
}

const Unknown = () => <span className="dim">Not known yet.</span>;

/** What waits by priority, at the router and at the delivery workers. */
export function QueueTile({ queues }: { queues: Overview["queues"] }) {
  return (
    <Tile title="Waiting" to="/topology">
      {queues ? (
        <table>
          <thead><tr><td /><td>to decide</td><td>to send</td><td>oldest</td></tr></thead>
          <tbody>
            {queues.map(({ priority, router, deliveries }) => {
              const seconds = Math.max(router.seconds, deliveries.seconds);
              const waits = router.messages + deliveries.messages > 0;
              return (
                <tr key={priority}>
                  <th scope="row">{priority}</th>
                  <td>{formatCompact(router.messages)}</td>
                  <td>{formatCompact(deliveries.messages)}</td>
                  <td className={`tone-${getLagTone(seconds)}`}>{waits ? formatAge(seconds) : "–"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      ) : <Unknown />}
    </Tile>
  );
}

/** Each role with its workers; a mark and a word where something is wrong. */
export function RolesTile({ roles }: { roles: Overview["roles"] }) {
  return (
    <Tile title="Workers" to="/workers">
      <table>
        <tbody>
          {roles.map(({ role, workers, problem }) => (
            <tr key={role}><th scope="row">{role}</th><td className={problem ? "tone-bad" : undefined} title={problem || undefined}>{problem ? `✕ ${problem}` : (workers ?? "–")}</td></tr>
          ))}
        </tbody>
      </table>
    </Tile>
  );
}

/** What the scheduler holds for its time. */
export function HeldTile({ held }: { held: Overview["held"] }) {
  return (
    <Tile title="Held for later" to="/notifications" search={{ state: "held" }}>
      {held === null || held === undefined ? <Unknown /> : <><div className="figure">{formatCount(held)}</div><span className="dim">notifications and retries</span></>}
    </Tile>
  );
}

/** Which accounts of providers are left alone. */
export function BreakersTile({ breakers }: { breakers: Overview["breakers"] }) {
  return (
    <Tile title="Open breakers" to="/providers">
      {breakers ? <><div className="figure">{formatCount(breakers.length)}</div>{breakers.map((one) => <div key={one.account} className="tone-bad">✕ {one.account}: {formatCode(one.cause)}</div>)}</> : <Unknown />}
    </Tile>
  );
}

/** What could not be processed, and whether that grows. */
export function DeadLettersTile({ counts }: { counts: Overview["dead_letters"] }) {
  return (
    <Tile title="Open dead letters" to="/dead-letters">
      {counts ? (
        <>
          <div className="figure">{formatCapped(counts.open)}</div>
          <span className="dim number">{formatCapped(counts.last_hour)} in the last hour, {formatCapped(counts.hour_before)} in the one before</span>
        </>
      ) : <Unknown />}
    </Tile>
  );
}

const MAX_COUNTED = 10_000;
const formatCapped = (count: number) => (count < MAX_COUNTED ? formatCount(count) : `${formatCount(MAX_COUNTED)} or more`);

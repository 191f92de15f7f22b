import { Drawer } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Fragment } from "react";
import { formatCount } from "../format";
import { describeLag, formatAge, formatBytes, formatRate, type Place, type TopologyNode, type Way } from "../pipeline";

interface PlaceDetailsProps {
  place: Place | undefined;
  ways: readonly Way[];
  onClose: () => void;
}

/** What is known of one place of the pipeline: rates, what waits in each partition, who reads it, where it leads. */
export function PlaceDetails({ place, ways, onClose }: PlaceDetailsProps) {
  return (
    <Drawer opened={!!place} onClose={onClose} position="right" size="lg" title={place?.label ?? ""} closeButtonProps={{ "aria-label": "Close" }} attributes={{ header: { role: "group" } }}>
      {place ? <div className="details"><Facts place={place} />{place.topics.map((topic) => <Partitions key={topic.id} topic={topic} />)}<Ways place={place} ways={ways} /></div> : null}
    </Drawer>
  );
}

function Facts({ place }: { place: Place }) {
  const facts: [string, React.ReactNode][] = [
    ["Kind", place.kind],
    ["In", formatRate(place.rateIn)],
    ["Out", formatRate(place.rateOut)],
    ["Waiting", place.waiting === null ? "" : describeLag({ messages: place.waiting, seconds: place.seconds })],
    ["Problem", place.problem],
    [place.kind === "role" ? "Workers" : "Read by", place.workers.join(", ")],
    ["Tables", place.tables.map(describeTable).join(", ")],
    ["See also", place.kind === "role" ? <><Link to="/workers" search={{ role: place.label }}>its workers</Link>{place.tables.length ? <> · <Link to="/tables" search={{ role: place.label }}>its tables</Link></> : null}</> : null],
  ];
  return <dl className="facts">{facts.filter(([, value]) => value).map(([name, value]) => <Fragment key={name}><dt>{name}</dt><dd className="number">{value}</dd></Fragment>)}</dl>;
}

function describeTable({ label, details = {} }: TopologyNode): string {
  const { row_count: rows, size_bytes: size } = details;
  return typeof rows === "number" && typeof size === "number" ? `${label} (about ${formatCount(rows)} rows, ${formatBytes(size)})` : label;
}

function Partitions({ topic }: { topic: TopologyNode }) {
  if (!topic.partitions?.length) return null;
  return (
    <section>
      <h2>{topic.label}</h2>
      <table>
        <thead><tr><th scope="col">Partition</th><th scope="col">End</th><th scope="col">Read up to</th><th scope="col">Waiting</th><th scope="col">For</th><th scope="col">Worker</th></tr></thead>
        <tbody>
          {topic.partitions.map((one) => (
            <tr key={one.partition}>
              <td>{one.partition}</td><td>{formatCount(one.end_offset)}</td><td>{formatCount(one.committed_offset)}</td>
              <td>{formatCount(one.lag.messages)}</td><td>{one.lag.messages ? formatAge(one.lag.seconds) : ""}</td><td>{one.worker ?? "nobody"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Ways({ place, ways }: { place: Place; ways: readonly Way[] }) {
  const id = place.topics.length === 1 ? "" : place.id; // the ways of one topic of several are not told apart
  const from = ways.filter((way) => way.target === id), to = ways.filter((way) => way.source === id);
  return (
    <>
      {[["From", from, "source"], ["To", to, "target"]].map(([title, list, end]) => (list as Way[]).length ? (
        <section key={title as string}>
          <h2>{title as string}</h2>
          <dl className="facts">{(list as Way[]).map((way) => <Fragment key={way.id}><dt>{way[end as "source"].replace(/^\w+:/, "")}</dt><dd className="number">{formatRate(way.rate)}</dd></Fragment>)}</dl>
        </section>
      ) : null)}
    </>
  );
}

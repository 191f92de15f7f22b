import { Skeleton, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "herold-client";
import { judgeBurn } from "../analytics";
import { formatCount, formatShare } from "../format";
import { useObjectives } from "../objectives";
import { getMark, type Tone } from "../statuses";
import { QueryPanel } from "./QueryPanel";
import { TimeText } from "./TimeText";
import "./chart.css";

type Objective = Schemas["ObjectiveState"];
const MARKS: Record<Tone, string> = { good: getMark("routed"), waiting: getMark("held"), bad: getMark("dead"), neutral: getMark("") };

/** One card for each priority: the share in time against the objective, what is left of the budget, how fast it is used. */
export function ObjectiveCards() {
  const objectives = useObjectives();
  return (
    <QueryPanel query={objectives} outline={<CardOutline />}>
      {(data) => (
        <>
          <div className="objective-cards">{data.priorities.map((one) => <ObjectiveCard key={one.priority} objective={one} minCount={data.min_count} />)}</div>
          <Text size="xs" className="dim" mt={-12} mb="md">
            From submission, or the release of what was held, until a provider accepted the call; as of <TimeText at={data.as_of} />. A burn rate of 1 uses the whole budget in {formatDays(data.priorities[0]?.window_seconds ?? 0)}.
          </Text>
        </>
      )}
    </QueryPanel>
  );
}

function ObjectiveCard({ objective, minCount }: { objective: Objective; minCount: number }) {
  const { priority, target_seconds, attained, budget_left, count, has_volume } = objective;
  const isKept = attained !== null && attained !== undefined && attained >= objective.objective;
  const tone: Tone = !has_volume ? "neutral" : isKept ? "good" : "bad";
  return (
    <section className="objective-card" aria-label={`${priority} priority`}>
      <h2><Link to="/analytics" search={{ tab: "latency", priority, range: "30d" }}>{priority}</Link> <span className="dim">within {target_seconds} s</span></h2>
      <div className="gauge">
        <Gauge share={attained ?? null} objective={objective.objective} tone={tone} label={`${priority}: ${describe(objective)}`} />
        <div>
          <div className={`tone-${tone}`}><b>{MARKS[tone]} {has_volume ? (isKept ? "kept" : "missed") : "too few to say"}</b></div>
          <div className="dim number">objective {formatShare(objective.objective)}</div>
          <div className="dim number">{has_volume ? `budget left ${formatBudget(budget_left ?? 0)}` : `${formatCount(count)} of at least ${formatCount(minCount)} hand-overs`}</div>
          <div className="dim number">{has_volume ? `${formatCount(count)} hand-overs` : " "}</div>
        </div>
      </div>
      <table>
        <thead><tr><th scope="col">Last</th><th scope="col" className="amount">Hand-overs</th><th scope="col" className="amount">Burn rate</th></tr></thead>
        <tbody>{objective.burn.map((burn) => <BurnRow key={burn.window_seconds} burn={burn} />)}</tbody>
      </table>
    </section>
  );
}

function BurnRow({ burn }: { burn: Schemas["BurnRate"] }) {
  const { tone, word } = judgeBurn(burn.rate ?? null);
  return (
    <tr>
      <td>{formatDays(burn.window_seconds)}</td>
      <td className="amount number">{formatCount(burn.count)}</td>
      <td className={`amount number tone-${tone}`}>{burn.rate === null || burn.rate === undefined ? "" : `${burn.rate.toFixed(2)} `}<span>{MARKS[tone]} {word}</span></td>
    </tr>
  );
}

/** A ring that is as full as the share is; a line marks the objective. What is not known is empty. */
function Gauge({ share, objective, tone, label }: { share: number | null; objective: number; tone: Tone; label: string }) {
  const length = 2 * Math.PI * 42, angle = 2 * Math.PI * objective - Math.PI / 2;
  const mark = (radius: number) => [50 + radius * Math.cos(angle), 50 + radius * Math.sin(angle)] as const;
  const [inner, outer] = [mark(34), mark(50)];
  return (
    <svg viewBox="0 0 100 100" role="img" aria-label={label} className={`tone-${tone}`}>
      <circle cx="50" cy="50" r="42" fill="none" stroke="var(--mantine-color-default-border)" strokeWidth="9" />
      {share === null ? null : <circle cx="50" cy="50" r="42" fill="none" stroke="currentColor" strokeWidth="9" strokeDasharray={`${length * share} ${length}`} transform="rotate(-90 50 50)" />}
      <line x1={inner[0]} y1={inner[1]} x2={outer[0]} y2={outer[1]} stroke="var(--mantine-color-text)" strokeWidth="2" />
      <text x="50" y="55" textAnchor="middle" fontSize="15" fontWeight="600" fill="var(--mantine-color-text)" className="number">{share === null ? "–" : formatShare(share).replace(" ", "")}</text>
    </svg>
  );
}

const formatBudget = (left: number) => `${Math.round(left * 100)} %`;
const formatDays = (seconds: number) => (seconds >= 86_400 ? `${Math.round(seconds / 86_400)} d` : `${Math.round(seconds / 3600)} h`);

function describe({ attained, objective, has_volume }: Objective): string {
  return has_volume ? `${formatShare(attained ?? 0)} in time, the objective is ${formatShare(objective)}` : "too few hand-overs to say";
}

function CardOutline() {
  return <div className="objective-cards skeleton" aria-busy="true" aria-label="loading">{["high", "medium", "low"].map((one) => <Skeleton key={one} height={300} />)}</div>;
}

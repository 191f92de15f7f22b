import { Link, type LinkProps } from "@tanstack/react-router";
import type { Schemas } from "herold-client";
import { parseSearch } from "../searches";
import { StatusBadge } from "./StatusBadge";

/** What needs somebody, the worst first; each leads to the page that shows it. */
export function AttentionList({ items }: { items: readonly Schemas["AttentionItem"][] }) {
  return (
    <ul className="attention" aria-label="what needs attention">
      {items.map((item) => (
        <li key={`${item.kind} ${item.text}`}>
          <Link {...toLink(item.url)}><span className="status"><StatusBadge status={item.severity} /></span><span className="number">{item.text}</span></Link>
        </li>
      ))}
      {items.length ? null : <li className="well"><span className="tone-good">✓</span> Nothing needs attention.</li>}
    </ul>
  );
}

/** The route of an address of the dashboard, with its search. */
export function toLink(url: string): LinkProps {
  const [path = "", search = ""] = url.replace(/^\/dashboard/, "").split("?");
  return { to: path, search: parseSearch(search) } as LinkProps;
}

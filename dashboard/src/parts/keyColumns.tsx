import type { Schemas } from "herold-client";
import { KeyState } from "./KeyState";
import type { Column } from "./RecordTable";
import { TimeText } from "./TimeText";

/** The columns of a list of API keys. */
export const KEY_COLUMNS: Column<Schemas["ApiKey"]>[] = [
  { title: "Name", render: (key) => key.name },
  { title: "Id", width: "6.5rem", render: (key) => <span className="mono">{key.id}</span> },
  { title: "State", width: "6.5rem", render: (key) => <KeyState apiKey={key} /> },
  { title: "Role", width: "6.5rem", render: (key) => key.role },
  { title: "Scopes", render: (key) => (key.scopes.length > 1 ? <span title={key.scopes.join(", ")}>{key.scopes.length} permissions</span> : (key.scopes[0] ?? <span className="dim">all of it</span>)) },
  { title: "Sends", width: "5rem", render: (key) => (key.is_test ? "tests" : "live") },
  { title: "Last used", width: "9.5rem", render: (key) => (key.last_used_at ? <TimeText at={key.last_used_at} isRelative /> : <span className="dim">not yet</span>) },
  { title: "Ends", width: "13rem", render: (key) => (key.expires_at ? <TimeText at={key.expires_at} /> : <span className="dim">never</span>) },
];

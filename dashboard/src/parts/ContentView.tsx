import { Code, Stack, Text } from "@mantine/core";
import { describeSms, listParts, type ContentPart, type Sms } from "../content";

/** A rendered message: its texts, its HTML in a frame that runs nothing and loads nothing, and the segments of an SMS. */
export function ContentView({ content, sms }: { content: Record<string, unknown>; sms?: Sms | null }) {
  return (
    <Stack gap="xs">
      {listParts(content).map((part) => <div key={part.label}><Text size="xs" className="dim">{part.label}</Text><Part part={part} /></div>)}
      {sms ? <Text size="xs" className="dim number">{describeSms(sms)}</Text> : null}
    </Stack>
  );
}

function Part({ part }: { part: ContentPart }) {
  if (part.kind === "html") return <iframe className="message" title="the message as HTML" sandbox="" srcDoc={part.value} loading="lazy" />;
  return part.kind === "json" ? <Code block>{part.value}</Code> : <div className="message-text">{part.value}</div>;
}

import { Code, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import { listParts } from "../content";
import { disarmLinks } from "../records";
import type { Channel } from "../templates";

const SHOWN_APART = new Set(["Data", "Options", "Files", "Template of the provider"]);

/** A message as its reader sees it: an e-mail in a frame without scripts, an SMS, a push message, the body of a webhook. */
export function MessageView({ channel, content }: { channel: Channel; content: Record<string, unknown> }) {
  const read = (name: string) => (typeof content[name] === "string" ? (content[name] as string) : "");
  if (channel === "webhook") return <pre className="message-text mono">{JSON.stringify(content, null, 2)}</pre>;
  return (
    <Stack gap="sm">
      {channel === "email" ? <Mail subject={read("subject")} text={read("text")} html={read("html")} /> : null}
      {channel === "sms" ? <div className="sms-bubble"><pre className="message-text">{read("text")}</pre></div> : null}
      {channel === "push" ? <Push title={read("title")} body={read("body")} image={read("image")} link={read("link")} /> : null}
      {listParts(content).filter((part) => SHOWN_APART.has(part.label)).map((part) => <div key={part.label}><Text size="xs" className="dim">{part.label}</Text><Code block>{part.value}</Code></div>)}
    </Stack>
  );
}

function Mail({ subject, text, html }: { subject: string; text: string; html: string }) {
  const [shown, setShown] = useState("HTML");
  const page = useMemo(() => disarmLinks(html), [html]);
  const isHtml = !!html && shown === "HTML";
  return (
    <>
      <Group justify="space-between" wrap="nowrap">
        <Text fw={600} style={{ overflowWrap: "anywhere" }}>{subject}</Text>
        {html && text ? <SegmentedControl size="xs" aria-label="part of the e-mail" data={["HTML", "Text"]} value={shown} onChange={setShown} /> : null}
      </Group>
      {/* no scripts, no forms, no pop-ups, an origin of its own */}
      {isHtml ? <iframe className="mail-frame" title="the e-mail" sandbox="" referrerPolicy="no-referrer" srcDoc={page} /> : <pre className="message-text">{text}</pre>}
    </>
  );
}

function Push({ title, body, image, link }: { title: string; body: string; image: string; link: string }) {
  return (
    <div className="phone">
      <div className="phone-card">
        <div><b>{title}</b></div>
        <pre className="message-text">{body}</pre>
        {image ? <div className="mono" style={{ overflowWrap: "anywhere" }}>image: {image}</div> : null}
        {link ? <div className="mono" style={{ overflowWrap: "anywhere" }}>opens {link}</div> : null}
      </div>
    </div>
  );
}

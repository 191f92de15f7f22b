import { Button, Group, Menu, SegmentedControl, Select, Stack, TextInput } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { addLocale, CHANNELS, DEFAULT_LOCALE, getEntry, listChannels, listLocales, PARTS, removeLocale, setPart, type Channel, type TemplateDocument } from "../templates";
import { CodeEditor } from "./CodeEditor";
import { EmptyPanel } from "./Panels";
import { SampleData, useSampleData } from "./SampleData";
import { PreviewPane, usePreview } from "./TemplatePreview";

interface EditorProps {
  name: string;
  document: TemplateDocument;
  /** Without it the text is only read. */
  onChange?: (document: TemplateDocument) => void;
}

const route = getRouteApi("/templates/$name");

/** The text of one channel in one locale, with what it renders to beside it. */
export function TemplateEditor({ name, document, onChange }: EditorProps) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const channels = listChannels(document);
  const channel = channels.find((one) => one === search.channel) ?? channels[0];
  const show = (channel: Channel, locale: string) => void navigate({ search: { ...search, channel, locale }, replace: true });
  if (!channel) {
    return (
      <EmptyPanel title="No channel has a text">
        {onChange ? <ChannelMenu channels={channels} onAdd={(added) => { onChange(addLocale(document, added, DEFAULT_LOCALE)); show(added, DEFAULT_LOCALE); }} /> : "Nothing can be sent with it."}
      </EmptyPanel>
    );
  }
  const locales = listLocales(document, channel);
  const locale = search.locale && locales.includes(search.locale) ? search.locale : (locales[0] ?? DEFAULT_LOCALE);
  const add = (added: Channel, to: string) => {
    onChange?.(addLocale(document, added, to, added === channel ? getEntry(document, channel, locale) : undefined));
    show(added, to);
  };
  return (
    <Stack gap="sm">
      <Group gap="xs">
        <SegmentedControl size="xs" aria-label="channel" data={channels} value={channel} onChange={(value) => show(value as Channel, DEFAULT_LOCALE)} />
        {onChange && channels.length < CHANNELS.length ? <ChannelMenu channels={channels} onAdd={(added) => add(added, DEFAULT_LOCALE)} /> : null}
        <Select size="xs" w={120} aria-label="locale" data={locales} value={locale} allowDeselect={false} onChange={(value) => value && show(channel, value)} />
        {onChange ? <LocaleForm locales={locales} onAdd={(added) => add(channel, added)} /> : null}
        {onChange ? (
          <Button size="xs" variant="subtle" color="gray" className="dim" onClick={() => onChange(removeLocale(document, channel, locale))}>Remove {channel} {locale}</Button>
        ) : null}
      </Group>
      <Halves key={`${channel} ${locale}`} name={name} document={document} channel={channel} locale={locale} onChange={onChange} />
    </Stack>
  );
}

function Halves({ name, document, channel, locale, onChange }: EditorProps & { channel: Channel; locale: string }) {
  const sample = useSampleData(name, document);
  const preview = usePreview({ name, document, channel, locale, sample });
  const entry = getEntry(document, channel, locale) ?? {};
  const parts = entry.template_id ? [{ name: "template_id" as const, label: "Template at SendGrid", isLine: true }] : PARTS[channel];
  return (
    <div className="halves">
      <Stack gap="sm">
        {parts.map((part) => {
          const problem = preview.problems[part.name];
          return (
            <CodeEditor
              key={part.name} label={part.label} value={entry[part.name] ?? ""} minLines={part.isLine ? 1 : part.name === "html" ? 8 : 5} maxLines={part.isLine ? 2 : 22}
              error={problem ? `${problem.line ? `Line ${problem.line}: ` : ""}${problem.text}` : undefined} errorLine={problem?.line}
              onChange={onChange ? (text) => onChange(setPart(document, channel, locale, part.name, part.isLine ? text.replaceAll("\n", " ") : text)) : undefined}
            />
          );
        })}
        <SampleData sample={sample} />
      </Stack>
      <PreviewPane channel={channel} locale={locale} preview={preview} sample={sample} document={document} />
    </div>
  );
}

function ChannelMenu({ channels, onAdd }: { channels: readonly Channel[]; onAdd: (channel: Channel) => void }) {
  return (
    <Menu>
      <Menu.Target><Button size="xs" variant="default">Add a channel</Button></Menu.Target>
      <Menu.Dropdown>
        {CHANNELS.filter((channel) => !channels.includes(channel)).map((channel) => <Menu.Item key={channel} onClick={() => onAdd(channel)}>{channel}</Menu.Item>)}
      </Menu.Dropdown>
    </Menu>
  );
}

function LocaleForm({ locales, onAdd }: { locales: readonly string[]; onAdd: (locale: string) => void }) {
  const [locale, setLocale] = useState("");
  const text = locale.trim();
  const submit = () => {
    if (!text || locales.includes(text)) return;
    onAdd(text);
    setLocale("");
  };
  return (
    <form onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <Group gap={4} wrap="nowrap">
        <TextInput size="xs" w={110} aria-label="new locale" placeholder="de-AT" value={locale} onChange={(event) => setLocale(event.currentTarget.value)} maxLength={35} />
        <Button size="xs" variant="default" type="submit" disabled={!text || locales.includes(text)}>Add locale</Button>
      </Group>
    </form>
  );
}

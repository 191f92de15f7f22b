import { Group, Select, Stack, TextInput } from "@mantine/core";
import { useDraft } from "../drafts";
import { readJson, writeJson } from "../json";
import type { TemplateDocument } from "../templates";
import { CodeEditor } from "./CodeEditor";

/** With what a template is previewed, as a person chose it; kept for the template in this tab of the browser. */
export interface Choice {
  /** A sample of the template; empty for own data. */
  sample?: string;
  text?: string;
  locale?: string;
  zone?: string;
}
export interface SampleState {
  choice: Choice;
  set: (choice: Choice) => void;
  samples: string[];
  text: string;
  data: Record<string, unknown> | undefined;
  problem?: string;
  line: number;
}

const OWN = "own data";

/** The data of a preview: the chosen sample, else the first, else the person's own. */
export function useSampleData(name: string, document: TemplateDocument): SampleState {
  const [stored, set] = useDraft<Choice>(`template data ${name}`);
  const choice = stored ?? {};
  const samples = Object.keys(document.samples ?? {});
  const sample = choice.text !== undefined ? undefined : (samples.find((one) => one === choice.sample) ?? samples[0]);
  const text = choice.text ?? writeJson(sample === undefined ? {} : document.samples?.[sample]);
  const read = readJson(text);
  return { choice: { ...choice, sample }, set, samples, text, data: read.value, problem: read.problem, line: read.line };
}

/** The data that the preview fills in, and whose user it is shown for. */
export function SampleData({ sample }: { sample: SampleState }) {
  const { choice, set, samples } = sample;
  const choose = (value: string | null) => set(value && value !== OWN ? { ...choice, sample: value, text: undefined } : { ...choice, sample: undefined, text: sample.text });
  return (
    <Stack gap="xs">
      <Group gap="xs" align="flex-end">
        <Select size="xs" w={150} label="Data" data={[...samples, OWN]} value={choice.sample ?? OWN} allowDeselect={false} onChange={choose} />
        <TextInput size="xs" w={120} label="User's locale" placeholder="as edited" value={choice.locale ?? ""} onChange={(event) => set({ ...choice, locale: event.currentTarget.value || undefined })} />
        <TextInput size="xs" w={150} label="User's time zone" placeholder="UTC" value={choice.zone ?? ""} onChange={(event) => set({ ...choice, zone: event.currentTarget.value || undefined })} />
      </Group>
      <CodeEditor label="Data of the preview (JSON)" value={sample.text} error={sample.problem} errorLine={sample.line} minLines={4} maxLines={14} onChange={(text) => set({ ...choice, sample: undefined, text })} />
    </Stack>
  );
}

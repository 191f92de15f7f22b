import { Button, Checkbox, Fieldset, Group, MultiSelect, NumberInput, Select, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { readJson, writeJson } from "../json";
import { getProblem, type FieldProblem } from "../fieldErrors";
import type { Rule } from "../rules";
import { CHANNELS, PRIORITIES } from "../statuses";
import { CodeEditor } from "./CodeEditor";

interface FormProps {
  rule: Rule;
  problems: readonly FieldProblem[];
  /** Without it the rule is only read. */
  onChange?: (rule: Rule) => void;
}
type Digest = NonNullable<Rule["digest"]>;
type Case = NonNullable<Rule["priorities"]>[number];

const STRATEGIES = [{ value: "all", label: "all of them" }, { value: "first", label: "the first that is usable" }, { value: "escalate", label: "one after the other" }];
const UNLESS = [{ value: "sent", label: "it is sent" }, { value: "delivered", label: "it is delivered" }, { value: "read", label: "it is read" }];
const CONSENTS = [{ value: "none", label: "asks nobody" }, { value: "opt_out", label: "sends unless opted out" }, { value: "opt_in", label: "sends if opted in" }];
const QUIET = [{ value: "ignore", label: "sends in them" }, { value: "hold", label: "holds until they end" }, { value: "reject", label: "rejects in them" }];
const OVER = [{ value: "reject", label: "is rejected" }, { value: "hold", label: "is held" }];

/** All fields of a rule, each with what is wrong with it. */
export function RuleForm({ rule, problems, onChange }: FormProps) {
  const set = (values: Partial<Rule>) => onChange?.({ ...rule, ...values });
  const error = (field: string) => getProblem(problems, field) || undefined;
  const readOnly = !onChange;
  const pick = <Name extends keyof Rule>(name: Name) => (value: string | null) => set({ [name]: value ?? "" } as Partial<Rule>);
  const number = (name: "escalate_after" | "expires_after") => (value: number | string) => set({ [name]: Number(value) || 0 });
  return (
    <Stack gap="md">
      <Fieldset legend="What it is">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput label="Category" description="Consent, quiet hours and limits depend on it" value={rule.category} error={error("category")} readOnly={readOnly} onChange={(event) => set({ category: event.currentTarget.value })} />
          <TextInput label="Template" description="Empty: as the type" placeholder={rule.type} value={rule.template ?? ""} error={error("template")} readOnly={readOnly} onChange={(event) => set({ template: event.currentTarget.value })} />
        </SimpleGrid>
        <Condition label="Condition (CEL)" description="Must be true, or the notification is rejected. Empty: all pass" value={rule.condition ?? ""} error={error("condition")} onChange={onChange && ((condition) => set({ condition }))} />
      </Fieldset>
      <Fieldset legend="Where it goes">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <MultiSelect label="Channels" description="In this order" data={[...CHANNELS]} value={rule.channels} error={error("channels")} readOnly={readOnly} onChange={(channels) => set({ channels: channels as Rule["channels"] })} />
          <Select label="Uses" description="Of the channels that the user can get" data={STRATEGIES} value={rule.strategy ?? "all"} error={error("strategy")} allowDeselect={false} readOnly={readOnly} onChange={pick("strategy")} />
          {rule.strategy === "escalate" || rule.escalate_after ? (
            <>
              <NumberInput label="The next channel follows after" suffix=" s" min={0} value={rule.escalate_after ?? 0} error={error("escalate_after")} readOnly={readOnly} onChange={number("escalate_after")} />
              <Select label="Unless" data={UNLESS} value={rule.escalate_unless ?? "delivered"} error={error("escalate_unless")} allowDeselect={false} readOnly={readOnly} onChange={pick("escalate_unless")} />
            </>
          ) : null}
        </SimpleGrid>
      </Fieldset>
      <Fieldset legend="How urgent it is">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Select label="Priority" description="Of the deliveries" placeholder="as it was sent" clearable data={[...PRIORITIES]} value={rule.priority ?? null} error={error("priority")} readOnly={readOnly} onChange={(value) => set({ priority: (value as Rule["priority"]) ?? null })} />
          <NumberInput label="Expires after" description="0: a day" suffix=" s" min={0} value={rule.expires_after ?? 0} error={error("expires_after")} readOnly={readOnly} onChange={number("expires_after")} />
        </SimpleGrid>
        <Cases cases={rule.priorities ?? []} problems={problems} onChange={onChange && ((priorities) => set({ priorities }))} />
      </Fieldset>
      <Fieldset legend="Whom it may reach">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Select label="Consent" placeholder="as usual for the category" clearable data={CONSENTS} value={rule.consent || null} error={error("consent")} readOnly={readOnly} onChange={pick("consent")} />
          <Select label="Quiet hours" placeholder="as usual for the category" clearable data={QUIET} value={rule.quiet_hours || null} error={error("quiet_hours")} readOnly={readOnly} onChange={pick("quiet_hours")} />
          <Select label="Over a rate limit it" data={OVER} value={rule.over_limit ?? "reject"} error={error("over_limit")} allowDeselect={false} readOnly={readOnly} onChange={pick("over_limit")} />
          <Checkbox mt="xl" label="Mandatory: sent whatever the user's preferences are" checked={rule.mandatory ?? false} error={error("mandatory")} disabled={readOnly} onChange={(event) => set({ mandatory: event.currentTarget.checked })} />
        </SimpleGrid>
      </Fieldset>
      <DigestFields digest={rule.digest ?? null} problems={problems} onChange={onChange && ((digest) => set({ digest }))} />
      <OptionsField options={rule.email_options ?? null} error={error("email_options")} onChange={onChange && ((email_options) => set({ email_options }))} />
    </Stack>
  );
}

interface ConditionProps {
  label: string;
  description?: string;
  value: string;
  error?: string;
  onChange?: (value: string) => void;
}

/** An expression; its error names the line. */
function Condition({ error, ...props }: ConditionProps) {
  const line = Number(/line (\d+)/.exec(error ?? "")?.[1] ?? 0);
  return <div style={{ marginTop: "0.75rem" }}><CodeEditor {...props} error={error} errorLine={line} minLines={1} maxLines={10} /></div>;
}

function Cases({ cases, problems, onChange }: { cases: readonly Case[]; problems: readonly FieldProblem[]; onChange?: (cases: Case[]) => void }) {
  const replace = (index: number, one?: Case) => onChange?.(cases.flatMap((other, at) => (at === index ? (one ? [one] : []) : [other])));
  return (
    <Stack gap="xs" mt="sm">
      {cases.map((one, index) => (
        <Group key={index} align="flex-start" wrap="wrap">
          <div style={{ flex: "1 1 16rem" }}>
            <Condition label={`Choice ${index + 1}: if (CEL)`} value={one.when} error={getProblem(problems, `priorities.${index}`) || undefined} onChange={onChange && ((when) => replace(index, { ...one, when }))} />
          </div>
          <Select mt="sm" w={130} label="the priority is" data={[...PRIORITIES]} value={one.priority} allowDeselect={false} readOnly={!onChange} onChange={(value) => replace(index, { ...one, priority: value as Case["priority"] })} />
          {onChange ? <Button mt="2.2rem" variant="subtle" color="gray" className="dim" onClick={() => replace(index)} aria-label={`remove choice ${index + 1}`}>Remove</Button> : null}
        </Group>
      ))}
      {onChange ? <Group><Button size="xs" variant="default" onClick={() => onChange([...cases, { when: "", priority: "high" }])}>Add a choice of priority</Button></Group> : null}
    </Stack>
  );
}

function DigestFields({ digest, problems, onChange }: { digest: Digest | null; problems: readonly FieldProblem[]; onChange?: (digest: Digest | null) => void }) {
  const set = (values: Partial<Digest>) => onChange?.({ ...digest, ...values });
  const error = (field: string) => getProblem(problems, `digest.${field}`) || undefined;
  const readOnly = !onChange;
  return (
    <Fieldset legend="Digest">
      <Checkbox label="Gathers notifications into one message" checked={digest !== null} error={problems.find((one) => one.field === "digest")?.text} disabled={readOnly} onChange={(event) => onChange?.(event.currentTarget.checked ? {} : null)} />
      {digest ? (
        <SimpleGrid cols={{ base: 1, sm: 2 }} mt="sm">
          <NumberInput label="Window" suffix=" s" min={0} value={digest.window ?? 0} error={error("window")} readOnly={readOnly} onChange={(value) => set({ window: Number(value) || 0 })} />
          <TextInput label="Or at times (cron, in the user's zone)" placeholder="0 8 * * *" value={digest.cron ?? ""} error={error("cron")} readOnly={readOnly} onChange={(event) => set({ cron: event.currentTarget.value })} />
          <NumberInput label="At most so many together" min={2} value={digest.max_count ?? 100} error={error("max_count")} readOnly={readOnly} onChange={(value) => set({ max_count: Number(value) || 100 })} />
          <TextInput label="Key (CEL)" description="One message for each value" value={digest.key ?? ""} error={error("key")} readOnly={readOnly} onChange={(event) => set({ key: event.currentTarget.value })} />
          <TextInput label="Template of the digest" description="Empty: that of the rule" value={digest.template ?? ""} error={error("template")} readOnly={readOnly} onChange={(event) => set({ template: event.currentTarget.value })} />
          <Checkbox mt="xl" label="For all users, not only those who chose it" checked={digest.by_default ?? true} error={error("by_default")} disabled={readOnly} onChange={(event) => set({ by_default: event.currentTarget.checked })} />
        </SimpleGrid>
      ) : null}
    </Fieldset>
  );
}

function OptionsField({ options, error, onChange }: { options: Rule["email_options"]; error?: string; onChange?: (options: Rule["email_options"]) => void }) {
  const [text, setText] = useState(() => (options ? writeJson(options) : ""));
  const read = readJson(text, {});
  const change = (next: string) => {
    setText(next);
    if (!next.trim()) return onChange?.(null);
    const { value } = readJson(next);
    if (value) onChange?.(value as Rule["email_options"]);
  };
  return (
    <Fieldset legend="E-mail">
      <CodeEditor label="Options (JSON)" description="reply_to, headers, categories, custom_args, cc, bcc. Empty: none" value={text} error={read.problem ?? error} errorLine={read.line} minLines={2} maxLines={12} onChange={onChange ? change : undefined} />
    </Fieldset>
  );
}

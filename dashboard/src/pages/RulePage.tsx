import { Alert, Badge, Button, Modal, Text, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { unwrap } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { useDraft } from "../drafts";
import { CodeEditor } from "../parts/CodeEditor";
import { DiffView } from "../parts/DiffView";
import { Page } from "../parts/Page";
import { FailurePanel, SkeletonRows } from "../parts/Panels";
import { QueryPanel } from "../parts/QueryPanel";
import { RuleDialogs, type RuleDialog } from "../parts/RuleDialogs";
import { RuleForm } from "../parts/RuleForm";
import { RuleSimulation } from "../parts/RuleSimulation";
import { RuleVersions } from "../parts/RuleVersions";
import { TabBar } from "../parts/TabBar";
import { readJson, writeJson } from "../json";
import { listFieldProblems, listOtherProblems, type FieldProblem } from "../fieldErrors";
import { cleanRule, FORM_FIELDS, isSameRule, type Rule } from "../rules";
import { loadRule, type RuleState } from "../ruleState";
import { useCan } from "../session";
import { formatDocument } from "../templates";

export interface RuleDraft {
  /** The version in force when it was begun, 0 for a new rule. */
  base: number;
  rule: Rule;
}

const route = getRouteApi("/rules/$type");
const TABS = [{ name: "fields", label: "Fields" }, { name: "json", label: "JSON" }, { name: "simulation", label: "Simulation" }, { name: "versions", label: "Versions" }] as const;
const TYPING_MS = 400;

/** One rule: its fields, what a draft of it would decide, its versions. */
export function RulePage() {
  const { type } = route.useParams();
  const { new: isNew } = route.useSearch();
  const canWrite = useCan("rules:write");
  const rule = useQuery({ queryKey: ["rule", type], queryFn: ({ signal }) => loadRule(type, !!isNew && canWrite, signal), refetchOnWindowFocus: false });
  if (!rule.data) {
    return <Page title={type}><QueryPanel query={rule} outline={<SkeletonRows count={10} />}>{() => null}</QueryPanel></Page>;
  }
  return <LoadedRule key={type} state={rule.data} canWrite={canWrite} />;
}

function LoadedRule({ state, canWrite }: { state: RuleState; canWrite: boolean }) {
  const { type, version, stored } = state;
  const { tab = version || !state.versions.length ? "fields" : "versions", ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const canSimulate = useCan("notifications:read");
  const [draft, setDraft, { round, begin }] = useDraft<RuleDraft>(`rule ${type}`);
  const [dialog, setDialog] = useState<RuleDialog>();
  const rule = draft?.rule ?? stored;
  const check = useCheck(type, rule, draft !== undefined);
  const edit = canWrite ? (next: Rule) => setDraft(version && isSameRule(next, stored) ? undefined : { base: draft?.base ?? version, rule: next }) : undefined;
  const tabs = canSimulate ? TABS : TABS.filter((one) => one.name !== "simulation");
  return (
    <Page
      title={type}
      actions={
        <>
          <Badge variant="light" color={version ? "green" : "gray"} className={version ? "tone-good" : "tone-neutral"} tt="none">{version ? `✓ version ${version} is in force` : "– no rule is in force"}</Badge>
          {draft ? <Badge variant="light" color="gray" className="tone-neutral" tt="none">not saved</Badge> : null}
          {canWrite && draft ? <Button size="xs" variant="default" onClick={begin}>Discard</Button> : null}
          {canWrite && version && !draft ? <Button size="xs" variant="subtle" color="red" className="tone-bad" onClick={() => setDialog({ kind: "delete" })}>Delete</Button> : null}
          {canWrite && draft ? <Button size="xs" disabled={check.problems.length > 0} title={check.problems.length ? "First mend what is wrong" : undefined} onClick={() => setDialog({ kind: "save", draft })}>Save</Button> : null}
        </>
      }
    >
      <TabBar label="parts of the rule" tabs={tabs} value={tab} onChange={(next) => void navigate({ search: { ...search, tab: next }, replace: true })}>
        {tab === "fields" || tab === "json" ? (
          <div className="columns">
            {tab === "fields" ? <RuleForm key={round} rule={rule} problems={check.problems} onChange={edit} /> : <JsonForm key={round} rule={rule} onChange={edit} />}
            <Verdict state={state} rule={rule} check={check} isDraft={!!draft} />
          </div>
        ) : null}
        {tab === "simulation" ? <RuleSimulation type={type} rule={rule} isDraft={!!draft} /> : null}
        {tab === "versions" ? <RuleVersions state={state} draft={draft?.rule} onRollBack={canWrite ? (to) => setDialog({ kind: "rollback", version: to.version, rule: to.rule ?? undefined }) : undefined} /> : null}
      </TabBar>
      <Modal opened={!!dialog} onClose={() => setDialog(undefined)} size="xl" title={dialog ? TITLES[dialog.kind] : ""}>
        {dialog ? <RuleDialogs state={state} dialog={dialog} onDone={(isSaved) => { if (isSaved) begin(); setDialog(undefined); }} /> : null}
      </Modal>
    </Page>
  );
}

const TITLES: Record<RuleDialog["kind"], string> = { save: "Save the rule", delete: "Delete the rule", rollback: "Roll the rule back" };

interface Check {
  problems: readonly FieldProblem[];
  notices: readonly string[];
  error: unknown;
  retry: () => void;
}

/** What is wrong with a draft, asked anew when typing pauses. */
function useCheck(type: string, rule: Rule, isDraft: boolean): Check {
  const [body] = useDebouncedValue(JSON.stringify(cleanRule(rule)), TYPING_MS);
  const check = useQuery({
    queryKey: ["rule check", type, body],
    queryFn: async ({ signal }) => unwrap(await herold.POST("/v1/rules/{rule_type}/check", { params: { path: { rule_type: type } }, body: JSON.parse(body) as Rule, signal })),
    enabled: isDraft,
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  });
  const problems = isDraft ? listFieldProblems(check.error) : [];
  return { problems, notices: check.data?.notices ?? [], error: isDraft && !problems.length ? check.error : null, retry: () => void check.refetch() };
}

function JsonForm({ rule, onChange }: { rule: Rule; onChange?: (rule: Rule) => void }) {
  const [text, setText] = useState(() => writeJson(cleanRule(rule)));
  const read = readJson(text);
  const change = (next: string) => {
    setText(next);
    const { value } = readJson(next);
    if (value) onChange?.({ ...(value as Rule), type: rule.type });
  };
  return <CodeEditor label="Rule (JSON)" description="As PUT takes it, and a file of rules has it" value={text} error={read.problem} errorLine={read.line} minLines={16} maxLines={36} onChange={onChange ? change : undefined} />;
}

/** Beside the form: what is wrong with no field of it, what may not do what was meant, and the differences. */
function Verdict({ state, rule, check, isDraft }: { state: RuleState; rule: Rule; check: Check; isDraft: boolean }) {
  const others = listOtherProblems(check.problems, FORM_FIELDS);
  const notices = isDraft ? check.notices : state.notices;
  return (
    <div>
      {check.error ? <FailurePanel error={check.error} onRetry={check.retry} /> : null}
      {check.problems.length ? (
        <Alert role="alert" color="red" variant="light" mb="sm" title={`${check.problems.length} ${check.problems.length === 1 ? "field is" : "fields are"} not valid`}>
          {check.problems.filter((one) => !others.includes(one)).map((one) => <div key={one.field + one.text} style={{ overflowWrap: "anywhere" }}><b>{one.field}</b>: {one.text}</div>)}
          {others.map((one) => <div key={one.field + one.text} style={{ overflowWrap: "anywhere" }}>{one.field ? <b>{one.field}: </b> : null}{one.text}</div>)}
        </Alert>
      ) : null}
      {notices.length ? <Alert role="note" color="yellow" variant="light" mb="sm" title="Is this meant?">{notices.map((text) => <div key={text}>{text}</div>)}</Alert> : null}
      <Title order={2} mb="xs">{state.version ? `Differences from version ${state.version}` : "The new rule"}</Title>
      {isDraft
        ? <DiffView before={state.version ? formatDocument(cleanRule(state.stored)) : ""} after={formatDocument(cleanRule(rule))} labels={[state.version ? `version ${state.version}` : "no rule", "what you wrote"]} />
        : <Text size="sm" className="dim">What is changed is compared here with what is in force.</Text>}
    </div>
  );
}

import { Button, Modal, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold, queryClient } from "../api";
import type { DeadLetter } from "../deadLetters";
import { formatCode, formatCount } from "../format";
import { DeadLetterActions } from "../parts/DeadLetterActions";
import { DeadLetterDetails } from "../parts/DeadLetterDetails";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { QueryPanel } from "../parts/QueryPanel";
import { NoMatch, RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { RedriveForm } from "../parts/RedriveForm";
import { RedriveRuns } from "../parts/RedriveRuns";
import { StatusBadge } from "../parts/StatusBadge";
import { TabBar } from "../parts/TabBar";
import { TimeText } from "../parts/TimeText";
import { LETTER_STATES, type DeadLetterSearch } from "../searches";
import { useCan } from "../session";
import { CHANNELS, STAGES } from "../statuses";

type Cause = Schemas["CauseGroup"];

const route = getRouteApi("/dead-letters");
const MAX_CAUSES = 200; // of one request
const TABS = [{ name: "causes", label: "By cause" }, { name: "letters", label: "One by one" }] as const;
const FIELDS: FilterField[] = [
  { name: "stage", label: "Stage", values: STAGES },
  { name: "channel", label: "Channel", values: CHANNELS },
  { name: "reason", label: "Reason" },
  { name: "type", label: "Type" },
  { name: "user_id", label: "User" },
];
const IN_ROW = ["redrive", "discard"] as const;
const LETTER_FIELDS: FilterField[] = [{ name: "state", label: "State: open", values: [...LETTER_STATES.slice(1), "all"] }, ...FIELDS];

/** What could not be processed, by cause and one by one; each can be sent again after a look at what would happen, or discarded. */
export function DeadLettersPage() {
  const { tab = "causes", letter, ...filter } = route.useSearch();
  const navigate = route.useNavigate();
  const canReadRedrives = useCan("redrives:read");
  const refresh = () => void Promise.all([queryClient.invalidateQueries({ queryKey: ["causes"] }), queryClient.invalidateQueries({ queryKey: ["dead letters"] })]);
  const change = (values: DeadLetterSearch) => void navigate({ search: { ...values, tab }, replace: true });
  return (
    <Page title="Dead letters" actions={<Button size="xs" variant="default" onClick={refresh}>Refresh</Button>}>
      {canReadRedrives ? <RedriveRuns /> : null}
      <TabBar label="dead letters" tabs={TABS} value={tab} onChange={(next) => void navigate({ search: { ...filter, cause: undefined, state: undefined, tab: next }, replace: true })}>
        {tab === "causes" ? <CauseList filter={filter} onChange={change} /> : <LetterList filter={filter} onChange={change} />}
      </TabBar>
      {letter ? <DeadLetterDetails key={letter} id={letter} onClose={() => change(filter)} /> : null}
    </Page>
  );
}

interface ListProps {
  filter: DeadLetterSearch;
  onChange: (filter: DeadLetterSearch) => void;
}

function CauseList({ filter: { stage, channel, reason, type, user_id }, onChange }: ListProps) {
  const filter = { stage, channel, reason, type, user_id };
  const [chosen, setChosen] = useState<Cause>();
  const canRedrive = useCan("redrives:write");
  const causes = useQuery({
    queryKey: ["causes", filter],
    queryFn: async ({ signal }) =>
      unwrap(await herold.GET("/v1/dead-letters/causes", { params: { query: { ...filter, state: "open", limit: MAX_CAUSES } }, signal })),
  });
  const close = () => setChosen(undefined);
  return (
    <>
      <Filters fields={FIELDS} values={filter} onChange={(values) => onChange(values as DeadLetterSearch)} />
      <QueryPanel query={causes}>
        {({ items }) => items.length ? <Causes causes={items} filter={filter} onRedrive={canRedrive ? setChosen : undefined} /> : <NoCauses isFiltered={Object.values(filter).some(Boolean)} />}
      </QueryPanel>
      <Modal opened={!!chosen} onClose={close} title="Redrive" size="lg">{chosen ? <RedriveForm filter={{ ...filter, cause: chosen.cause }} onDone={close} /> : null}</Modal>
    </>
  );
}

function Causes({ causes, filter, onRedrive }: { causes: Cause[]; filter: DeadLetterSearch; onRedrive?: (cause: Cause) => void }) {
  const redrive: Column<Cause> = {
    title: "Action", width: "8rem", isAction: true,
    render: (cause) => <Button size="compact-xs" variant="light" onClick={() => onRedrive?.(cause)}>{cause.open_count > 1 ? "Redrive all" : "Redrive"}</Button>,
  };
  const cut = causes.length < MAX_CAUSES ? null : <Text size="xs" className="dim" mt="xs">These are the {formatCount(MAX_CAUSES)} most frequent causes; there may be more. A filter shows others.</Text>;
  return (
    <>
      <RecordTable
        label="causes" rows={causes} columns={onRedrive ? [...COLUMNS, redrive] : COLUMNS} getKey={(cause) => cause.cause}
        getLink={(cause) => linkOptions({ to: "/dead-letters", search: { ...filter, tab: "letters", cause: cause.cause } })}
      />
      {cut}
    </>
  );
}

const COLUMNS: Column<Cause>[] = [
  { title: "Open", width: "5rem", isNumber: true, render: (cause) => formatCount(cause.open_count) },
  { title: "Cause", render: ({ example }) => <span title={example.error}><b>{formatCode(example.reason)}</b> <span className="dim">{example.error}</span></span> },
  { title: "Where", width: "12rem", render: ({ example }) => [example.stage, example.channel, example.type].filter(Boolean).join(" · ") },
  { title: "Last seen", width: "9.5rem", render: (cause) => <TimeText at={cause.last_seen_at} isRelative /> },
  { title: "Example", width: "8rem", isAction: true, render: ({ example }) => <Example id={example.notification_id} /> },
];

const Example = ({ id }: { id?: string | null }) => id ? <Link className="link" to="/notifications/$id" params={{ id }}>open it</Link> : null;

function LetterList({ filter, onChange }: ListProps) {
  const { state = "open", ...rest } = filter;
  const canAct = useCan("redrives:write") || useCan("dead-letters:discard");
  const list = usePagedList<DeadLetter>(["dead letters", filter], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/dead-letters", { params: { query: { ...rest, state: state === "all" ? undefined : state, cursor } }, signal })));
  const actions: Column<DeadLetter> = { title: "Actions", width: "10.5rem", isAction: true, render: (letter) => <DeadLetterActions letter={letter} size="compact-xs" only={IN_ROW} /> };
  const columns = [...LETTER_COLUMNS.filter((column) => column.title !== "State" || state !== "open"), ...(canAct ? [actions] : [])];
  const isFiltered = Object.values(filter).some(Boolean);
  return (
    <div className="letters">
      <Filters fields={LETTER_FIELDS} values={{ ...filter }} isFiltered={isFiltered} onChange={(values) => onChange(values as DeadLetterSearch)} />
      {filter.cause ? <Text size="xs" className="dim" mb="xs">Those of one cause. "Clear filters" shows all.</Text> : null}
      <RecordList list={list} isFiltered={isFiltered} noMatch={<NoMatch what="dead letter" wholes="A reason, type or user" />} empty={<NoCauses isFiltered={false} />}>
        {(rows) => (
          <RecordTable
            label="dead letters" rows={rows} columns={columns} getKey={(letter) => letter.id}
            getLink={(letter) => linkOptions({ to: "/dead-letters", search: { ...filter, tab: "letters", letter: letter.id } })}
          />
        )}
      </RecordList>
    </div>
  );
}

const LETTER_COLUMNS: Column<DeadLetter>[] = [
  { title: "Died", width: "9.5rem", render: (letter) => <TimeText at={letter.created_at} isRelative /> },
  { title: "State", width: "8rem", render: (letter) => <StatusBadge status={letter.state} tone={letter.state === "open" ? "bad" : "neutral"} /> },
  { title: "Why", render: (letter) => <span title={letter.error}><b>{formatCode(letter.reason)}</b> <span className="dim">{letter.error}</span></span> },
  { title: "Where", width: "11rem", render: (letter) => [letter.stage, letter.channel, letter.type].filter(Boolean).join(" · ") },
  { title: "User", width: "9rem", render: (letter) => letter.user_id },
];

function NoCauses({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered
    ? <EmptyPanel title="No open dead letter matches">Clear a filter. A reason, type or user has to be written as a whole.</EmptyPanel>
    : <EmptyPanel title="No open dead letters">What can neither be processed nor tried again comes here, and waits until somebody sends it again or discards it.</EmptyPanel>;
}

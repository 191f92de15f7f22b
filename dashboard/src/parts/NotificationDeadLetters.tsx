import { Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { unwrap } from "herold-client";
import { herold } from "../api";
import { writePlace, type DeadLetter } from "../deadLetters";
import { formatCode } from "../format";
import { useCan } from "../session";
import { DeadLetterActions } from "./DeadLetterActions";
import { StatusBadge } from "./StatusBadge";
import { TimeText } from "./TimeText";

const SHOWN = 20;

/** The dead letters of a notification, newest first; none for who may not read them. */
export function useDeadLetters(id: string, userId: string | undefined): DeadLetter[] {
  const canRead = useCan("dead-letters:read");
  const letters = useQuery({
    queryKey: ["dead letters", "of", id, userId],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/dead-letters", { params: { query: { notification_id: id, user_id: userId || undefined, limit: SHOWN } }, signal })).items,
    enabled: canRead && userId !== undefined,
  });
  return letters.data ?? [];
}

/** What of a notification could not be processed, and the way to send it again. */
export function NotificationDeadLetters({ letters }: { letters: readonly DeadLetter[] }) {
  if (!letters.length) return null;
  return (
    <Paper withBorder p="md" component="section" aria-label="dead letters">
      <Title order={2} mb="xs">Dead letters</Title>
      <Stack gap="md">{letters.map((letter) => <Letter key={letter.id} letter={letter} />)}</Stack>
    </Paper>
  );
}

function Letter({ letter }: { letter: DeadLetter }) {
  return (
    <Stack gap="xs">
      <div>
        <LetterState letter={letter} />
        <Text size="sm" mt={4} style={{ overflowWrap: "anywhere" }}><b>{formatCode(letter.reason)}</b>{letter.channel ? ` (${letter.channel})` : ""} <span className="dim">{letter.error}</span></Text>
        <Text size="xs" className="dim"><TimeText at={letter.created_at} /> · <Link className="link mono" to="/dead-letters" search={{ tab: "letters", letter: letter.id }}>{writePlace(letter.topic, letter.partition, letter.offset)}</Link></Text>
      </div>
      <DeadLetterActions letter={letter} label="Send again" />
    </Stack>
  );
}

/** Whether it is open, and else who ended it and why. */
export function LetterState({ letter }: { letter: DeadLetter }) {
  const by = [letter.ended_by && `by ${letter.ended_by}`, letter.discard_reason].filter(Boolean).join(": ");
  return <span><StatusBadge status={letter.state} tone={letter.state === "open" ? "bad" : "neutral"} />{by ? <Text span size="xs" className="dim" ml={6}>{by}</Text> : null}</span>;
}

import { Autocomplete, SegmentedControl, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { unwrap } from "herold-client";
import { herold } from "../api";
import { splitTexts } from "../splitTexts";
import { formatCount } from "../format";
import { useCan } from "../session";

/** For whom something is: an audience, or users by their ids. */
export interface RecipientsValues {
  kind: "audience" | "users";
  audience: string;
  users: string;
}
interface RecipientsFieldsProps {
  values: RecipientsValues;
  onChange: (values: Partial<RecipientsValues>) => void;
  errorOf: (path: string) => string | undefined;
}

export function RecipientsFields({ values, onChange, errorOf }: RecipientsFieldsProps) {
  const ids = splitTexts(values.users);
  return (
    <>
      <SegmentedControl aria-label="for whom" value={values.kind} onChange={(kind) => onChange({ kind: kind as RecipientsValues["kind"] })} data={[{ value: "audience", label: "An audience" }, { value: "users", label: "Users by their ids" }]} />
      {values.kind === "audience" ? <AudienceField value={values.audience} error={errorOf("audience")} onChange={(audience) => onChange({ audience })} /> : (
        <Textarea
          label="Users" required description={ids.length ? `${formatCount(ids.length)} of at most 10,000` : "ids in lines, or with commas between them"} autosize minRows={3} maxRows={10} spellCheck={false} classNames={{ input: "mono" }}
          value={values.users} error={errorOf("user_ids")} onChange={(event) => onChange({ users: event.currentTarget.value })}
        />
      )}
    </>
  );
}

function AudienceField({ value, onChange, error }: { value: string; onChange: (value: string) => void; error?: string }) {
  const canRead = useCan("audiences:read");
  const audiences = useQuery({
    queryKey: ["audience names"],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/audiences", { params: { query: { limit: 200 } }, signal })).items.map((item) => item.name),
    enabled: canRead,
    staleTime: 60_000,
  });
  return <Autocomplete label="Audience" required data={audiences.data ?? []} value={value} error={error} onChange={onChange} limit={20} />;
}

/** The fields of a body; the other one is left out. */
export function buildRecipients(values: RecipientsValues) {
  return values.kind === "audience" ? { audience: values.audience.trim(), user_ids: null } : { audience: null, user_ids: splitTexts(values.users) };
}

export const hasRecipients = (values: RecipientsValues) => (values.kind === "audience" ? values.audience.trim() !== "" : splitTexts(values.users).length > 0);

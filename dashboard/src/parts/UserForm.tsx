import { SimpleGrid, Stack, Textarea, TextInput } from "@mantine/core";
import type { UserDraft } from "../users";

interface UserFormProps {
  draft: UserDraft;
  onChange: (draft: UserDraft) => void;
  /** What is wrong with each field, by its name in the API. */
  errors: Record<string, string>;
}

/** What it shows errors of, by the names in the API. */
export const USER_FIELDS = ["addresses.email", "addresses.sms", "addresses.webhook", "locale", "time_zone", "tier", "attributes"];

const ZONES = Intl.supportedValuesOf("timeZone");

/** The fields of a user; several addresses of a channel are one on a line. */
export function UserForm({ draft, onChange, errors }: UserFormProps) {
  const bind = (name: keyof UserDraft, path: string = name) => ({
    value: draft[name],
    error: errors[path] ?? errors[name],
    onChange: (event: { currentTarget: { value: string } }) => onChange({ ...draft, [name]: event.currentTarget.value }),
  });
  return (
    <Stack gap="sm">
      <Textarea label="E-mail addresses" description="One on a line" autosize minRows={1} {...bind("email", "addresses.email")} />
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <Textarea label="Telephone numbers" description="With the country, such as +43 664 1234567" autosize minRows={1} {...bind("sms", "addresses.sms")} />
        <Textarea label="Webhooks" description="URLs with https" autosize minRows={1} {...bind("webhook", "addresses.webhook")} />
        <TextInput label="Locale" placeholder="de-AT" {...bind("locale")} />
        <TextInput label="Time zone" placeholder="Europe/Vienna" list="time-zones" {...bind("time_zone")} />
        <TextInput label="Tier" description="Rules and limits may ask for it" {...bind("tier")} />
      </SimpleGrid>
      <datalist id="time-zones">{ZONES.map((zone) => <option key={zone} value={zone} />)}</datalist>
      <Textarea label="Attributes" description="A JSON object that conditions of rules read" autosize minRows={2} spellCheck={false} classNames={{ input: "mono" }} {...bind("attributes")} />
    </Stack>
  );
}


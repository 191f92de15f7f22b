import { Autocomplete, type AutocompleteProps } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { usePerson } from "../session";
import { describeAddresses } from "../users";

type UserFieldProps = Omit<AutocompleteProps, "value" | "onChange" | "data" | "renderOption" | "filter"> & {
  /** The id of a user; what is typed counts as one, whether it is stored or not. */
  value: string;
  onChange: (id: string) => void;
};

const SHOWN_USERS = 8;
const PAUSE_MS = 200;

/** Finds a user by the beginning of an id, or by a whole address, number or token. The addresses that it shows are masked. */
export function UserField({ value, onChange, ...rest }: UserFieldProps) {
  const found = useFoundUsers(value.trim());
  const byId = new Map(found.map((user) => [user.id, user]));
  return (
    <Autocomplete
      label="User" placeholder="Id, or a whole address" autoComplete="off" spellCheck={false} {...rest}
      value={value} onChange={onChange} data={[...byId.keys()]} filter={({ options }) => options}
      renderOption={({ option }) => <span className="option">{option.value}<span className="dim">{describeAddresses(byId.get(option.value)?.addresses)}</span></span>}
    />
  );
}

function useFoundUsers(text: string): Schemas["User"][] {
  const canSearch = usePerson().permissions.includes("users:read");
  const [search] = useDebouncedValue(text, PAUSE_MS);
  const { data } = useQuery({
    queryKey: ["found users", search],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/users", { params: { query: { search, masked: true, limit: SHOWN_USERS } }, signal })).items,
    enabled: canSearch && search !== "",
    placeholderData: keepPreviousData, // what is listed stays while one types on
  });
  return (text && data) || [];
}

import { Button, Checkbox, Group, Menu, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { describeFailure, herold, queryClient } from "../api";
import { parseSearch, stringifySearch } from "../searches";
import { usePerson } from "../session";
import { FailurePanel } from "./Panels";

type View = Schemas["SavedView"];
interface SavedViewsProps {
  /** The path of the page, by which its views are found. */
  page: string;
  search: Record<string, unknown>;
  onOpen: (search: Record<string, string>) => void;
}
const SHOWN_VIEWS = 200;

/** The saved views of a page: open one, save the filters of now under a name, delete one. */
export function SavedViews({ page, search, onOpen }: SavedViewsProps) {
  const [isSaving, saving] = useDisclosure();
  const views = useQuery({
    queryKey: ["views", page],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/views", { params: { query: { page_name: page, limit: SHOWN_VIEWS } }, signal })).items,
    staleTime: 60_000,
  });
  const current = stringifySearch(search).slice(1);
  const name = views.data?.find((view) => view.search === current)?.name;
  return (
    <>
      <Menu position="bottom-end" width={280}>
        <Menu.Target><Button size="xs" variant="default">{name && current ? name : "Views"}</Button></Menu.Target>
        <Menu.Dropdown>
          {views.error ? <Menu.Label>{describeFailure(views.error).title}</Menu.Label> : null}
          {views.data?.length === 0 ? <Menu.Label>Filters that are saved under a name appear here.</Menu.Label> : null}
          {views.data?.map((view) => <ViewItem key={view.id} view={view} isCurrent={view.search === current} onOpen={() => onOpen(parseSearch(view.search))} />)}
          <Menu.Divider />
          <Menu.Item disabled={!current} onClick={saving.open}>Save these filters</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={isSaving} onClose={saving.close} title="Save these filters"><SaveForm page={page} search={current} onDone={saving.close} /></Modal>
    </>
  );
}

function ViewItem({ view, isCurrent, onOpen }: { view: View; isCurrent: boolean; onOpen: () => void }) {
  const canDelete = usePerson().permissions.includes("accounts:write") || view.own;
  return (
    <Group gap={4} wrap="nowrap">
      <Menu.Item onClick={onOpen} aria-current={isCurrent || undefined} rightSection={view.shared ? <span className="dim">shared</span> : null}>{view.name}</Menu.Item>
      {canDelete ? <Menu.Item w={34} flex="none" aria-label={`delete ${view.name}`} onClick={() => void remove(view)}>✕</Menu.Item> : null}
    </Group>
  );
}

function SaveForm({ page, search, onDone }: { page: string; search: string; onDone: () => void }) {
  const [name, setName] = useState("");
  const [isShared, setShared] = useState(false);
  const save = useMutation({
    mutationFn: async () => unwrap(await herold.POST("/v1/views", { body: { page, name: name.trim(), search, shared: isShared } })),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: ["views", page] });
      onDone();
    },
  });
  return (
    <form onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
      <Stack gap="sm">
        {save.error ? <FailurePanel error={save.error} onRetry={() => save.mutate()} /> : null}
        <TextInput label="Name" required data-autofocus maxLength={128} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Checkbox label="Everybody of the project sees it" checked={isShared} onChange={(event) => setShared(event.currentTarget.checked)} />
        <Group justify="flex-end"><Button type="submit" disabled={!name.trim()} loading={save.isPending}>Save</Button></Group>
      </Stack>
    </form>
  );
}

/** Delete a view; the message that says so has the way back. */
async function remove({ id, page, name, search, shared }: View) {
  try {
    unwrap(await herold.DELETE("/v1/views/{view_id}", { params: { path: { view_id: id } } }));
  } catch (error) {
    notifications.show({ color: "red", title: describeFailure(error).title, message: describeFailure(error).detail });
    return;
  }
  const reload = () => queryClient.invalidateQueries({ queryKey: ["views", page] });
  void reload();
  const undo = async () => {
    notifications.hide(id);
    await herold.POST("/v1/views", { body: { page, name, search, shared } });
    void reload();
  };
  notifications.show({ id, message: <Group justify="space-between">The view {name} is deleted<Button size="compact-xs" variant="default" onClick={() => void undo()}>Undo</Button></Group>, autoClose: 10_000 });
}

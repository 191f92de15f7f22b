import { Button, List, Menu } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { unwrap } from "herold-client";
import { useState } from "react";
import { useAction } from "../actions";
import { herold } from "../api";
import { saveFile } from "../download";
import { useCan } from "../session";
import { ActionDialog } from "./ActionDialog";

/** What the law gives a person: a copy of all that is stored, and its erasure; and the deletion of the stored user alone. */
export function UserRemoval({ id }: { id: string }) {
  const canExport = useCan("users:export"), canErase = useCan("users:erase"), canDelete = useCan("users:write");
  const [dialog, setDialog] = useState<"erase" | "delete">();
  const save = useAction(async () => {
    const copy = unwrap(await herold.GET("/v1/users/{user_id}/export", { params: { path: { user_id: id } } }));
    saveFile(`user-${id}.json`, JSON.stringify(copy, null, 2));
  }, { done: "All that is stored is saved as a file" });
  if (!canExport && !canErase && !canDelete) return null;
  const close = () => setDialog(undefined);
  return (
    <>
      <Menu position="bottom-end" width={260}>
        <Menu.Target><Button size="xs" variant="default" loading={save.isPending}>Data</Button></Menu.Target>
        <Menu.Dropdown>
          {canExport ? <Menu.Item onClick={() => save.mutate()}>Export all that is stored (audited)</Menu.Item> : null}
          {canDelete ? <Menu.Item onClick={() => setDialog("delete")}>Delete the user…</Menu.Item> : null}
          {canErase ? <Menu.Item color="red" onClick={() => setDialog("erase")}>Erase the person…</Menu.Item> : null}
        </Menu.Dropdown>
      </Menu>
      {dialog === "delete" ? <Deletion id={id} onClose={close} /> : null}
      {dialog === "erase" ? <Erasure id={id} onClose={close} /> : null}
    </>
  );
}

function Deletion({ id, onClose }: { id: string; onClose: () => void }) {
  const navigate = useNavigate();
  return (
    <ActionDialog
      title="Delete the user" confirm="Delete" color="red" phrase={id} onClose={onClose} done="The user is deleted" refresh={[["users"], ["user", id], ["consent events", id]]}
      act={async () => unwrap(await herold.DELETE("/v1/users/{user_id}", { params: { path: { user_id: id } } }))}
      onDone={() => void navigate({ to: "/users" })}
    >
      Addresses, devices and preferences go. Suppressions, the history of consent and the history of notifications stay, so that a user who is created again is not written to by mistake.
    </ActionDialog>
  );
}

function Erasure({ id, onClose }: { id: string; onClose: () => void }) {
  return (
    <ActionDialog
      title="Erase the person" confirm="Erase for good" color="red" phrase={id} asksReason onClose={onClose} done="The person is erased"
      refresh={[["users"], ["user", id], ["preferences", id], ["consent events", id], ["devices", id], ["suppressions"], ["notifications"], ["user state", id]]}
      act={async (reason) => unwrap(await herold.POST("/v1/users/{user_id}/erasure", { params: { path: { user_id: id } }, body: { reason } }))}
    >
      This cannot be undone, by nobody:
      <List size="sm" my="xs">
        <List.Item>The keys of the person are destroyed, so that no copy of what is sealed can be read.</List.Item>
        <List.Item>User, devices, preferences and webhook endpoints are deleted.</List.Item>
        <List.Item>Notifications and both logs name a pseudonym instead of the id.</List.Item>
        <List.Item>Of suppressed addresses a hash stays, so that nothing is sent to them again.</List.Item>
      </List>
      Write no personal data into the reason.
    </ActionDialog>
  );
}

import { Button, Group, Text } from "@mantine/core";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { useCan } from "../session";
import { ActionDialog } from "./ActionDialog";
import { EmptyPanel } from "./Panels";
import { RecordList, usePagedList } from "./RecordList";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";
import { useMasks } from "./useMasks";

type Device = Schemas["Device"];

const COLUMNS: Column<Device>[] = [
  { title: "Token", render: (device) => <span className="mono">{device.token}</span> },
  { title: "Kind", width: "6rem", render: (device) => device.kind },
  { title: "Platform", width: "8rem", render: (device) => device.platform },
  { title: "Last seen", width: "14rem", render: (device) => (device.last_seen_at ? <TimeText at={device.last_seen_at} /> : "") },
  { title: "Changed", width: "14rem", render: (device) => <TimeText at={device.updated_at} /> },
];

/** The devices of a user. To remove one its token has to be shown. */
export function UserDevices({ id }: { id: string }) {
  const canWrite = useCan("users:write");
  const [masked, masks] = useMasks("tokens");
  const [removed, setRemoved] = useState<Device>();
  const list = usePagedList(["devices", id, masked], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/users/{user_id}/devices", { params: { path: { user_id: id }, query: { masked, cursor } }, signal })));
  const remove: Column<Device> = {
    title: "Action", width: "7rem", isAction: true,
    render: (device) => <Button size="compact-xs" variant="light" color="red" onClick={() => setRemoved(device)}>Remove</Button>,
  };
  return (
    <>
      <Group justify="space-between" mb="sm">
        <Text size="sm" className="dim">A push message goes to the twenty that changed last.{canWrite && masked ? " Show the tokens to remove one." : ""}</Text>
        {masks}
      </Group>
      <RecordList list={list} empty={<EmptyPanel title="No devices">An app registers its token by <code>PUT /v1/users/&#123;id&#125;/devices/&#123;token&#125;</code>, at each start.</EmptyPanel>}>
        {(rows) => <RecordTable label="devices" rows={rows} columns={canWrite && !masked ? [...COLUMNS, remove] : COLUMNS} getKey={(device) => device.token} />}
      </RecordList>
      {removed ? (
        <ActionDialog
          title="Remove the device" confirm="Remove" color="red" onClose={() => setRemoved(undefined)} done="The device is removed" refresh={[["devices", id], ["user", id]]}
          act={async () => unwrap(await herold.DELETE("/v1/users/{user_id}/devices/{token}", { params: { path: { user_id: id, token: removed.token } } }))}
        >
          No push message goes to it any more, until its app registers it again.
        </ActionDialog>
      ) : null}
    </>
  );
}

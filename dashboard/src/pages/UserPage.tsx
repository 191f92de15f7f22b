import { Button, Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ProblemError, unwrap } from "herold-client";
import { useState, type ReactNode } from "react";
import { herold } from "../api";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { QueryPanel } from "../parts/QueryPanel";
import { SuppressionCreation } from "../parts/SuppressionCreation";
import { Suppressions } from "../parts/Suppressions";
import { TabBar } from "../parts/TabBar";
import { useMasks } from "../parts/useMasks";
import { UserConsent } from "../parts/UserConsent";
import { UserCounts } from "../parts/UserCounts";
import { UserCreation } from "../parts/UserCreation";
import { UserDevices } from "../parts/UserDevices";
import { UserPreferences } from "../parts/UserPreferences";
import { UserProfile } from "../parts/UserProfile";
import { UserRemoval } from "../parts/UserRemoval";
import { UserState } from "../parts/UserState";
import type { UserTab } from "../searches";
import { useCan } from "../session";

const route = getRouteApi("/users/$id");
const TABS: readonly { name: UserTab; label: string; permission: string }[] = [
  { name: "profile", label: "Profile", permission: "users:read" },
  { name: "preferences", label: "Preferences", permission: "preferences:read" },
  { name: "consent", label: "Consent history", permission: "preferences:read" },
  { name: "devices", label: "Devices", permission: "users:read" },
  { name: "suppressions", label: "Suppressions", permission: "suppressions:read" },
  { name: "state", label: "Live state", permission: "users:read" },
  { name: "counts", label: "Messages by day", permission: "users:read" },
];

/** One user: what is stored, chosen, suppressed, waiting and sent. */
export function UserPage() {
  const { id } = route.useParams();
  const { tab = "profile" } = route.useSearch();
  const navigate = route.useNavigate();
  const canReadNotifications = useCan("notifications:read");
  return (
    <Page
      title={id}
      actions={<>
        {canReadNotifications ? <Button size="xs" variant="default" renderRoot={(props) => <Link to="/notifications" search={{ user_id: id }} {...props} />}>Notifications</Button> : null}
        <UserRemoval id={id} />
      </>}
    >
      <TabBar label="about the user" tabs={TABS} value={tab} onChange={(name) => void navigate({ search: name === "profile" ? {} : { tab: name }, replace: true })}>
        <Tab tab={tab} id={id} />
      </TabBar>
    </Page>
  );
}

function Tab({ tab, id }: { tab: UserTab; id: string }): ReactNode {
  switch (tab) {
    case "profile": return <WithUser id={id} hasMasks>{(user) => <UserProfile user={user} />}</WithUser>;
    case "preferences": return <WithUser id={id}>{(user) => <UserPreferences user={user} />}</WithUser>;
    case "consent": return <UserConsent id={id} />;
    case "devices": return <WithUser id={id}>{() => <UserDevices id={id} />}</WithUser>;
    case "suppressions": return <UserSuppressions id={id} />;
    case "state": return <UserState id={id} />;
    case "counts": return <UserCounts id={id} />;
  }
}

type User = Parameters<typeof UserProfile>[0]["user"];

/** A tab about what is stored of the user. One may have suppressions, events of consent and notifications without being stored. */
function WithUser({ id, hasMasks = false, children }: { id: string; hasMasks?: boolean; children: (user: User) => ReactNode }) {
  const [masked, masks] = useMasks("addresses and attributes");
  const canWrite = useCan("users:write");
  const [isNew, setNew] = useState(false);
  const user = useQuery({
    queryKey: ["user", id, masked],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/users/{user_id}", { params: { path: { user_id: id }, query: { masked } }, signal })),
  });
  if (user.error instanceof ProblemError && user.error.status === 404) {
    return (
      <EmptyPanel title="No user with this id is stored">
        A notification that brings its address needs none.
        {canWrite ? <div><Button mt="sm" size="xs" onClick={() => setNew(true)}>Create the user</Button></div> : null}
        {isNew ? <UserCreation id={id} onClose={() => setNew(false)} /> : null}
      </EmptyPanel>
    );
  }
  return (
    <>
      {hasMasks && masks ? <Group justify="flex-end" mb="sm">{masks}</Group> : null}
      <QueryPanel query={user}>{children}</QueryPanel>
    </>
  );
}

function UserSuppressions({ id }: { id: string }) {
  const canWrite = useCan("suppressions:write");
  const [isNew, setNew] = useState(false);
  const [masked, masks] = useMasks("addresses");
  return (
    <>
      <Group justify="flex-end" mb="sm">{masks}{canWrite ? <Button size="xs" onClick={() => setNew(true)}>Suppress</Button> : null}</Group>
      <Suppressions filter={{ user_id: id, undone: "also" }} masked={masked} isOfUser empty={<EmptyPanel title="Nothing of this user is suppressed">A suppression of an address, whoever has it, is in the list of suppressions.</EmptyPanel>} />
      {isNew ? <SuppressionCreation userId={id} onClose={() => setNew(false)} /> : null}
    </>
  );
}

// What one can do from every page, by the menu of the account or by the palette.

import { useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useNavigate } from "@tanstack/react-router";
import { setDisplay, useDisplay } from "../display";
import { logOut, usePerson } from "../session";
import { showTour } from "../tour";

export interface Command {
  label: string;
  /** What else people call it. */
  description: string;
  run: () => void;
}

/** Ends the session; says so if the gateway has not heard of it. */
export const leaveSession = () =>
  void logOut().catch(() => notifications.show({ color: "red", title: "You are still logged in", message: "The gateway does not answer: try again." }));

/** What this person may do. */
export function useCommands(onHelp: () => void): Command[] {
  const { permissions } = usePerson();
  const navigate = useNavigate();
  const go = (path: string) => () => void navigate({ to: path });
  const allowed = (permission: string, commands: Command[]) => (permissions.includes(permission) ? commands : []);
  return [
    ...allowed("notifications:send", [{ label: "Send a notification", description: "to one user, after a dry run", run: go("/send") }]),
    ...allowed("broadcasts:send", [{ label: "Start a broadcast", description: "new, to an audience", run: go("/broadcasts/new") }]),
    ...allowed("schedules:write", [{ label: "Make a schedule", description: "new, a broadcast at the times of a clock", run: go("/schedules/new") }]),
    ...allowed("audiences:write", [{ label: "Make an audience", description: "new, a list or filter of users", run: go("/audiences/new") }]),
    ...useDisplayCommands(),
    ...allowed("notifications:read", [{ label: "Show the tour", description: "first steps: send one, watch it arrive, read why", run: () => { showTour(); go("/")(); } }]),
    { label: "Show the keys", description: "shortcuts, help", run: onHelp },
    { label: "Log out", description: "end this session", run: leaveSession },
  ];
}

function useDisplayCommands(): Command[] {
  const { density, times, zone } = useDisplay();
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme("light") === "dark";
  return [
    { label: "Switch theme", description: `to ${isDark ? "light" : "dark"}`, run: () => setColorScheme(isDark ? "light" : "dark") },
    density === "compact"
      ? { label: "Comfortable density", description: "more space in lists", run: () => setDisplay({ density: "comfortable" }) }
      : { label: "Compact density", description: "more rows in lists", run: () => setDisplay({ density: "compact" }) },
    times === "exact"
      ? { label: "Relative times", description: "in lists: how long ago", run: () => setDisplay({ times: "relative" }) }
      : { label: "Exact times", description: "in lists: absolute, the clock instead of how long ago", run: () => setDisplay({ times: "exact" }) },
    zone === "utc"
      ? { label: "Times in your zone", description: "local instead of UTC", run: () => setDisplay({ zone: "local" }) }
      : { label: "Times in UTC", description: "instead of your zone", run: () => setDisplay({ zone: "utc" }) },
  ];
}

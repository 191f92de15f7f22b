import "../sending.css";

import { useNavigate } from "@tanstack/react-router";
import { Page } from "../parts/Page";
import { ScheduleForm } from "../parts/ScheduleForm";

/** Creates a schedule. */
export function NewSchedulePage() {
  const navigate = useNavigate();
  return <Page title="New schedule"><ScheduleForm onSaved={(schedule) => void navigate({ to: "/schedules/$name", params: { name: schedule.name } })} /></Page>;
}

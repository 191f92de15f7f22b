import "../sending.css";

import { useNavigate } from "@tanstack/react-router";
import { AudienceForm } from "../parts/AudienceForm";
import { Page } from "../parts/Page";

/** Creates an audience. */
export function NewAudiencePage() {
  const navigate = useNavigate();
  return <Page title="New audience"><AudienceForm onSaved={(audience) => void navigate({ to: "/audiences/$name", params: { name: audience.name } })} /></Page>;
}

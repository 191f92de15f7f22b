import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "./style.css";
import "./people.css";

import { Button, Center, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api";
import { forgetDrafts } from "./drafts";
import { LoginPage } from "./pages/LoginPage";
import { EmptyPanel } from "./parts/Panels";
import { router } from "./router";
import { refreshSession, useSession } from "./session";
import { theme } from "./theme";

const RELOAD_PAUSE_MS = 60_000;

function Dashboard() {
  const { state } = useSession();
  useEffect(() => {
    if (state !== "out") return;
    queryClient.clear(); // the next person sees nothing of this one
    forgetDrafts(); // the pages, which write them as they go, are gone by now
  }, [state]);
  if (state === "out") return <LoginPage />;
  if (state === "in") return <RouterProvider router={router} />;
  if (state === "starting") return null;
  return (
    <Center mih="100vh" component="main">
      <EmptyPanel title="The gateway does not answer"><Button mt="sm" variant="default" onClick={() => void refreshSession()}>Try again</Button></EmptyPanel>
    </Center>
  );
}

// a page of a newer build does not fit this one, so all of it is loaded anew: once, lest a missing file loads it for ever
addEventListener("vite:preloadError", () => {
  if (Date.now() - Number(sessionStorage.getItem("reloaded_at") ?? 0) < RELOAD_PAUSE_MS) return;
  sessionStorage.setItem("reloaded_at", String(Date.now()));
  location.reload();
});
void refreshSession();
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Notifications />
      <QueryClientProvider client={queryClient}><Dashboard /></QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);

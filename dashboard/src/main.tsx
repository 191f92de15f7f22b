import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "./style.css";

import { Button, Center, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api";
import { LoginPage } from "./pages/LoginPage";
import { EmptyPanel } from "./parts/Panels";
import { router } from "./router";
import { refreshSession, useSession } from "./session";
import { theme } from "./theme";

function Dashboard() {
  const { state } = useSession();
  if (state === "out") return <LoginPage />;
  if (state === "in") return <RouterProvider router={router} />;
  if (state === "starting") return null;
  return (
    <Center mih="100vh" component="main">
      <EmptyPanel title="The gateway does not answer"><Button mt="sm" variant="default" onClick={() => void refreshSession()}>Try again</Button></EmptyPanel>
    </Center>
  );
}

void refreshSession();
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Notifications />
      <QueryClientProvider client={queryClient}><Dashboard /></QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);

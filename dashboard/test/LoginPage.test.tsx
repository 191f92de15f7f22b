import { MantineProvider } from "@mantine/core";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { ProblemError } from "herold-client";
import { beforeEach, expect, test, vi } from "vitest";

const session = vi.hoisted(() => ({ logIn: vi.fn(), logInByPasskey: vi.fn(), requestPasswordLink: vi.fn(), getAccessToken: () => "", refreshSession: () => Promise.resolve(false) }));
const methods = vi.hoisted(() => ({ useLoginMethods: vi.fn() }));
const passkeys = vi.hoisted(() => ({ canHavePasskeys: vi.fn() }));
vi.mock("../src/session", () => session);
vi.mock("../src/passkeys", () => passkeys);
vi.mock("../src/loginMethods", async (load) => ({ ...(await load<object>()), ...methods }));
const { LoginPage } = await import("../src/pages/LoginPage");

const show = () => render(<MantineProvider><LoginPage /></MantineProvider>);
const click = (name: string) => fireEvent.click(screen.getByText(name).closest("button")!);
const fill = (label: RegExp | string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });

beforeEach(() => {
  passkeys.canHavePasskeys.mockReturnValue(true);
  methods.useLoginMethods.mockReturnValue({ password: true, passkey: true, oidc: null });
  for (const name of ["logIn", "logInByPasskey", "requestPasswordLink"] as const) session[name].mockReset().mockResolvedValue(undefined);
});

test("a passkey logs in without an address, and one that is not given is no failure of the gateway", async () => {
  session.logInByPasskey.mockRejectedValue(new DOMException("cancelled", "NotAllowedError"));
  show();
  click("Log in with a passkey");
  expect(session.logInByPasskey).toHaveBeenCalledOnce();
  expect((await screen.findByRole("alert")).textContent).toContain("No passkey was used");
});

test("a browser that cannot have passkeys shows no button for one", () => {
  passkeys.canHavePasskeys.mockReturnValue(false);
  show();
  expect(screen.queryByText("Log in with a passkey")).toBeNull();
});

test("a code is asked for when the account needs one", async () => {
  session.logIn.mockRejectedValueOnce(new ProblemError(401, { code: "second-factor-required" }));
  show();
  fill("E-mail", "ada@example.org");
  fill("Password", "several words");
  click("Log in");
  await screen.findByLabelText(/^Code/);
  fill(/^Code/, " 123456 ");
  await waitFor(() => expect(screen.getByText("Log in").closest("button")!.disabled).toBe(false));
  click("Log in");
  expect(session.logIn).toHaveBeenLastCalledWith({ email: "ada@example.org", password: "several words", code: "123456" });
});

test("who has forgotten the password gets a link, whether there is an account or not", async () => {
  show();
  fill("E-mail", "ada@example.org");
  click("Forgot the password?");
  click("Send a link");
  expect(session.requestPasswordLink).toHaveBeenCalledWith("ada@example.org");
  expect((await screen.findByRole("status")).textContent).toContain("If ada@example.org has an account");
});

test("where there is an OpenID provider, a login begins there by its name, and comes back to this page", () => {
  methods.useLoginMethods.mockReturnValue({ password: true, passkey: true, oidc: { name: "Example Ltd" } });
  show();
  expect(screen.getByRole("link", { name: "Log in with Example Ltd" }).getAttribute("href")).toMatch(/^\/v1\/auth\/oidc\/start\?return_to=%2Fdashboard%2F/);
});

test("a login at the provider that came back without a session says why, until another one is tried", async () => {
  methods.useLoginMethods.mockReturnValue({ password: true, passkey: true, oidc: { name: "Example Ltd" } });
  history.replaceState(null, "", "/dashboard/notifications?state=held&login_error=no_account");
  show();
  const text = screen.getByRole("alert").textContent;
  expect(text).toContain("You have no account here");
  expect(text).toContain("Example Ltd knows you");
  expect(text).toContain("Code: no_account");
  expect(location.search).toBe("?state=held");
  expect(screen.getByRole("link").getAttribute("href")).toContain("%2Fdashboard%2Fnotifications%3Fstate%3Dheld");
  session.logInByPasskey.mockRejectedValue(new DOMException("cancelled", "NotAllowedError"));
  click("Log in with a passkey");
  await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("No passkey was used"));
});

test("without a provider there is no such button, and where nobody can log in no form", () => {
  show();
  expect(screen.queryByRole("link")).toBeNull();
  methods.useLoginMethods.mockReturnValue({ password: false, passkey: false, oidc: null });
  show();
  expect(screen.getByText("Nobody can log in here")).toBeDefined();
});

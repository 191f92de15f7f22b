import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";

const get = vi.hoisted(() => vi.fn());
const navigate = vi.hoisted(() => vi.fn());
const permissions = vi.hoisted(() => [] as string[]);
vi.mock("../src/session", () => ({ usePerson: () => ({ permissions, features: [] }), getAccessToken: () => "", refreshSession: () => Promise.resolve(false) }));
vi.mock("herold-client", async (load) => ({ ...(await load<object>()), createHerold: () => ({ GET: get }) }));
vi.mock("@tanstack/react-router", async (load) => ({ ...(await load<object>()), useNavigate: () => navigate }));

const { queryClient } = await import("../src/api");
const { openPalette, Palette } = await import("../src/shell/Palette");

const HEX = "01a22219ba66772e93e30ce1e12e8d3d";
const PLACES = [{ group: "People" as const, label: "Templates", path: "/templates", key: "t", description: "texts" }];
const send = vi.fn();
const answer = (items: object[]) => ({ response: { ok: true }, data: { items, next_cursor: null } });
const listPaths = () => get.mock.calls.map(([path]) => path as string);

async function open(allowed: string[]) {
  permissions.splice(0, permissions.length, ...allowed);
  queryClient.clear();
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={queryClient}><Palette places={PLACES} commands={[{ label: "Send a notification", description: "to a user", run: send }]} /></QueryClientProvider>
    </MantineProvider>,
  );
  act(() => openPalette());
  return screen.findByRole("textbox", { name: "search" });
}

async function paste(input: HTMLElement, text: string) {
  await userEvent.clear(input);
  await userEvent.paste(text);
}

beforeEach(() => {
  for (const mock of [get, navigate, send]) mock.mockReset();
  get.mockResolvedValue(answer([]));
});

test("what is named is found in groups, only of what the person may read, and Enter opens the first", async () => {
  get.mockImplementation(async (path: string) => answer(path === "/v1/templates" ? [{ name: "welcome", channels: ["email"] }] : []));
  await paste(await open(["templates:read", "users:read"]), "welc");
  expect(await screen.findByText("welcome")).toBeDefined();
  expect(document.querySelector("[data-selected]")?.textContent).toContain("welcome");
  await userEvent.keyboard("{Enter}");
  expect(navigate).toHaveBeenCalledWith({ to: "/templates/$name", params: { name: "welcome" } });
  expect(new Set(listPaths())).toEqual(new Set(["/v1/templates", "/v1/users"]));
});

test("who types on waits for nothing, and what was asked for before is cancelled", async () => {
  const signals: AbortSignal[] = [];
  get.mockImplementation((_, { signal }: { signal: AbortSignal }) => {
    signals.push(signal);
    return new Promise(() => undefined); // it never answers
  });
  const input = await open(["users:read"]);
  await paste(input, "ad");
  await waitFor(() => expect(signals.length).toBe(1));
  await userEvent.type(input, "a");
  await waitFor(() => expect(signals.length).toBe(2));
  expect([(input as HTMLInputElement).value, signals[0]!.aborted, signals[1]!.aborted]).toEqual(["ada", true, false]);
});

test("a kind that fails hides no other", async () => {
  get.mockImplementation(async (path: string) => {
    if (path === "/v1/users") throw new TypeError("offline");
    return answer([{ name: "welcome", channels: [] }]);
  });
  await paste(await open(["users:read", "templates:read"]), "welcome");
  expect(await screen.findByText("welcome")).toBeDefined();
});

test("an id opens its page at once, and a delivery the page of its notification", async () => {
  await paste(await open(["notifications:read", "dead-letters:read"]), `dlt_${HEX}`);
  await userEvent.keyboard("{Enter}");
  expect(navigate).toHaveBeenLastCalledWith({ to: "/dead-letters", search: { tab: "letters", letter: `dlt_${HEX}` } });
  expect(get).not.toHaveBeenCalled();
  act(() => openPalette());
  get.mockResolvedValue(answer([{ id: `dlv_${HEX}`, notification_id: `ntf_${HEX}`, user_id: "u-42", channel: "email", status: "SENT" }]));
  await paste(await screen.findByRole("textbox", { name: "search" }), `dlv_${HEX}`);
  await userEvent.click(await screen.findByText("email to u-42, SENT"));
  expect(navigate).toHaveBeenLastCalledWith({ to: "/notifications/$id", params: { id: `ntf_${HEX}` }, search: { user_id: "u-42" } });
});

test("arrows move through actions and pages, and an action runs", async () => {
  await userEvent.type(await open([]), "t");
  expect(document.querySelector("[data-selected]")?.textContent).toContain("Templates");
  await userEvent.keyboard("{ArrowDown}{Enter}");
  expect(send).toHaveBeenCalledOnce();
  expect(get).not.toHaveBeenCalled();
});

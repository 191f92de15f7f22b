import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, test, vi } from "vitest";

const get = vi.hoisted(() => vi.fn());
const permissions = vi.hoisted(() => ["users:read"]);
vi.mock("../src/session", () => ({ usePerson: () => ({ permissions }), getAccessToken: () => "", refreshSession: () => Promise.resolve(false) }));
vi.mock("herold-client", async (load) => ({ ...(await load<object>()), createHerold: () => ({ GET: get }) }));

const { queryClient } = await import("../src/api");
const { UserField } = await import("../src/parts/UserField");

function Form({ start = "" }: { start?: string }) {
  const [id, setId] = useState(start);
  return <><UserField value={id} onChange={setId} /><output>{id}</output></>;
}

const show = (start?: string) => render(<MantineProvider><QueryClientProvider client={queryClient}><Form start={start} /></QueryClientProvider></MantineProvider>);

test("a user is found by an address, and chosen by the id", async () => {
  get.mockResolvedValue({ response: { ok: true }, data: { items: [{ id: "u-42", addresses: { email: ["a***@e***"] } }], next_cursor: null } });
  show();
  await userEvent.type(screen.getByRole("combobox", { name: "User" }), "ada@example.org");
  await userEvent.click(await screen.findByText("a***@e***"));
  expect(screen.getByRole("status").textContent).toBe("u-42");
  const calls = get.mock.calls.map(([, options]) => options.params.query);
  expect(calls).toContainEqual({ search: "ada@example.org", masked: true, limit: 8 });
  expect(calls.every((query) => query.masked)).toBe(true);
});

test("who may not read users types an id, and nothing is asked for", async () => {
  permissions.length = 0;
  get.mockClear();
  show("u-7"); // what is there at first is searched for without a pause
  await userEvent.type(screen.getByRole("combobox", { name: "User" }), "7");
  expect(screen.getByRole("status").textContent).toBe("u-77");
  expect(get).not.toHaveBeenCalled();
});

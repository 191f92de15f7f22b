import { renderHook } from "@testing-library/react";
import { expect, test, vi } from "vitest";

const permissions = vi.hoisted(() => new Set<string>());
vi.mock("../src/session", () => ({ useCan: (name: string) => permissions.has(name) }));

const { useUserLink } = await import("../src/parts/UserLink");
const find = () => renderHook(() => useUserLink()).result.current("u-42");

test("a user leads to the user, or to its notifications for who may not read users", () => {
  expect(find()).toEqual({ to: "/notifications", search: { user_id: "u-42" } });
  permissions.add("users:read");
  expect(find()).toEqual({ to: "/users/$id", params: { id: "u-42" } });
});

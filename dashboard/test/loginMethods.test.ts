import { renderHook, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { buildProviderUrl, useLoginMethods } from "../src/loginMethods";

afterEach(() => void vi.unstubAllGlobals());

test("a login at the provider leads back to the page that was asked for, with its filters", () => {
  expect(buildProviderUrl({ pathname: "/dashboard/notifications", search: "?state=held&type=a%26b" })).toBe(
    "/v1/auth/oidc/start?return_to=%2Fdashboard%2Fnotifications%3Fstate%3Dheld%26type%3Da%2526b",
  );
});

test("a page that is none of ours, or whose address is too long for the gateway, is the first one", () => {
  const first = "/v1/auth/oidc/start?return_to=%2Fdashboard%2F";
  expect(buildProviderUrl({ pathname: "/dashboard/notifications", search: `?type=${"a".repeat(512)}` })).toBe(first);
  expect(buildProviderUrl({ pathname: "//attacker.example", search: "" })).toBe(first);
});

test.each([
  ["a failure", async () => new Response("{}", { status: 503 })],
  ["no answer", async () => { throw new TypeError("offline"); }],
])("after %s people log in as usual", async (_, reply) => {
  vi.stubGlobal("fetch", reply);
  const { result } = renderHook(useLoginMethods);
  expect(result.current).toBeUndefined();
  await waitFor(() => expect(result.current).toEqual({ password: true, passkey: true, oidc: null }));
});

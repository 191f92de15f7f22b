import { expect, test } from "vitest";
import { readLoginFailure, withoutLoginFailure } from "../src/loginFailures";

test("a page without a code tells of no failure", () => {
  expect(readLoginFailure("?state=held", "Example Ltd")).toBeUndefined();
});

test.each(["cancelled", "login_expired", "not_confirmed", "provider_rejects", "provider_unavailable", "no_account", "email_not_verified", "no_role", "account_disabled", "too_many_requests", "unavailable", "not_found"])(
  "%s has a title and says what to do",
  (code) => {
    const failure = readLoginFailure(`?login_error=${code}`, "Example Ltd")!;
    expect(failure.code).toBe(code);
    expect(failure.title).not.toBe("The login failed");
    expect(failure.detail).toMatch(/log in|administrator/i);
  },
);

test.each(["<script>", "call 0800 1234", "toString", ""])("%j is not shown: anybody can write it into a link", (code) => {
  const failure = readLoginFailure(`?login_error=${encodeURIComponent(code)}`, "Example Ltd")!;
  expect(failure).toEqual({ code: "", title: "The login failed", detail: expect.not.stringContaining("1234") });
});

test("the address of the page stays as it was asked for", () => {
  expect(withoutLoginFailure({ pathname: "/dashboard/notifications", search: "?state=held&login_error=no_role", hash: "" })).toBe("/dashboard/notifications?state=held");
  expect(withoutLoginFailure({ pathname: "/dashboard/", search: "?login_error=no_role", hash: "#a" })).toBe("/dashboard/#a");
});

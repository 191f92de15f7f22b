import { ProblemError } from "herold-client";
import { expect, test } from "vitest";
import { isConflict } from "../src/actions";
import { findFormFailure, readFormErrors } from "../src/parts/UserCreation";

const problem = (status: number, errors: { path: string; pointer: string; detail: string }[] = []) => new ProblemError(status, { errors });

test("what the API says about a field stands at the field, of an address at its channel", () => {
  const error = problem(422, [{ path: "$.addresses.email[1]", pointer: "/addresses/email/1", detail: "not an address" }, { path: "$.tier", pointer: "/tier", detail: "too long" }]);
  expect(readFormErrors(error)).toEqual({ "addresses.email": "[1]: not an address", tier: "too long" });
  expect(readFormErrors(new Error("offline"))).toEqual({});
});

test("a user who exists, and attributes that are no JSON, are errors of their fields", () => {
  expect(readFormErrors(problem(428))).toEqual({ user_id: "There is a user with this id already" });
  expect(readFormErrors(new SyntaxError("it is no object")).attributes).toContain("it is no object");
  expect([problem(428), new SyntaxError("it is no object")].map(findFormFailure)).toEqual([null, null]);
  expect(findFormFailure(problem(422))).toEqual(problem(422));
});

test("a conflict is told from other refusals", () => {
  expect([412, 409, 500].map((status) => isConflict(problem(status)))).toEqual([true, false, false]);
});

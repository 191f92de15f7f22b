import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { ProblemError } from "herold-client";
import { expect, test } from "vitest";
import { FormFailure } from "../src/parts/Forms";

const error = new ProblemError(422, { title: "It is not valid", errors: [
  { path: "$.name", pointer: "#/name", detail: "is too long", reason: "invalid" },
  { path: "$.role", pointer: "#/role", detail: "is not yours to give", reason: "invalid" },
] });
const show = (fields: string[], isSending = false) => render(<MantineProvider><FormFailure error={error} fields={fields} isSending={isSending} onRetry={() => undefined} /></MantineProvider>);

test("what no field shows is listed, and nothing else", () => {
  show(["name"]);
  expect(screen.getByRole("alert").textContent).toContain("role: is not yours to give");
  expect(screen.getByRole("alert").textContent).not.toContain("is too long");
});

test.each([[false, "Nothing was saved."], [true, "Nothing was sent."]])("what the fields show is referred to; of a form that sends: %s", (isSending, text) => {
  show(["name", "role"], isSending);
  expect(screen.getByRole("alert").textContent).toContain(text);
});

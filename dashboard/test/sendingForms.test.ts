import { ProblemError } from "herold-client";
import { splitTexts } from "../src/splitTexts";
import { findFieldError, findFieldErrors, isAtFields, listOtherErrors } from "../src/fieldErrors";
import { makeId, makeKey } from "../src/requestKeys";
import { listNames, proposeData } from "../src/templateData";

const invalid = new ProblemError(422, {
  errors: [
    { path: "$.data.items[0]", pointer: "#/data/items/0", detail: "is no text", reason: "invalid" },
    { path: "$.type", pointer: "#/type", detail: "there is no such rule", reason: "unknown_type" },
  ],
});
const document = (value: object) => ({ language: "en", experiment: "", at_most_once: false, ...value }) as Parameters<typeof proposeData>[0];

test("an error is at its field, with the way within it", () => {
  expect(findFieldError(invalid, "data")).toBe("items[0]: is no text");
  expect(findFieldError(invalid, "type")).toBe("there is no such rule");
  expect(findFieldError(invalid, "dat")).toBeUndefined();
  expect(findFieldError(new Error("no answer"), "data")).toBeUndefined();
});

test("an error that no field shows is said elsewhere", () => {
  expect(isAtFields(invalid, ["data", "type"])).toBe(true);
  expect(isAtFields(invalid, ["data"])).toBe(false);
  expect(listOtherErrors(invalid, ["data"])).toEqual([{ path: "type", detail: "there is no such rule" }]);
  expect(findFieldErrors(invalid, ["data", "priority"])).toEqual({ data: "items[0]: is no text" });
  expect(isAtFields(new ProblemError(503, {}), ["data"])).toBe(false);
});

test("ids are split at blanks, commas and lines, each once", () => expect(splitTexts(" u-1, u-2\nu-1;u-3 ")).toEqual(["u-1", "u-2", "u-3"]));

test("a sample is the best proposal, then the declared variables, then the names in the texts", () => {
  const email = { default: { subject: "Order {{ order }}", text: "Dear {{ name }}, {% for item in items %}{{ item.title|upper }}{% endfor %}" } };
  expect(proposeData(document({ email, samples: { first: { order: 17 } } }))).toEqual({ order: 17 });
  const variables = { type: "object", properties: { order: { type: "integer" }, items: { type: "array", items: { type: "string" } }, gold: { type: "boolean" }, plan: { enum: ["pro"] } } };
  expect(proposeData(document({ email, variables }))).toEqual({ order: 0, items: [""], gold: false, plan: "pro" });
  expect(proposeData(document({ email }))).toEqual({ order: "", name: "", items: "" });
});

test.each([
  ["{{ unsubscribe_url }}", []],
  ["{% if total > 5 and not is_gift %}{{ user.name | default('x y') }}{% endif %}", ["total", "is_gift", "user"]],
  ["{{ range(3) }} plain words", []],
])("the names in %s", (text, names) => expect(listNames(document({ sms: { default: { text } } }))).toEqual(names));

test("an id has the time in front and says that it is a UUIDv7", () => {
  const id = makeId("brd", 0x0123456789ab);
  expect(id).toMatch(/^brd_0123456789ab7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  expect(makeKey()).toMatch(/^[0-9a-f]{32}$/);
  expect(makeKey()).not.toBe(makeKey());
});

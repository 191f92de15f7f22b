import { expect, test } from "vitest";
import { readJson, writeJson } from "../src/json";

const DOCUMENT = writeJson({ order: 17, "a b": [true, null, -0.5e3, { "ü\n\\": ["x", []] }], none: {} });

test("an object is read", () => {
  expect(readJson('{"a": 1}')).toEqual({ value: { a: 1 }, line: 0, column: 0 });
  expect(readJson(` ${DOCUMENT}\n`).value).toEqual(JSON.parse(DOCUMENT));
});

test("an empty text is what it stands for, or none", () => {
  expect(readJson(" \n", {})).toEqual({ value: {}, line: 0, column: 0 });
  expect(readJson(" \n")).toEqual({ problem: "Line 2, column 1: a value is expected, not the end", line: 2, column: 1 });
});

test.each([
  ['{\n  "a": 1,\n}', "Line 3, column 1: a name in quotes is expected, not }"],
  ["{\n", "Line 2, column 1: a name in quotes or } is expected, not the end"],
  ['{"a": nobody}', "Line 1, column 7: a value is expected, not nobody"],
  ['{"a" 1}', "Line 1, column 6: : is expected, not 1"],
  ['{"a": 1 "b": 2}', 'Line 1, column 9: , or } is expected, not "'],
  ['{"a": [1, 2}', "Line 1, column 12: , or ] is expected, not }"],
  ['{"a": [1,]}', "Line 1, column 10: a value is expected, not ]"],
  ['{"a": "b}', 'Line 1, column 10: a closing " is expected, not the end'],
  ['{"a": "b\n"}', 'Line 1, column 9: a closing " is expected, not the end of the line'],
  ['{"a": "\\x"}', "Line 1, column 8: an escape such as \\n or \\u00e9 is expected, not \\x"],
  ['{"a": 01}', "Line 1, column 7: a value is expected, not 01"],
  ["{a: 1}", "Line 1, column 2: a name in quotes or } is expected, not a"],
  ['{"a": 1} {}', "Line 1, column 10: the end is expected, not {"],
  ["{'a': 1}", "Line 1, column 2: a name in quotes or } is expected, not '"],
  [" [1]", 'Line 1, column 2: an object is expected, as {"name": "Ada"}'],
  ["17", 'Line 1, column 1: an object is expected, as {"name": "Ada"}'],
])("%s: line, column, and what is expected", (text, problem) => expect(readJson(text).problem).toBe(problem));

/** Whether the engine reads the text as an object. */
function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value);
  } catch {
    return false;
  }
}

test("it takes what the engine takes, whatever is changed in a text", () => {
  const signs = ["", " ", "\t", "\n", "\u00a0", "\u007f", "\u0001", "\ud800", '"', "\\", "{", "}", "[", "]", ",", ":", "-", "+", ".", "0", "1", "e", "u", "t", "'", "/"];
  for (let at = 0; at <= DOCUMENT.length; at++) {
    for (const sign of signs) {
      for (const kept of [at, at + 1]) {
        const text = DOCUMENT.slice(0, at) + sign + DOCUMENT.slice(kept);
        expect([text, readJson(text).value !== undefined]).toEqual([text, isObject(text)]);
      }
    }
  }
});

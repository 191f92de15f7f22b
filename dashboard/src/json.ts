// JSON that a person writes: an object, or what is wrong with it: the line and the column, and what is expected there.

export type JsonObject = Record<string, unknown>;

export interface Reading {
  value?: JsonObject;
  /** Such as "Line 3, column 5: a value is expected, not }". */
  problem?: string;
  /** Of the problem, from 1 on; 0 without one. */
  line: number;
  column: number;
}

export const writeJson = (value: unknown): string => JSON.stringify(value, null, 2);

/** An object of JSON, or what is wrong with it; `ifEmpty` is what a text without anything in it stands for. */
export function readJson(text: string, ifEmpty?: JsonObject): Reading {
  if (ifEmpty && !text.trim()) return { value: ifEmpty, line: 0, column: 0 };
  const found = findProblem(text);
  if (found) return describe(text, found.at, `${found.expected} is expected, not ${found.actual}`);
  const value: unknown = JSON.parse(text);
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return { value: value as JsonObject, line: 0, column: 0 };
  return describe(text, text.search(/\S/), 'an object is expected, as {"name": "Ada"}');
}

function describe(text: string, at: number, what: string): Reading {
  const before = text.slice(0, at).split("\n"), line = before.length, column = before[line - 1]!.length + 1;
  return { problem: `Line ${line}, column ${column}: ${what}`, line, column };
}

// -- where a text is no JSON: engines say it in different words, and not all of them where

type State = "value" | "first item" | "name" | "first name" | "colon" | "after member" | "after item" | "end";

const EXPECTED: Record<State, string> = {
  value: "a value", "first item": "a value or ]", name: "a name in quotes", "first name": "a name in quotes or }",
  colon: ":", "after member": ", or }", "after item": ", or ]", end: "the end",
};
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/uy; // without its closing quote
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const WORD = /[\w.+-]{1,20}|[^]/uy;

interface Problem { at: number; expected: string; actual: string }

/** Where a text first differs from JSON; undefined if it is JSON. */
function findProblem(text: string): Problem | undefined {
  const open: string[] = [];
  let state: State = "value", at = 0;
  for (;;) {
    at += match(SPACE, text, at).length;
    if (at === text.length && state === "end") return undefined;
    const token = readToken(text, at);
    if (typeof token === "object") return token;
    const next = move(state, token, open);
    if (!next) return { at, expected: EXPECTED[state], actual: match(WORD, text, at) || "the end" };
    state = next;
    at += token === "string" ? match(STRING, text, at).length + 1 : token === "scalar" ? match(SCALAR, text, at).length : 1;
  }
}

/** What is next: a sign, "string", "scalar" or "" for something else; or what is wrong within a string. */
function readToken(text: string, at: number): string | Problem {
  const sign = text[at] ?? "";
  if (sign !== '"') return "{}[],:".includes(sign) ? sign : match(SCALAR, text, at) ? "scalar" : "";
  const end = at + match(STRING, text, at).length, actual = text[end];
  if (actual === '"') return "string";
  if (actual === "\\") return { at: end, expected: "an escape such as \\n or \\u00e9", actual: text.slice(end, end + 2) };
  return { at: end, expected: 'a closing "', actual: actual === "\n" ? "the end of the line" : actual === undefined ? "the end" : "a control character" };
}

/** The state after a token; undefined if it cannot stand here. `open` has the signs that are to be closed. */
function move(state: State, token: string, open: string[]): State | undefined {
  const close = (): State => {
    open.pop();
    return follow(open);
  };
  if (state === "value" || state === "first item") {
    if (token === "string" || token === "scalar") return follow(open);
    if (token === "]" && state === "first item") return close();
    if (token === "{" || token === "[") open.push(token);
    return token === "{" ? "first name" : token === "[" ? "first item" : undefined;
  }
  if (state === "name" || state === "first name") return token === "string" ? "colon" : token === "}" && state === "first name" ? close() : undefined;
  if (state === "colon") return token === ":" ? "value" : undefined;
  if (state === "after member") return token === "," ? "name" : token === "}" ? close() : undefined;
  if (state === "after item") return token === "," ? "value" : token === "]" ? close() : undefined;
  return undefined;
}

const follow = (open: readonly string[]): State => (!open.length ? "end" : open.at(-1) === "{" ? "after member" : "after item");

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}

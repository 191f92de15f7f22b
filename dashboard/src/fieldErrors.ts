// What is wrong with a request, by the field of the form that it is about: a 422 names them by JSONPath, and by JSON Pointer.

import { ProblemError } from "herold-client";

/** What is wrong with a field, from the errors of a 422: those at its path and within it. Undefined if nothing is. */
export function findFieldError(error: unknown, path: string): string | undefined {
  const own = listErrors(error).filter((found) => isWithin(found.path, path));
  if (!own.length) return undefined;
  return own.map((found) => [found.path.slice(`$.${path}`.length).replace(/^\./, ""), found.detail].filter(Boolean).join(": ")).join("; ");
}

/** What is wrong with these fields, by their paths. */
export const findFieldErrors = (error: unknown, paths: readonly string[]): Record<string, string> =>
  Object.fromEntries(paths.flatMap((path) => {
    const text = findFieldError(error, path);
    return text === undefined ? [] : [[path, text]];
  }));

/** What a 422 says of none of these fields. */
export const listOtherErrors = (error: unknown, paths: readonly string[]): { path: string; detail: string }[] =>
  listErrors(error).filter((found) => !paths.some((path) => isWithin(found.path, path))).map(({ path, detail }) => ({ path: path.replace(/^\$\.?/, ""), detail }));

/** Whether each error of a 422 is at one of these fields, so that nothing else has to be said. */
export const isAtFields = (error: unknown, paths: readonly string[]): boolean => listErrors(error).length > 0 && !listOtherErrors(error, paths).length;

const listErrors = (error: unknown) => (error instanceof ProblemError && error.status === 422 ? (error.problem.errors ?? []) : []);

function isWithin(found: string, path: string): boolean {
  const whole = `$.${path}`;
  return found === whole || found.startsWith(`${whole}.`) || found.startsWith(`${whole}[`);
}

export interface FieldProblem {
  /** Such as `digest.cron` or `channels.0`; empty for the whole body. */
  field: string;
  text: string;
}

/** The problems of a 422 by their JSON Pointers; none if the error is another one. `under` is the member of the body that the form shows. */
export function listFieldProblems(error: unknown, under = ""): FieldProblem[] {
  const start = under ? `#/${under}` : "#";
  return listErrors(error).map(({ pointer, detail }) => ({ field: pointer.replace(start, "").replace(/^[#/]+/, "").replaceAll("/", "."), text: detail }));
}

/** The texts for one field, and for what is within it. */
export const getProblem = (problems: readonly FieldProblem[], field: string): string =>
  problems.filter((problem) => problem.field === field || problem.field.startsWith(`${field}.`)).map((problem) => problem.text).join("; ");

/** The problems of no field that the form shows. */
export const listOtherProblems = (problems: readonly FieldProblem[], fields: readonly string[]): FieldProblem[] =>
  problems.filter((problem) => !fields.some((field) => problem.field === field || problem.field.startsWith(`${field}.`)));

// The API, as the person who is logged in.

import { QueryClient } from "@tanstack/react-query";
import { createHerold, ProblemError } from "herold-client";
import { getAccessToken, refreshSession } from "./session";

export const herold = createHerold(location.origin, "", { fetch: sendAsPerson, attempts: 2, longestDelay: 2 });

export const queryClient = new QueryClient({
  defaultOptions: { queries: { retry: false, staleTime: 5_000, refetchOnWindowFocus: true } },
});

async function sendAsPerson(request: Request): Promise<Response> {
  const token = getAccessToken();
  const response = await send(request.clone());
  if (response.status !== 401) return response;
  // another request may have got a new token meanwhile
  return token !== getAccessToken() || (await refreshSession()) ? send(request) : response;
}

function send(request: Request): Promise<Response> {
  request.headers.set("authorization", `Bearer ${getAccessToken()}`);
  return fetch(request);
}

/** What went wrong, for a person: title, detail, what to quote to the operators. */
export interface Failure {
  kind: "forbidden" | "missing" | "offline" | "other";
  title: string;
  detail: string;
  requestId: string;
}

export function describeFailure(error: unknown): Failure {
  if (!(error instanceof ProblemError)) {
    return { kind: "offline", title: "The gateway does not answer", detail: "What is shown may be old. It is asked again when you retry.", requestId: "" };
  }
  const { problem, status } = error;
  const kind = status === 403 ? "forbidden" : status === 404 ? "missing" : "other";
  return { kind, title: problem.title ?? `Error ${status}`, detail: problem.detail ?? "", requestId: problem.request_id ?? "" };
}

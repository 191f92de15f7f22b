// The client of Herold's HTTP API. Types come from the OpenAPI document (src/schema.d.ts, generated); requests are those of openapi-fetch.
//
//   const herold = createHerold("http://127.0.0.1:8080", key);
//   const accepted = unwrap(await herold.POST("/v1/notifications", { body: { user_id: "u-42", type: "order.shipped" } }));

import createClient, { type Client, type FetchResponse } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, operations, paths } from "./schema.js";
export type Schemas = components["schemas"];
export type Problem = Schemas["ProblemDetails"];
export type Herold = Client<paths>;

export interface Options {
  /** How often a request is made at most; 3 by default. */
  attempts?: number;
  /** The longest wait before a request is made again, in seconds; 10 by default. A longer Retry-After is not waited for. */
  longestDelay?: number;
  /** Another fetch, such as one with a proxy. */
  fetch?: (request: Request) => Promise<Response>;
}

/** The API answered with an error. Decide on `problem.code`; `problem.request_id` is in the gateway's log. */
export class ProblemError extends Error {
  constructor(readonly status: number, readonly problem: Partial<Problem>) {
    super(`${status} ${problem.code ?? "error"}: ${problem.detail ?? problem.title ?? ""}`);
    this.name = "ProblemError";
  }
}

/** A client of the gateway at this URL. */
export function createHerold(url: string, apiKey: string, options: Options = {}): Herold {
  const send = options.fetch ?? ((request: Request) => fetch(request));
  return createClient<paths>({
    baseUrl: url,
    headers: { authorization: `Bearer ${apiKey}` },
    fetch: (request) => sendWithRetries(request, send, options.attempts ?? 3, options.longestDelay ?? 10),
  });
}

/** The data of an answer. Throws ProblemError for one that is no success. */
export function unwrap<T extends Record<string | number, any>, O, M extends `${string}/${string}`>(
  answer: FetchResponse<T, O, M>,
): NonNullable<FetchResponse<T, O, M>["data"]> {
  if (!answer.response.ok) throw new ProblemError(answer.response.status, (answer.error ?? {}) as Partial<Problem>);
  return answer.data as NonNullable<FetchResponse<T, O, M>["data"]>;
}

/** All items of a list, page by page: `fetchPage` gets the cursor of a page, undefined for the first. */
export async function* iterate<T>(
  fetchPage: (cursor: string | undefined) => Promise<{ items: T[]; next_cursor: string | null }>,
): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page = await fetchPage(cursor);
    yield* page.items;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

/** Seconds until a request may be made again; undefined if it may not: only what does no harm is repeated. */
export function findDelay(request: Request, status: number, retryAfter: number, attempt: number, longestDelay: number): number | undefined {
  const hasKey = request.headers.has("idempotency-key"), isHarmless = request.method === "GET" || request.method === "HEAD" || hasKey;
  const isInProgress = status === 409 && hasKey && retryAfter > 0; // the first request with the key; other conflicts have no Retry-After
  const mayRepeat = status === 429 || isInProgress || ((status === 503 || status === 0) && isHarmless);
  if (!mayRepeat || retryAfter > longestDelay) return undefined;
  return retryAfter + Math.min(longestDelay, 0.2 * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
}

async function sendWithRetries(
  request: Request, send: (request: Request) => Promise<Response>, attempts: number, longestDelay: number,
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    let response: Response | undefined, failure: unknown;
    try {
      response = await send(request.clone());
    } catch (error) {
      failure = error;
    }
    const retryAfter = Number(response?.headers.get("retry-after") ?? 0) || 0;
    const delay = attempt < attempts ? findDelay(request, response?.status ?? 0, retryAfter, attempt, longestDelay) : undefined;
    if (delay === undefined) {
      if (response) return response;
      throw failure;
    }
    await new Promise((resolve) => setTimeout(resolve, delay * 1000));
  }
}

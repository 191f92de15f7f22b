// Who is logged in. The access token is in memory only; the refresh token is in a cookie that no script can read.

import { ProblemError, type Problem, type Schemas } from "herold-client";
import { useSyncExternalStore } from "react";
import { claimDrafts } from "./drafts";
import { askPasskey } from "./passkeys";

export type Person = Schemas["PersonResponse"];
export type Session = { state: "starting" } | { state: "out" } | { state: "unreachable" } | { state: "in"; person: Person };
export interface Credentials {
  email: string;
  password: string;
  code?: string;
}

const RETRY_MS = 1_000;

let session: Session = { state: "starting" };
let accessToken = "";
let refreshing: Promise<boolean> | undefined;
const listeners = new Set<() => void>();

/** The session of this tab; the component is rendered again when it changes. */
export const useSession = (): Session => useSyncExternalStore(subscribe, () => session);

/** Who is logged in, for components that are only shown then. */
export function usePerson(): Person {
  const current = useSession();
  if (current.state !== "in") throw new Error("nobody is logged in");
  return current.person;
}

/** Whether the person has a permission of the API. */
export const useCan = (permission: string): boolean => usePerson().permissions.includes(permission);

export const getAccessToken = () => accessToken;

/** Log in with a password. Throws ProblemError; `second-factor-required` asks for `code`. */
export async function logIn(credentials: Credentials): Promise<void> {
  await enter(await post("login", { ...credentials, cookie: true }));
}

/** Log in with a passkey of this device. Throws ProblemError, and DOMException if the device or the person gives none. */
export async function logInByPasskey(): Promise<void> {
  const credential = await askPasskey(await post<object>("passkey-login/options", {}));
  await enter(await post("passkey-login", { credential, cookie: true }));
}

/** Have a link to choose a password sent to an address, if an account has it. */
export async function requestPasswordLink(email: string): Promise<void> {
  await post("password-reset", { email });
}

/** Get a new access token by the cookie, once for all who ask at the same time. False if the session has ended. */
export function refreshSession(): Promise<boolean> {
  refreshing ??= refresh().finally(() => (refreshing = undefined));
  return refreshing;
}

/** End the session, here and at the gateway. Throws if the gateway does not answer: the person is still logged in then. */
export async function logOut(): Promise<void> {
  await post("logout", {}).catch((error: unknown) => {
    if (!hasEnded(error)) throw error;
  });
  leave({ state: "out" });
}

/** Take what the API says about the person now, such as another name. */
export const updatePerson = (person: Person) => set({ state: "in", person });

async function refresh(): Promise<boolean> {
  try {
    await enter(await postTwice("refresh"));
    return true;
  } catch (error) {
    if (hasEnded(error)) leave({ state: "out" });
    else if (session.state !== "in") leave({ state: "unreachable" });
    return false;
  }
}

const hasEnded = (error: unknown) => error instanceof ProblemError && error.status < 500 && error.status !== 429;

// an answer that is lost may have used up the cookie's token; the same one again is no theft within 10 s
async function postTwice(name: string): Promise<Schemas["TokenResponse"]> {
  try {
    return await post(name, {});
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    return post(name, {});
  }
}

async function enter(tokens: Schemas["TokenResponse"]): Promise<void> {
  accessToken = tokens.access_token;
  const response = await fetch("/v1/auth/me", { headers: { authorization: `Bearer ${accessToken}` } });
  if (!response.ok) throw await readProblem(response);
  const person = (await response.json()) as Person;
  // all tabs share the cookie: in another one somebody else may have logged in, and nothing of the one before may stay
  if (session.state === "in" && session.person.session_id !== person.session_id) return location.reload();
  claimDrafts(person.account.id); // after the reload, too: what this page still writes until then is of the one before
  set({ state: "in", person });
}

function leave(next: Session): void {
  accessToken = "";
  set(next);
}

async function post<Answer = Schemas["TokenResponse"]>(name: string, body: object): Promise<Answer> {
  const headers = { "content-type": "application/json", "herold-csrf": "1" };
  const response = await fetch(`/v1/auth/${name}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw await readProblem(response);
  return (await response.json().catch(() => ({}))) as Answer;
}

async function readProblem(response: Response): Promise<ProblemError> {
  return new ProblemError(response.status, (await response.json().catch(() => ({}))) as Partial<Problem>);
}

function set(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

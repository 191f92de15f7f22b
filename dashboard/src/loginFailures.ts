// Why a login at the OpenID provider came back without a session: the gateway sends the browser here with a code, and the sentences are here.

const PARAMETER = "login_error";

export interface LoginFailure {
  code: string;
  title: string;
  detail: string;
}

const FAILURES: Record<string, (provider: string) => [title: string, detail: string]> = {
  cancelled: (provider) => ["The login was cancelled", `${provider} did not let you in, or you cancelled there. Log in again, or in another way.`],
  login_expired: () => ["The login took too long", "It must end within five minutes, in the browser where it began, and counts once. Log in again."],
  not_confirmed: (provider) => ["The login was not confirmed", `What ${provider} answered is not valid. Log in again; if this comes back, tell an administrator.`],
  provider_rejects: (provider) => [`${provider} does not accept the login`, "Herold may be registered there in another way than its settings say. Tell an administrator."],
  provider_unavailable: (provider) => [`${provider} does not answer`, "Log in again in a minute. A login by password still works."],
  no_account: (provider) => ["You have no account here", `${provider} knows you, but there is no account with your address. Ask an administrator for an invitation.`],
  email_not_verified: (provider) => ["Your e-mail address is not verified", `An account is found by an address that ${provider} has verified. Verify it there, then log in again.`],
  no_role: (provider) => ["You have no role here", `${provider} gives you no role in Herold any more. Ask an administrator for one.`],
  account_disabled: () => ["Your account is disabled", "Ask an administrator to enable it."],
  too_many_requests: () => ["Too many tries", "Wait a minute, then log in again."],
  unavailable: () => ["Herold cannot log anybody in at the moment", "A part of it does not answer. Log in again in a minute."],
  not_found: () => ["There is no such login here", "No OpenID provider is set. Log in with your password or a passkey."],
};

/** Why the last login failed, by the address of the page; undefined if it did not. A code that is not known is anybody's text, and is not shown. */
export function readLoginFailure(search: string, provider: string): LoginFailure | undefined {
  const code = new URLSearchParams(search).get(PARAMETER);
  if (code === null) return undefined;
  if (!Object.hasOwn(FAILURES, code)) return { code: "", title: "The login failed", detail: "Log in again; if this comes back, tell an administrator." };
  const [title, detail] = FAILURES[code]!(provider);
  return { code, title, detail };
}

/** The same address without the code: what is asked for next is the page, and a link to it says nothing of a login. */
export function withoutLoginFailure({ pathname, search, hash }: Pick<Location, "pathname" | "search" | "hash">): string {
  const parameters = new URLSearchParams(search);
  parameters.delete(PARAMETER);
  return pathname + (parameters.size ? `?${parameters}` : "") + hash;
}

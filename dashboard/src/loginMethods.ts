// How people can log in at this installation, which the gateway says before anybody has.

import type { Schemas } from "herold-client";
import { useEffect, useState } from "react";

export type LoginMethods = Schemas["LoginMethodsResponse"];

const TIMEOUT_MS = 3_000;
const MAX_RETURN_CHARACTERS = 512; // of the gateway, for return_to
const USUAL: LoginMethods = { password: true, passkey: true, oidc: null };

/** Undefined until the gateway has answered; the usual ones if it does not. */
export function useLoginMethods(): LoginMethods | undefined {
  const [methods, setMethods] = useState<LoginMethods>();
  useEffect(() => {
    void readLoginMethods().then(setMethods);
  }, []);
  return methods;
}

async function readLoginMethods(): Promise<LoginMethods> {
  try {
    const response = await fetch("/v1/auth/methods", { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? ((await response.json()) as LoginMethods) : USUAL;
  } catch {
    return USUAL; // a login that is tried says what is wrong
  }
}

/** Where a login at the OpenID provider begins; it ends at the page that was asked for, if that is one of the dashboard. */
export function buildProviderUrl({ pathname, search }: Pick<Location, "pathname" | "search">): string {
  const page = pathname + search;
  const target = pathname.startsWith("/dashboard/") && page.length <= MAX_RETURN_CHARACTERS ? page : "/dashboard/";
  return `/v1/auth/oidc/start?return_to=${encodeURIComponent(target)}`;
}

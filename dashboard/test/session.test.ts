import { afterEach, beforeEach, vi } from "vitest";

type Reply = () => Promise<Response>;
const json = (status: number, body: object): Reply => async () => new Response(JSON.stringify(body), { status });
const offline: Reply = async () => {
  throw new TypeError("offline");
};
const person = (id: string) => json(200, { account: { id: `acc_${id}`, email: `${id}@example.org` }, permissions: [], project: "", session_id: id });
const tokens = json(200, { access_token: "a-1", token_type: "Bearer", expires_in: 900 });

let session: typeof import("../src/session"), replies: Record<string, Reply[]>, reload: ReturnType<typeof vi.fn>;

beforeEach(async () => {
  vi.resetModules();
  vi.useFakeTimers();
  session = await import("../src/session");
  replies = {};
  reload = vi.fn();
  vi.stubGlobal("location", { ...location, reload, origin: "http://gateway" });
  vi.stubGlobal("fetch", async (url: string) => {
    const reply = replies[url]?.shift();
    if (!reply) throw new Error(`${url} was not expected`);
    return reply();
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function enter(id = "s-1") {
  replies = { "/v1/auth/refresh": [tokens], "/v1/auth/me": [person(id)] };
  return session.refreshSession();
}

test("a refresh gives the token and the person", async () => {
  expect(await enter()).toBe(true);
  expect(session.getAccessToken()).toBe("a-1");
});

test("who asks at the same time shares one refresh", async () => {
  replies = { "/v1/auth/refresh": [tokens], "/v1/auth/me": [person("s-1")] };
  expect(await Promise.all([session.refreshSession(), session.refreshSession()])).toEqual([true, true]);
});

test("an answer that is lost is asked for once more, within the grace of the same token", async () => {
  replies = { "/v1/auth/refresh": [offline, tokens], "/v1/auth/me": [person("s-1")] };
  const refreshed = session.refreshSession();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await refreshed).toBe(true);
});

test("a session that has ended leaves no token", async () => {
  await enter();
  replies = { "/v1/auth/refresh": [json(401, { code: "unauthorized" })] };
  expect(await session.refreshSession()).toBe(false);
  expect(session.getAccessToken()).toBe("");
});

test("a gateway that fails ends no session", async () => {
  await enter();
  replies = { "/v1/auth/refresh": [json(503, {})] };
  expect(await session.refreshSession()).toBe(false);
  expect(session.getAccessToken()).toBe("a-1");
});

test("somebody else's session in the cookie loads the page anew", async () => {
  await enter("s-1");
  await enter("s-1");
  expect(reload).not.toHaveBeenCalled();
  await enter("s-2");
  expect(reload).toHaveBeenCalledOnce();
});

test("a logout that the gateway has not heard of is none", async () => {
  await enter();
  replies = { "/v1/auth/logout": [offline] };
  await expect(session.logOut()).rejects.toThrow();
  expect(session.getAccessToken()).toBe("a-1");
  replies = { "/v1/auth/logout": [json(200, {})] };
  await session.logOut();
  expect(session.getAccessToken()).toBe("");
});

test("a passkey logs in by the options of the gateway", async () => {
  vi.stubGlobal("PublicKeyCredential", { parseRequestOptionsFromJSON: (options: object) => options });
  vi.stubGlobal("navigator", { credentials: { get: async () => ({ toJSON: () => ({ id: "k-1" }) }) } });
  replies = { "/v1/auth/passkey-login/options": [json(200, { challenge: "x" })], "/v1/auth/passkey-login": [tokens], "/v1/auth/me": [person("s-1")] };
  await session.logInByPasskey();
  expect(session.getAccessToken()).toBe("a-1");
});

test("drafts stay for the account that wrote them, and are gone for another one", async () => {
  const { readDraft, writeDraft } = await import("../src/drafts");
  const reloadPage = async (id: string) => {
    vi.resetModules();
    session = await import("../src/session");
    await enter(id);
  };
  await enter("s-1");
  writeDraft("rule order.shipped", { type: "order.shipped" });
  await reloadPage("s-1");
  expect(readDraft("rule order.shipped")).toEqual({ type: "order.shipped" });
  await reloadPage("s-2");
  expect(readDraft("rule order.shipped")).toBeUndefined();
});

import { afterEach, expect, test, vi } from "vitest";
import { askPasskey, canHavePasskeys, createPasskey } from "../src/passkeys";

afterEach(() => vi.unstubAllGlobals());

test("a host without a name can have no passkeys", () => {
  vi.stubGlobal("PublicKeyCredential", class {});
  vi.stubGlobal("navigator", { credentials: {} });
  expect(["localhost", "herold.example.org", "127.0.0.1", "::1"].map(canHavePasskeys)).toEqual([true, true, false, false]);
});

test("the device gets the options, and its answer is given as JSON", async () => {
  const create = vi.fn().mockResolvedValue({ toJSON: () => ({ id: "k-1" }) });
  vi.stubGlobal("PublicKeyCredential", { parseCreationOptionsFromJSON: (options: object) => ({ parsed: options }) });
  vi.stubGlobal("navigator", { credentials: { create } });
  expect(await createPasskey({ challenge: "x" })).toEqual({ id: "k-1" });
  expect(create).toHaveBeenCalledWith({ publicKey: { parsed: { challenge: "x" } } });
  create.mockResolvedValue(null);
  await expect(createPasskey({})).rejects.toThrow("no passkey was made");
});

test("a passkey is asked for, and who gives none is told apart from a gateway that fails", async () => {
  const get = vi.fn().mockResolvedValue({ toJSON: () => ({ id: "k-1" }) });
  vi.stubGlobal("PublicKeyCredential", { parseRequestOptionsFromJSON: (options: object) => ({ parsed: options }) });
  vi.stubGlobal("navigator", { credentials: { get } });
  expect(await askPasskey({ challenge: "x" })).toEqual({ id: "k-1" });
  expect(get).toHaveBeenCalledWith({ publicKey: { parsed: { challenge: "x" } } });
  get.mockResolvedValue(null);
  await expect(askPasskey({})).rejects.toBeInstanceOf(DOMException);
});

import { expect, test } from "vitest";
import { findKeyState } from "../src/accounts";

const key = { revoked_at: null, expires_at: null, last_used_at: 50 };

test("a revoked key is revoked, whatever else it is", () => {
  expect(findKeyState({ ...key, revoked_at: 90, expires_at: 80 }, 100)).toBe("revoked");
  expect(findKeyState({ ...key, expires_at: 80 }, 100)).toBe("expired");
  expect(findKeyState({ ...key, expires_at: 101 }, 100)).toBe("active");
  expect(findKeyState({ ...key, last_used_at: null }, 100)).toBe("unused");
});

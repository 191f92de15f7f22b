import { afterEach, beforeEach, vi } from "vitest";

const { post } = vi.hoisted(() => ({ post: vi.fn() }));
vi.mock("../src/api", () => ({ herold: { POST: post } }));

import { ProblemError } from "herold-client";
import { connectLive, type LiveChange, type LiveState } from "../src/live";

class FakeSocket {
  static all: FakeSocket[] = [];
  sent: string[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;
  onclose?: ((event: { code: number }) => void) | null;
  isClosed = false;
  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  send(text: string) {
    this.sent.push(text);
  }
  // a connection that is half open: the event comes much later, if ever
  close() {
    this.isClosed = true;
  }
  receive(frame: object) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const row = (number: number) => ({ kind: "status", notification_id: `ntf_${number}`, status: "SENT", occurred_at: number });
let changes: LiveChange[], states: LiveState[], stop: () => void;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  post.mockReset().mockResolvedValue({ data: { ticket: "t-1" }, response: new Response("", { status: 201 }) });
  FakeSocket.all = [];
  [changes, states] = [[], []];
  stop = connectLive('{"channels":["email"]}', (change) => changes.push(change), (state) => states.push(state));
  await vi.advanceTimersByTimeAsync(0);
  FakeSocket.all[0]!.onopen!();
});
afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("a ticket opens the socket, and the filter is the first message", () => {
  expect(FakeSocket.all[0]!.url).toContain("/ws?ticket=t-1");
  expect(JSON.parse(FakeSocket.all[0]!.sent[0]!)).toEqual({ filter: { channels: ["email"] } });
});

test("the rows of many frames come together, in their order", async () => {
  for (const number of [1, 2, 3]) FakeSocket.all[0]!.receive({ type: "delta", cursor: `0:${number}`, rows: [row(number)], skipped: number });
  expect(changes).toEqual([]);
  await vi.advanceTimersByTimeAsync(50);
  expect(changes).toEqual([{ rows: [row(1), row(2), row(3)], skipped: 6, missed: 0 }]);
});

test("a hidden tab, which gets no animation frame, is flushed by number", () => {
  vi.stubGlobal("requestAnimationFrame", () => 1);
  FakeSocket.all[0]!.receive({ type: "delta", cursor: "0:1", rows: Array.from({ length: 5_001 }, (_, number) => row(number)) });
  expect(changes[0]!.rows.length).toBe(5_001);
});

test("a new connection goes on after the cursor", async () => {
  FakeSocket.all[0]!.receive({ type: "delta", cursor: "0:17", rows: [row(1)] });
  FakeSocket.all[0]!.onclose!({ code: 1006 });
  expect(states.at(-1)).toBe("connecting");
  await vi.advanceTimersByTimeAsync(250);
  FakeSocket.all[1]!.onopen!();
  expect(JSON.parse(FakeSocket.all[1]!.sent[0]!).cursor).toBe("0:17");
});

test("what was missed is told with its number", async () => {
  FakeSocket.all[0]!.receive({ type: "gap", cursor: "0:90", missed: 40 });
  await vi.advanceTimersByTimeAsync(50);
  expect(changes).toEqual([{ rows: [], skipped: 0, missed: 40 }]);
});

test("silence is stale, and the connection is made anew", async () => {
  FakeSocket.all[0]!.receive({ type: "ping", cursor: "0:1" });
  expect(states.at(-1)).toBe("live");
  await vi.advanceTimersByTimeAsync(25_000);
  expect(states.at(-1)).toBe("stale");
  expect(FakeSocket.all[0]!.isClosed).toBe(true);
  await vi.advanceTimersByTimeAsync(500);
  expect(FakeSocket.all.length).toBe(2);
});

test("without a ticket it is tried again, later each time", async () => {
  post.mockRejectedValue(new Error("offline"));
  FakeSocket.all[0]!.onclose!({ code: 1006 });
  await vi.advanceTimersByTimeAsync(60_000);
  const delays = post.mock.calls.length;
  expect(delays).toBeGreaterThan(3);
  expect(delays).toBeLessThan(12);
});

test("what the gateway refuses is not asked for again", async () => {
  FakeSocket.all[0]!.onclose!({ code: 4403 });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(states.at(-1)).toBe("refused");
  expect(FakeSocket.all.length).toBe(1);
});

test("who may not watch asks for one ticket only", async () => {
  post.mockClear().mockRejectedValue(new ProblemError(403, {}));
  FakeSocket.all[0]!.onclose!({ code: 1006 });
  await vi.advanceTimersByTimeAsync(60_000);
  expect([states.at(-1), post.mock.calls.length]).toEqual(["refused", 1]);
});

test("nothing happens after the end", async () => {
  stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(FakeSocket.all.length).toBe(1);
});

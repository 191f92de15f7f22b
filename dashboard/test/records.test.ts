import { describeRecord, disarmLinks, explainMissing, explainNothing, listMasked, type NotificationRecord } from "../src/records";

const RECORD = { kind: "status", topic: "t", partition: 3, offset: 7, at: 1, size: 2, delivery_id: "dlv_1", attempt: 1, redrive_count: 0 } as NotificationRecord;

test("a record says what it is, on which channel and of which attempt", () => {
  expect(describeRecord(RECORD, [{ id: "dlv_1", channel: "sms" }])).toBe("Status (sms, attempt 2)");
  expect(describeRecord({ ...RECORD, kind: "delivery", attempt: 0, redrive_count: 2 }, [{ id: "dlv_1", channel: "sms" }])).toBe("Delivery (sms, redrive 2)");
  expect(describeRecord({ ...RECORD, kind: "decided", delivery_id: "", attempt: null }, [])).toBe("Decided");
});

test("a text that is not there has its reason", () => {
  expect(explainMissing(1_000, 1_000 + 4 * 86_400, true)).toContain("three days");
  expect(explainMissing(1_000, 1_060, true)).toContain("no record of it");
  expect(explainMissing(1_000, 1_060, false)).toContain("limit");
  expect([explainNothing("held"), explainNothing("accepted"), explainNothing("rejected")].map((text) => text.slice(0, 15))).toEqual(["It is rendered ", "It is not decid", "Nothing was ren"]);
});

test("under masks a message has its parts and their lengths", () => {
  expect(listMasked({ kind: "email", subject: "<10 characters>", text: "<17 characters>", data: { order: "<number>" } }))
    .toEqual([["Subject", "10 characters"], ["Text", "17 characters"], ["Data", '{\n  "order": number\n}']]);
});

test("no link of a shown message leads anywhere", () => {
  const html = '<head><base href="https://evil.example"><meta http-equiv="refresh" content="0;url=/x"></head><body><a href="https://h.example/u/token" target="_top">bye</a><map><area href="/x"></map><p>Hello</p></body>';
  const disarmed = disarmLinks(html);
  expect(disarmed).not.toMatch(/token|evil|refresh|_top|\/x/);
  expect(disarmed).toContain('<a href="#"');
  expect(disarmed).toContain("<p>Hello</p>");
});

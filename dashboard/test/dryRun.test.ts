import { describeSms, listParts } from "../src/content";

test("an e-mail shows its subject and HTML before its text, and no empty part", () => {
  const parts = listParts({ kind: "email", subject: "Order 17", text: "Hello", html: "<p>Hello</p>", data: {}, options: null, attachments: [{ filename: "a.pdf" }] });
  expect(parts.map((part) => [part.label, part.kind])).toEqual([["Subject", "text"], ["HTML", "html"], ["Text", "text"], ["Files", "json"]]);
});

test("a webhook shows its data, a push message its title and body", () => {
  expect(listParts({ kind: "webhook", type: "order.shipped", data: { order: 17 } })).toEqual([{ label: "Data", kind: "json", value: '{\n  "order": 17\n}' }]);
  expect(listParts({ kind: "push", title: "Order", body: "It left." }).map((part) => part.value)).toEqual(["Order", "It left."]);
});

test("segments say why a text is not GSM", () => {
  expect(describeSms({ encoding: "GSM-7", segments: 1, units: 20, free: 140 })).toBe("1 segment, GSM-7: 20 units, room for 140 more");
  expect(describeSms({ encoding: "UCS-2", segments: 2, units: 80, free: 54, forcing: "ł☃" })).toBe("2 segments, UCS-2, because of ł ☃: 80 units, room for 54 more");
});

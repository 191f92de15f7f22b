import { addLocale, formatDocument, listChain, listChannels, listLocales, locateProblems, PARTS, removeLocale, setPart, type TemplateDocument } from "../src/templates";

const DOCUMENT: TemplateDocument = { sms: { de: { text: "Hallo" }, default: { text: "Hello" } }, email: { default: { subject: "s", text: "t" } } };

test("channels and locales are in their usual order", () => {
  expect(listChannels(DOCUMENT)).toEqual(["email", "sms"]);
  expect(listLocales(DOCUMENT, "sms")).toEqual(["default", "de"]);
  expect(listLocales(DOCUMENT, "push")).toEqual([]);
});

test("a part is set, an empty one is left out, and the document before stays", () => {
  expect(setPart(DOCUMENT, "sms", "de", "text", "Servus").sms?.["de"]).toEqual({ text: "Servus" });
  expect(setPart(DOCUMENT, "email", "default", "subject", "").email?.["default"]).toEqual({ text: "t" });
  expect(DOCUMENT.sms?.["de"]).toEqual({ text: "Hallo" });
});

test("a locale is added with texts, and the last one takes its channel with it", () => {
  expect(addLocale(DOCUMENT, "sms", "fr", { text: "x" }).sms?.["fr"]).toEqual({ text: "x" });
  expect(removeLocale(DOCUMENT, "sms", "de").sms).toEqual({ default: { text: "Hello" } });
  expect(removeLocale(DOCUMENT, "email", "default")).toEqual({ sms: DOCUMENT.sms });
});

test.each([
  ["de-AT", ["de-AT", "de", "default"]],
  ["zh-Hant-TW", ["zh-Hant-TW", "zh-Hant", "zh", "default"]],
  ["default", ["default"]],
])("the chain of %s", (locale, chain) => expect(listChain(locale)).toEqual(chain));

test("a problem stands at the part and the line that it names", () => {
  const problem = "template order-shipped@3 de for email: unexpected 'end of print statement', in html, line 7";
  expect(locateProblems(problem, { html: "x" }, PARTS.email)).toEqual({ parts: { html: { text: "unexpected 'end of print statement'", line: 7 } }, rest: "" });
});

test("a missing variable stands where it is used first, in each part", () => {
  const problem = "template t@1 default short for email: 'order.gift' is undefined";
  const entry = { subject: "Hello", text: "a\nb {{ order.gift }}\n{{ order.gift }}", html: "{{ gifted }}" };
  expect(locateProblems(problem, entry, PARTS.email)).toEqual({ parts: { text: { text: "'order.gift' is undefined", line: 2 } }, rest: "" });
});

test("a problem of no place stays as a whole", () => {
  expect(locateProblems("template t@1 default for sms: the text is too long", { text: "x" }, PARTS.sms)).toEqual({ parts: {}, rest: "the text is too long" });
});

test("a document is written line by line, its long texts as they are", () => {
  const document = { sms: { default: { text: "one\ntwo" } }, samples: {}, channels: ["a", { b: 1 }], at_most_once: true, experiment: "e" };
  expect(formatDocument(document)).toBe("sms:\n  default:\n    text: |\n      one\n      two\nsamples: {}\nchannels:\n  - a\n  -\n    b: 1\nat_most_once: true\nexperiment: e");
});

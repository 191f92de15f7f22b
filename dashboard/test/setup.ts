import { afterEach } from "vitest";
import { cleanup, configure } from "@testing-library/react";

// happy-dom has no layout, so nothing is ever resized
class NoResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver = NoResizeObserver as unknown as typeof ResizeObserver;
Element.prototype.scrollIntoView = () => undefined;
configure({ asyncUtilTimeout: 20_000 }); // ms; a busy machine renders more slowly than in the default of 1 s
afterEach(cleanup);

import { afterEach } from "vitest";
import { cleanup } from "@testing-library/react";

// happy-dom has no layout, so nothing is ever resized
class NoResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver = NoResizeObserver as unknown as typeof ResizeObserver;
Element.prototype.scrollIntoView = () => undefined;
afterEach(cleanup);

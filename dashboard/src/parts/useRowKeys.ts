import { useHotkeys } from "@mantine/hooks";
import { useRef } from "react";

/** j and k move the focus through the rows of a list; Enter is then that of the row's link. A row has `data-row`. */
export function useRowKeys() {
  const container = useRef<HTMLDivElement>(null);
  const move = (step: number) => {
    if (document.querySelector("[role=dialog], [role=menu]")) return;
    const links = [...(container.current?.querySelectorAll<HTMLElement>("[data-row] a:not([tabindex='-1'])") ?? [])];
    const at = links.findIndex((link) => link.closest("[data-row]")?.contains(document.activeElement));
    links[Math.max(0, Math.min(links.length - 1, at + step))]?.focus();
  };
  useHotkeys([["j", () => move(1)], ["k", () => move(-1)]]);
  return container;
}

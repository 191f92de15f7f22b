import { useHotkeys } from "@mantine/hooks";
import { useRef } from "react";
import { getDisplay } from "../display";

const LINKS = "[data-row] a:not([tabindex='-1'])";

/**
 * j and k move the focus through the rows of a list; Enter is then that of the row's link. The list has `data-rows`, a row `data-row`.
 * Of several lists it is that with the focus, else the first with rows that lead somewhere.
 */
export function useRowKeys() {
  const container = useRef<HTMLDivElement>(null);
  const move = (step: number) => {
    if (!getDisplay().hasLetterKeys || document.querySelector("[role=dialog], [role=menu]")) return;
    if (!container.current || container.current !== findList()) return;
    const links = [...container.current.querySelectorAll<HTMLElement>(LINKS)];
    const at = links.findIndex((link) => link.closest("[data-row]")?.contains(document.activeElement));
    links[Math.max(0, Math.min(links.length - 1, at + step))]?.focus();
  };
  useHotkeys([["j", () => move(1)], ["k", () => move(-1)]]);
  return container;
}

const findList = () => document.activeElement?.closest("[data-rows]") ?? [...document.querySelectorAll("[data-rows]")].find((list) => list.querySelector(LINKS));

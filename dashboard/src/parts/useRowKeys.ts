import { useHotkeys } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";

/** j and k (or the arrows) move through rows, Enter opens one. `open` gets the number of the row; a row has `data-row`. */
export function useRowKeys(count: number, open: (row: number) => void) {
  const [row, setRow] = useState(-1);
  const container = useRef<HTMLDivElement>(null);
  const move = (step: number) => setRow((row) => Math.max(0, Math.min(count - 1, row + step)));
  useHotkeys([
    ["j", () => move(1)],
    ["k", () => move(-1)],
    ["ArrowDown", () => move(1)],
    ["ArrowUp", () => move(-1)],
    ["Enter", () => row >= 0 && row < count && open(row), { preventDefault: false }],
  ]);
  useEffect(() => {
    container.current?.querySelector(`[data-row="${row}"]`)?.scrollIntoView({ block: "nearest" });
  }, [row]);
  return { row, container };
}

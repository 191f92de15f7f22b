import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { useRowKeys } from "../src/parts/useRowKeys";

function List({ names }: { names: string[] }) {
  const container = useRowKeys();
  return <div ref={container} data-rows>{names.map((name) => <div key={name} data-row><a href={`#${name}`}>{name}</a></div>)}</div>;
}
const press = (...keys: string[]) => keys.map((key) => {
  fireEvent.keyDown(document.activeElement!, { key, code: `Key${key.toUpperCase()}` });
  return document.activeElement!.textContent;
});

test("of several lists j and k move in that with the focus, else in the first with links", () => {
  render(<><List names={[]} /><List names={["a", "b"]} /><List names={["c", "d"]} /></>);
  expect(press("j", "j", "j", "k")).toEqual(["a", "b", "b", "a"]);
  screen.getByText("c").focus();
  expect(press("j", "j", "k")).toEqual(["d", "d", "c"]);
});

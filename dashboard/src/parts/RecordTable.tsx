import { Link, type LinkProps } from "@tanstack/react-router";
import type { CSSProperties, ReactNode } from "react";
import { useRowKeys } from "./useRowKeys";

/** A column of a list. Without a width it shares what the others leave. */
export interface Column<Row> {
  title: string;
  /** In rem. */
  width?: string;
  isNumber?: boolean;
  /** Holds buttons or links of its own, so it is no part of the row's link. */
  isAction?: boolean;
  render: (row: Row) => ReactNode;
}
/** Where a row leads; made by `linkOptions`, which checks the route, its params and its search. */
export type RowLink = Pick<LinkProps, "to"> & { params?: unknown; search?: unknown };
interface RecordTableProps<Row> {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  getKey: (row: Row) => string;
  /** Nothing for a row that leads nowhere. */
  getLink?: (row: Row) => RowLink | undefined;
}

/** The rows of a list. j and k move through them; each cell is a link, so that a middle click and "copy link" work. */
export function RecordTable<Row>({ label, rows, columns, getKey, getLink }: RecordTableProps<Row>) {
  const container = useRowKeys();
  const first = columns.findIndex((column) => !column.isAction); // the link of a row that is in the order of Tab
  return (
    <div className="list" ref={container} data-rows tabIndex={0} role="region" aria-label={label}>
      <table style={{ "--columns-width": `${sumWidths(columns)}rem` } as CSSProperties}>
        <thead>
          <tr>{columns.map((column) => <th key={column.title} style={{ width: column.width }} className={column.isNumber ? "amount" : undefined}>{column.title}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={getKey(row)} data-row>
              {columns.map((column, index) => (
                <td key={column.title} className={column.isNumber ? "number amount" : undefined}>
                  <Cell link={column.isAction ? undefined : getLink?.(row)} isFirst={index === first}>{column.render(row)}</Cell>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const FLEXIBLE_REM = 9; // that a column without a width can be read with

/** What the columns need where a list is wider than its screen; style.css uses it there. */
export const sumWidths = (columns: readonly { width?: string }[]): number => columns.reduce((sum, { width }) => sum + (width ? Number.parseFloat(width) : FLEXIBLE_REM), 0);

function Cell({ link, isFirst, children }: { link?: RowLink; isFirst: boolean; children: ReactNode }) {
  if (children === null || children === undefined || children === "") return null;
  return link ? <Link {...(link as LinkProps)} tabIndex={isFirst ? undefined : -1}>{children}</Link> : <span className="cell">{children}</span>;
}

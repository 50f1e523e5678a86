interface FiguresTableProps {
  readonly caption: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The numbers of a chart, folded away for those who prefer to read them. */
export function FiguresTable({ caption, columns, rows }: FiguresTableProps) {
  return (
    <details class="figures-table">
      <summary>The figures as a table</summary>
      <div class="scroll">
        <table>
          <caption class="visually-hidden">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.join('|')}>
                {row.map((text, index) =>
                  index === 0 ? (
                    <th key={columns[index]} scope="row">
                      {text}
                    </th>
                  ) : (
                    <td key={columns[index]} class="number">
                      {text}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

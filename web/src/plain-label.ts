/** A label in plain words: `Granny_Smith` → `Granny Smith`. */
export function plainLabel(label: string): string {
  return label.replaceAll('_', ' ').trim()
}

import type { ComponentChildren } from 'preact'

interface SectionProps {
  /** Target of the links at the top. */
  readonly id: string
  readonly title: string
  /** What the reader sees here and how to read it, in a sentence or two. */
  readonly lead?: ComponentChildren
  /** What can be done with all of it, beside the heading. */
  readonly action?: ComponentChildren
  readonly children: ComponentChildren
}

/** A part of the report under its heading. */
export function Section({ id, title, lead, action, children }: SectionProps) {
  return (
    <section id={id} class="section" aria-labelledby={`${id}-title`}>
      <div class="section-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {action}
        {lead !== undefined && <p class="section-lead">{lead}</p>}
      </div>
      {children}
    </section>
  )
}

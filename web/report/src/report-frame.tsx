import type { ComponentChildren } from 'preact'
import { formatTime } from './format-numbers.ts'

interface ReportFrameProps {
  readonly eyebrow: string
  readonly title: string
  readonly lead: ComponentChildren
  /** Sections that the reader can jump to. */
  readonly links: readonly { readonly id: string; readonly text: string }[]
  readonly vergerVersion: string
  readonly createdAt: string
  /** Names and ids, for the end of the page. */
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly children: ComponentChildren
}

/** What every report has around its figures: a head, links to its parts, and where it comes from. */
export function ReportFrame(props: ReportFrameProps) {
  return (
    <>
      <header class="head">
        <p class="eyebrow">{props.eyebrow}</p>
        <h1>
          <bdi>{props.title}</bdi>
        </h1>
        <p class="lead">{props.lead}</p>
        {props.links.length > 0 && (
          <nav aria-label="Parts of this report">
            <ul class="links">
              {props.links.map(({ id, text }) => (
                <li key={id}>
                  <a href={`#${id}`}>{text}</a>
                </li>
              ))}
            </ul>
          </nav>
        )}
      </header>
      <main>{props.children}</main>
      <footer class="foot">
        <dl class="facts">
          {props.facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <bdi>{value}</bdi>
              </dd>
            </div>
          ))}
        </dl>
        <p>
          Made by Verger {props.vergerVersion} on {formatTime(props.createdAt)}. This file needs no
          network and sends nothing.
        </p>
      </footer>
    </>
  )
}

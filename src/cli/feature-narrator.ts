/** Says how photos are looked at: a line before, one that moves while it lasts, and one with the rate behind. */

import { formatDuration } from '../core/durations.ts'
import { describeViews } from '../features/views.ts'
import type { FeatureEvent } from '../training/compare-photos.ts'
import type { Terminal } from './context.ts'
import { formatCount, ProgressLine, plural } from './render.ts'

/** `say` takes the lines that stay; what moves goes to `stderr`. */
export function createFeatureNarrator(
  stderr: Terminal,
  say: (text: string) => void,
): (event: FeatureEvent) => void {
  let line: ProgressLine | undefined
  return (event) => {
    switch (event.stage) {
      case 'features':
        say(`Looking at each photo at ${describeViews(event.views)}\n`)
        line = new ProgressLine(stderr, 'photo', event.photos)
        return
      case 'photo':
        line?.add()
        return
      case 'featurized': {
        const { done, elapsedMs } = line?.finish() ?? { done: 0, elapsedMs: 1 }
        const rate = formatCount(Math.round(done / (elapsedMs / 1000)))
        const known = event.reused === 0 ? '' : `, ${formatCount(event.reused)} of them known`
        const damaged =
          event.damaged === 0 ? '' : `, ${plural(event.damaged, 'damaged entry')} made anew`
        say(
          `  ${plural(done, 'photo')} in ${formatDuration(elapsedMs)} (${rate}/s)${known}${damaged}\n`,
        )
        return
      }
    }
  }
}

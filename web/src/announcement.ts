import type { Prediction } from './answer.ts'
import { plainLabel } from './plain-label.ts'
import type { Strings } from './strings.ts'

/** More than this many labels is tiring to hear; the list on the page has them all. */
const SPOKEN_COUNT = 3

/** A prediction as one spoken sentence: `Granny Smith, 93 percent; then lemon, 4 percent.` */
export function announcementFor({ decision, top }: Prediction, strings: Strings): string {
  const [best, ...others] = top
    .slice(0, SPOKEN_COUNT)
    .map(({ label, score }) => `${plainLabel(label)}, ${strings.spokenPercent(score)}`)
  const runnersUp = others.length > 0 ? `${strings.spokenThen}${others.join('; ')}` : ''
  return `${strings.spokenOpening[decision]}${best}${runnersUp}.`
}

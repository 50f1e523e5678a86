/** Says on standard error how far a source has come on its way in. */
import { resolve } from 'node:path'
import { isUrl } from '../deployment/open-source.ts'
import { ByteProgressLine } from './byte-progress-line.ts'
import type { CommandContext } from './context.ts'
import type { CreateNarrator } from './models-api.ts'
import { printable } from './printable.ts'
import { paint } from './render.ts'

export interface SourceNarrator extends Required<CreateNarrator> {
  /** Removes what it drew on a terminal. */
  readonly clear: () => void
}

export function narrateSource({ stderr }: CommandContext): SourceNarrator {
  const line = new ByteProgressLine(stderr, 'fetched')
  const uploads = new ByteProgressLine(stderr, 'uploaded')
  return {
    onLeave(goesOn) {
      line.clear()
      stderr.write(`${paint(stderr, 'yellow', 'note')} ${goesOn}\n`)
    },
    onUpload: (doneBytes, totalBytes) => uploads.update(doneBytes, totalBytes),
    onProgress(progress) {
      if (progress.stage === 'fetching') line.update(progress.doneBytes, progress.totalBytes)
      else line.clear()
    },
    onNote(note) {
      line.clear()
      stderr.write(`${paint(stderr, 'yellow', 'note')} ${printable(note)}\n`)
    },
    clear() {
      line.clear()
      uploads.clear()
    },
  }
}

/** A path is meant from the folder of the user. */
export const resolveOrigin = (from: string, cwd: string): string =>
  isUrl(from) ? from : resolve(cwd, from)

import { useCallback, useEffect, useReducer, useRef } from 'preact/hooks'
import { type Answer, type Failure, isPausing, type Prediction } from './answer.ts'

export type Progress =
  | { readonly step: 'waiting' }
  | { readonly step: 'predicting' }
  | Predicted
  | { readonly step: 'failed'; readonly failure: Failure }

export interface Predicted {
  readonly step: 'predicted'
  readonly prediction: Prediction
  readonly elapsedMs: number
  /** What somebody said it is instead. */
  readonly correctedTo?: string
}

export interface PhotoEntry {
  /** An object URL of the photo: unique, and for the preview; revoked when the photos are replaced. */
  readonly url: string
  readonly photo: File
  readonly progress: Progress
}

interface PhotosState {
  readonly entries: readonly PhotoEntry[]
  readonly shownUrl: string | undefined
}

type Action =
  | { readonly type: 'given'; readonly entries: readonly PhotoEntry[] }
  | { readonly type: 'progressed'; readonly url: string; readonly progress: Progress }
  | { readonly type: 'corrected'; readonly url: string; readonly label: string }
  | { readonly type: 'shown'; readonly url: string }
  | { readonly type: 'restarted' }

/** Predicts one photo; rejects only when `signal` is aborted. */
export type Ask = (photo: File, signal: AbortSignal) => Promise<Answer>

export interface Photos {
  readonly entries: readonly PhotoEntry[]
  /** The one shown large; undefined before the first photo. */
  readonly shown: PhotoEntry | undefined
  /** Replaces all photos, aborts what is under way, and predicts the new ones in order. */
  readonly give: (photos: readonly File[]) => void
  readonly show: (entry: PhotoEntry) => void
  /** Predicts this photo again and goes on with those that still wait. */
  readonly retry: (entry: PhotoEntry) => void
  /** Predicts all photos again. */
  readonly restart: () => void
  /** Remembers what somebody said a photo shows. */
  readonly correct: (entry: PhotoEntry, label: string) => void
}

const WAITING: Progress = { step: 'waiting' }

/**
 * The photos on the page. Each goes waiting → predicting → predicted | failed. A failure that the
 * next photo would meet too (no network, no token, a busy server) leaves the rest waiting for `retry`.
 */
export function usePhotos(ask: Ask): Photos {
  const [{ entries, shownUrl }, dispatch] = useReducer(reduce, { entries: [], shownUrl: undefined })
  const controller = useRef(new AbortController())
  const givenUrls = useRef<readonly string[]>([])
  const latestAsk = useRef(ask)
  latestAsk.current = ask

  const stop = (): void => {
    controller.current.abort()
    for (const url of givenUrls.current) URL.revokeObjectURL(url)
  }
  useEffect(() => stop, [])

  const start = (queue: readonly PhotoEntry[]): void => {
    controller.current.abort()
    controller.current = new AbortController()
    void runQueue(queue, latestAsk.current, controller.current.signal, dispatch)
  }

  // Reads refs alone, so that the first one stays good.
  const give = useCallback((photos: readonly File[]): void => {
    const given = photos.map(
      (photo): PhotoEntry => ({
        url: URL.createObjectURL(photo),
        photo,
        progress: WAITING,
      }),
    )
    stop()
    givenUrls.current = given.map(({ url }) => url)
    dispatch({ type: 'given', entries: given })
    start(given)
  }, [])

  return {
    entries,
    shown: entries.find(({ url }) => url === shownUrl),
    give,
    show: ({ url }) => dispatch({ type: 'shown', url }),
    retry: ({ url }) =>
      start(entries.filter((entry) => entry.url === url || isUnfinished(entry.progress))),
    restart() {
      dispatch({ type: 'restarted' })
      start(entries)
    },
    correct: ({ url }, label) => dispatch({ type: 'corrected', url, label }),
  }
}

export function isUnfinished({ step }: Progress): boolean {
  return step === 'waiting' || step === 'predicting'
}

async function runQueue(
  queue: readonly PhotoEntry[],
  ask: Ask,
  signal: AbortSignal,
  dispatch: (action: Action) => void,
): Promise<void> {
  for (const { url, photo } of queue) {
    dispatch({ type: 'progressed', url, progress: { step: 'predicting' } })
    const startedMs = performance.now()
    const answer = await ask(photo, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    if (!answer || signal.aborted) return
    const { prediction, failure } = answer
    if (prediction) {
      const elapsedMs = performance.now() - startedMs
      dispatch({ type: 'progressed', url, progress: { step: 'predicted', prediction, elapsedMs } })
    } else {
      dispatch({ type: 'progressed', url, progress: { step: 'failed', failure } })
      if (isPausing(failure)) {
        dispatch({ type: 'shown', url })
        return
      }
    }
  }
}

function reduce(state: PhotosState, action: Action): PhotosState {
  switch (action.type) {
    case 'given':
      return { entries: action.entries, shownUrl: action.entries[0]?.url }
    case 'shown':
      return { ...state, shownUrl: action.url }
    case 'restarted':
      return { ...state, entries: state.entries.map((entry) => ({ ...entry, progress: WAITING })) }
    case 'progressed':
      return { ...state, entries: withProgress(state.entries, action.url, () => action.progress) }
    case 'corrected':
      return {
        ...state,
        entries: withProgress(state.entries, action.url, (progress) =>
          progress.step === 'predicted' ? { ...progress, correctedTo: action.label } : progress,
        ),
      }
  }
}

function withProgress(
  entries: readonly PhotoEntry[],
  url: string,
  change: (progress: Progress) => Progress,
): readonly PhotoEntry[] {
  return entries.map((entry) =>
    entry.url === url ? { ...entry, progress: change(entry.progress) } : entry,
  )
}

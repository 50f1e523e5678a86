import { useEffect, useRef, useState } from 'preact/hooks'
import type { Failure } from './answer.ts'
import type { Outcome } from './ask-server.ts'
import { listModels, type Model } from './models.ts'

/** Stands for the network and its own classes where the name of a model may stand. */
export const BACKBONE = ''

const STORAGE_KEY = 'verger.model'

export interface Models {
  /** Empty until they are known. */
  readonly models: readonly Model[]
  /** The model that is asked; undefined for the network itself. */
  readonly chosen: Model | undefined
  /** Chooses a model by its name, or `BACKBONE`, for this browser. */
  readonly choose: (name: string) => void
  /** Waits until the models are known and gives the one to ask; asks the server again where it had failed. */
  readonly modelToAsk: () => Promise<
    | { readonly model: Model | undefined; readonly failure?: never }
    | { readonly failure: Failure; readonly model?: never }
  >
}

/** The models of the server and which of them this browser wants to ask: the first one until somebody chooses. */
export function useModels(): Models {
  const [models, setModels] = useState<readonly Model[]>([])
  const [choice, setChoice] = useState(() => localStorage.getItem(STORAGE_KEY) ?? undefined)
  const latestChoice = useRef(choice)
  const loading = useRef<Promise<Outcome<readonly Model[]>> | undefined>(undefined)

  const load = (): Promise<Outcome<readonly Model[]>> => {
    const listing =
      loading.current ??
      listModels().then((listed) => {
        if (listed.failure) loading.current = undefined
        else setModels(listed.result)
        return listed
      })
    loading.current = listing
    return listing
  }
  useEffect(() => void load(), [])

  return {
    models,
    chosen: chosenAmong(models, choice),
    choose(name) {
      localStorage.setItem(STORAGE_KEY, name)
      latestChoice.current = name
      setChoice(name)
    },
    async modelToAsk() {
      const { result, failure } = await load()
      return failure ? { failure } : { model: chosenAmong(result, latestChoice.current) }
    },
  }
}

function chosenAmong(models: readonly Model[], choice: string | undefined): Model | undefined {
  if (choice === BACKBONE) return undefined
  return models.find(({ name }) => name === choice) ?? models[0]
}

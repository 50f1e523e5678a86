/** The models of this page's server and what is known of their versions. */
import { isRecord, isText, type ModelVersion, readJson } from './answer.ts'
import { askServer, type Outcome } from './ask-server.ts'

export interface Model {
  readonly name: string
  /** Whether its owner keeps photos whose answer was corrected. */
  readonly keepsCorrections: boolean
}

export interface VersionDetails {
  readonly labels: readonly string[]
  readonly hasReport: boolean
}

/** The models that can answer, in the order of their names. */
export function listModels(): Promise<Outcome<readonly Model[]>> {
  return askServer('/api/models', {}, async (response) => {
    const body = await readJson(response)
    if (!Array.isArray(body)) return undefined
    return body
      .filter(isRecord)
      .flatMap(({ name, defaultVersion, keepCorrections }): Model[] =>
        isText(name) && isText(defaultVersion)
          ? [{ name, keepsCorrections: keepCorrections === true }]
          : [],
      )
  })
}

export function readVersion(version: ModelVersion): Promise<Outcome<VersionDetails>> {
  return askServer(urlOf(version), {}, async (response) => {
    const body = await readJson(response)
    if (!isRecord(body) || !Array.isArray(body.classes)) return undefined
    return { labels: body.classes.filter(isText), hasReport: body.hasReport === true }
  })
}

export const reportUrlOf = (version: ModelVersion): string => `${urlOf(version)}/report`

export interface NewCorrection extends ModelVersion {
  readonly photo: File
  readonly label: string
}

/** Gives a photo to the server for good, with what it shows. */
export function sendCorrection(correction: NewCorrection): Promise<Outcome<true>> {
  const { model, version, photo, label } = correction
  const body = new FormData()
  body.set('version', version)
  body.set('label', label)
  body.set('photo', photo, photo.name)
  const url = `/api/models/${encodeURIComponent(model)}/corrections`
  return askServer(url, { method: 'POST', body }, async (): Promise<true> => true)
}

function urlOf({ model, version }: ModelVersion): string {
  return `/api/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}`
}

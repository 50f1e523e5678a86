/** Regions: Verger runs where it was started, and answers under whichever of their names a client uses. */
import { maySee } from '../../../registry/scopes.ts'
import type { CloudHandler } from './cloud-request.ts'
import { pageOf, parsePage } from './pages.ts'
import { readKept } from './resources.ts'

/** Where models of the service were when nobody said otherwise. */
const USUAL_REGION = 'us-central1'

export const listLocations: CloudHandler = async ({ params, query, caller }, { home }) => {
  const models = (await (await home.find())?.registry.listModels()) ?? []
  const regions = models
    .filter(({ name }) => maySee(caller, name))
    .flatMap((model) => readKept(model)['regions'] ?? [])
    .map(String)
  return pageOf([...new Set([USUAL_REGION, ...regions])].sort(), parsePage(query), {
    name: 'locations',
    keyOf: (region) => region,
    show: (region) => describeLocation(params.project, region),
  })
}

export const getLocation: CloudHandler = async ({ params: { project, location } }) =>
  describeLocation(project, location)

const describeLocation = (project: string, location: string) => ({
  name: `projects/${project}/locations/${location}`,
  capabilities: [{ type: 'ONLINE_PREDICTION' }],
})

/** Verger reads buckets with the credentials of its own process, and has no account that others could let in. */
export const getConfig: CloudHandler = async () => ({})

/** Jobs: none are run yet, and none are made up. */
import { fieldError, unimplemented } from './cloud-error.ts'
import type { CloudHandler } from './cloud-request.ts'
import { parseFilter } from './filter.ts'
import { parsePage } from './pages.ts'

export const listJobs: CloudHandler = async ({ query }) => {
  parsePage(query)
  parseFilter(query['filter'])
  return {}
}

export const refuseJob: CloudHandler = async () => {
  throw unimplemented(
    'Jobs are not offered: train with verger train DATASET --register MODEL and predict with projects.predict',
  )
}

export const missJob: CloudHandler = async ({ params }) => {
  throw fieldError(
    'name',
    `There is no job ${JSON.stringify(params.job)}; operations are listed under projects/${params.project}/operations.`,
    'NOT_FOUND',
  )
}

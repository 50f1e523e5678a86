/**
 * Jobs: none are run for others, and none are made up. What takes time here are operations, and each of them is shown as
 * the job of its name too, since `jobs describe`, `jobs cancel` and `jobs stream-logs` ask for jobs.
 */
import type { Operation } from '../../../registry/operation.ts'
import { listOperations } from '../../../registry/operations.ts'
import { maySee } from '../../../registry/scopes.ts'
import { findOperation } from '../operations.ts'
import { unimplemented } from './cloud-error.ts'
import type { CloudHandler } from './cloud-request.ts'
import { parseFilter } from './filter.ts'
import { describeFailure } from './operation-views.ts'
import { cancelOperation } from './operations.ts'
import { pageOf, parsePage } from './pages.ts'

export const listJobs: CloudHandler = async ({ query, caller }, { home }) => {
  const page = parsePage(query)
  const isWanted = parseFilter(query['filter'])
  const opened = await home.find()
  const operations = opened === undefined ? [] : await listOperations(opened.store)
  return pageOf(
    operations.filter((each) => maySee(caller, each.model) && isWanted(toCloudJob(each))),
    page,
    {
      name: 'jobs',
      keyOf: ({ createdAt, id }) => `${createdAt} ${id}`,
      show: toCloudJob,
      isNewestFirst: true,
    },
  )
}

export const getJob: CloudHandler = async ({ params, caller }, { home }) =>
  toCloudJob((await findOperation(home, params.job, caller)).operation)

export const cancelJob: CloudHandler = (request, options) =>
  cancelOperation(
    { ...request, params: { ...request.params, operation: request.params.job } },
    options,
  )

export const createJob: CloudHandler = async () => {
  throw unimplemented(
    'Jobs are not offered: train with verger train DATASET --register MODEL and predict with projects.predict',
  )
}

export const patchJob: CloudHandler = async ({ params, caller }, { home }) => {
  await findOperation(home, params.job, caller)
  throw unimplemented(
    'What stands here as a job is an operation, which keeps no labels: label the model or the version, with models.patch or versions.patch',
  )
}

/** An operation in the form of a job. */
function toCloudJob(operation: Operation): object {
  const { id, model, version, state, createdAt, startedAt, endedAt } = operation
  return {
    jobId: id,
    createTime: createdAt,
    ...(startedAt === undefined ? {} : { startTime: startedAt }),
    ...(endedAt === undefined ? {} : { endTime: endedAt }),
    state: stateOf(operation),
    ...(state === 'failed' ? { errorMessage: describeFailure(operation).message } : {}),
    labels: { model, ...(version === undefined ? {} : { version }) },
  }
}

function stateOf({ state, isCancelRequested }: Operation): string {
  switch (state) {
    case 'running':
      return isCancelRequested ? 'CANCELLING' : 'RUNNING'
    case 'done':
      return 'SUCCEEDED'
    case 'failed':
      return 'FAILED'
    default:
      return 'CANCELLED'
  }
}

/**
 * `POST /v2/entries:list` of the Logging API, which `gcloud ai-platform jobs stream-logs` asks: what operations had to tell,
 * and which version became the default (https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list).
 */
import type { Operation } from '../../../registry/operation.ts'
import { listOperations } from '../../../registry/operations.ts'
import type { DefaultChange } from '../../../registry/registry.ts'
import { type Caller, maySee } from '../../../registry/scopes.ts'
import type { HomeRegistry, OpenedRegistry } from '../../home-registry.ts'
import { fieldError } from './cloud-error.ts'
import { parseFilter } from './filter.ts'
import { pageOf, parsePage } from './pages.ts'
import { isObject } from './parse-message.ts'

/** Largest page that the Logging API gives. */
const MAX_ENTRIES = 1000

interface LogEntry {
  readonly timestamp: string
  readonly insertId: string
}

export async function listEntries(
  body: unknown,
  caller: Caller,
  home: HomeRegistry,
): Promise<object> {
  const request = isObject(body) ? body : {}
  const { filter, orderBy = 'timestamp asc', pageSize, pageToken } = request
  const project = projectOf(request['resourceNames'])
  if (orderBy !== 'timestamp asc' && orderBy !== 'timestamp desc') {
    throw fieldError(
      'order_by',
      `Expected timestamp asc or timestamp desc, received ${JSON.stringify(orderBy)}.`,
    )
  }
  const isWanted = parseFilter(typeof filter === 'string' ? filter : undefined)
  const page = parsePage(
    {
      ...(pageSize === undefined ? {} : { pageSize: String(pageSize) }),
      ...(typeof pageToken === 'string' ? { pageToken } : {}),
    },
    MAX_ENTRIES,
  )
  const opened = await home.find()
  const entries = opened === undefined ? [] : await readEntries(project, caller, opened)
  const isNewestFirst = orderBy === 'timestamp desc'
  const keyOf = ({ timestamp, insertId }: LogEntry) => `${timestamp} ${insertId}`
  const sign = isNewestFirst ? -1 : 1
  return pageOf(
    entries.filter(isWanted).sort((left, right) => (keyOf(left) < keyOf(right) ? -sign : sign)),
    page,
    { name: 'entries', keyOf, show: (entry) => entry, isNewestFirst },
  )
}

function projectOf(names: unknown): string {
  const [first] = Array.isArray(names) ? names : []
  const project = typeof first === 'string' ? /^projects\/([^/]+)/.exec(first)?.[1] : undefined
  if (project !== undefined) return project
  throw fieldError('resource_names', 'Expected a project, such as projects/my-project.')
}

async function readEntries(
  project: string,
  caller: Caller,
  { registry, store }: OpenedRegistry,
): Promise<LogEntry[]> {
  const operations = (await listOperations(store)).filter(({ model }) => maySee(caller, model))
  const models = (await registry.listModels()).filter(({ name }) => maySee(caller, name))
  const changes = await Promise.all(
    models.map(async ({ name }) =>
      (await registry.readHistory(name)).map((change) => entryOfChange(project, name, change)),
    ),
  )
  return [...operations.flatMap((each) => entriesOfOperation(project, each)), ...changes.flat()]
}

/** An operation stands where clients look for a job: `stream-logs` takes its name. */
function entriesOfOperation(project: string, operation: Operation): LogEntry[] {
  const { id, kind, model, version, createdAt, lines } = operation
  const begun = {
    at: createdAt,
    severity: 'INFO',
    message: `${kind} ${model}${version === undefined ? '' : `/${version}`}`,
  }
  return [begun, ...lines].map(({ at, severity, message }, index) => ({
    logName: `projects/${project}/logs/ml.googleapis.com%2F${id}`,
    resource: {
      type: 'cloudml_job',
      labels: { project_id: project, job_id: id, task_name: 'service' },
    },
    labels: { model_id: model, ...(version === undefined ? {} : { version_id: version }) },
    timestamp: at,
    receiveTimestamp: at,
    severity,
    insertId: `${id}-${String(index).padStart(4, '0')}`,
    textPayload: message,
  }))
}

function entryOfChange(project: string, model: string, change: DefaultChange): LogEntry {
  const { at, kind, who, why, from = 'none', to = 'none' } = change
  const entry = {
    logName: `projects/${project}/logs/ml.googleapis.com%2Fdefault`,
    resource: {
      type: 'cloudml_model_version',
      labels: { project_id: project, model_id: model, version_id: to, region: 'global' },
    },
    timestamp: at,
    receiveTimestamp: at,
    severity: 'NOTICE',
    insertId: `${model}-${at}`,
    textPayload: `${kind}: ${from} → ${to} by ${who}${why === '' ? '' : `: ${why}`}`,
  }
  return entry
}

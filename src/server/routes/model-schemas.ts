/** JSON Schemas of models and versions. */
import { refTo } from './schemas.ts'

/** See `DefaultChangeKind` in `store/schema.ts`. */
const DEFAULT_CHANGE_KINDS = ['set', 'rollback', 'delete', 'canary', 'shadow'] as const

export const HASH = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const
const TIME = { type: 'string', format: 'date-time' } as const
const CLASSES = { type: 'array', items: { type: 'string' } } as const
const SHARE = { type: 'number', minimum: 0, maximum: 1 } as const
const INTERVAL = {
  type: 'object',
  description: 'A share with its 95 % interval',
  properties: { value: SHARE, low: SHARE, high: SHARE },
  required: ['value', 'low', 'high'],
} as const

const LABELS = {
  type: 'object',
  description: 'What the owner sorts by: name → value',
  additionalProperties: { type: 'string' },
  examples: [{ team: 'market' }],
} as const
const ANNOTATIONS = {
  type: 'object',
  description: 'What a foreign protocol said and gets back, by the name of the protocol',
  additionalProperties: true,
} as const
const ETAG = {
  type: 'string',
  description: 'Another text after every change; see If-Match',
} as const

export const DESCRIPTION = { type: 'string', maxLength: 10_000 } as const
/** Why a default changes, for its history. */
export const WHY = {
  type: 'string',
  maxLength: 1000,
  description: 'Reason, for the history',
} as const

export const OF_MODEL = {
  type: 'object',
  properties: { model: { type: 'string', description: 'Name of the model', examples: ['fruits'] } },
  required: ['model'],
} as const
export const OF_VERSION = {
  type: 'object',
  properties: {
    ...OF_MODEL.properties,
    version: { type: 'string', description: 'Name of the version', examples: ['v1'] },
  },
  required: ['model', 'version'],
} as const

export interface OfModel {
  readonly model: string
}

export interface OfVersion extends OfModel {
  readonly version: string
}

const MODEL_SCHEMA = {
  $id: 'Model',
  title: 'Model',
  type: 'object',
  properties: {
    name: {
      type: 'string',
      description: 'Starts with a letter; letters, digits, _ and -, at most 128',
    },
    description: { type: 'string', description: 'What the model is for' },
    defaultVersion: {
      type: 'string',
      description: 'The version that answers where none is named; absent without one',
    },
    keepCorrections: {
      type: 'boolean',
      description: 'Whether the owner keeps photos whose answer was corrected',
    },
    keepCorrectionsDays: {
      type: 'integer',
      description: 'Days after which a corrected photo is removed; absent keeps it',
    },
    versions: { type: 'integer', description: 'How many versions it has' },
    labels: LABELS,
    annotations: ANNOTATIONS,
    canary: {
      type: 'object',
      description: 'The version that gets a share of the requests that name none',
      properties: {
        version: { type: 'string' },
        percent: { type: 'integer', minimum: 1, maximum: 99 },
      },
      required: ['version', 'percent'],
    },
    shadow: {
      type: 'string',
      description: 'The version that is asked beside the one that answers, for comparison',
    },
    etag: ETAG,
    createdAt: TIME,
    updatedAt: TIME,
    classes: { ...CLASSES, description: 'What the version that answers can name' },
    error: { description: 'What kept its classes from being read', ...refTo('Error') },
  },
  required: [
    'name',
    'description',
    'keepCorrections',
    'versions',
    'labels',
    'annotations',
    'etag',
    'createdAt',
    'updatedAt',
  ],
  examples: [
    {
      name: 'fruits',
      description: 'Fruit at the market',
      defaultVersion: 'v1',
      keepCorrections: false,
      versions: 1,
      labels: { team: 'market' },
      annotations: {},
      etag: '7d6f5e4c3b2a1908',
      createdAt: '2026-11-22T09:01:00.000Z',
      updatedAt: '2026-11-22T09:01:00.000Z',
      classes: ['apple', 'banana'],
    },
  ],
} as const

export const MODEL_SETTINGS = {
  description: { ...DESCRIPTION, description: 'What the model is for' },
  keepCorrections: {
    type: 'boolean',
    description: 'Keep photos whose answer was corrected, for the next training',
  },
  keepCorrectionsDays: {
    type: ['integer', 'null'],
    minimum: 1,
    description: 'Days after which a corrected photo is removed; null keeps it',
  },
  labels: LABELS,
} as const

export const VERSION_SETTINGS = {
  description: { ...DESCRIPTION, description: 'What is special about it' },
  labels: LABELS,
} as const

/** RFC 9110, section 13.1.1: change only what is still as it was when somebody read it. */
export const IF_MATCH = {
  type: 'object',
  properties: {
    'if-match': {
      type: 'string',
      description: 'The etag that must still stand, in quotes, or *',
    },
  },
} as const

const VERSION_PROPERTIES = {
  model: { type: 'string' },
  name: { type: 'string' },
  bundle: { ...HASH, description: 'SHA-256 of its bundle.json' },
  files: {
    type: 'object',
    description: 'Name of each file → SHA-256 of its bytes',
    additionalProperties: HASH,
  },
  description: { type: 'string', description: 'What is special about it' },
  labels: LABELS,
  annotations: ANNOTATIONS,
  backboneFiles: {
    type: 'object',
    description: 'Like files, of its backbone; absent where that ships with Verger',
    additionalProperties: HASH,
  },
  etag: ETAG,
  createdAt: TIME,
  isDefault: { type: 'boolean', description: 'Whether it answers where no version is named' },
} as const

const VERSION_SCHEMA = {
  $id: 'Version',
  title: 'Version',
  type: 'object',
  properties: VERSION_PROPERTIES,
  required: Object.keys(VERSION_PROPERTIES).filter((name) => name !== 'backboneFiles'),
} as const

export const FIGURES_SCHEMA = {
  type: 'object',
  description: 'What was measured; absent where the version was registered without a report',
  properties: {
    measuredOn: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        id: { type: 'string' },
        photos: { type: 'integer' },
        choice: { type: 'string', description: 'How the photos were chosen' },
        cautions: {
          type: 'array',
          items: { type: 'string' },
          description: 'What to know before believing the figures',
        },
      },
    },
    accuracy: INTERVAL,
    macroF1: SHARE,
    topK: { type: 'object', properties: { k: { type: 'integer' }, accuracy: SHARE } },
    calibrationError: INTERVAL,
    decisions: {
      type: 'object',
      description: 'Photos by decision',
      properties: {
        ok: { type: 'integer' },
        unsure: { type: 'integer' },
        unknown: { type: 'integer' },
      },
    },
  },
} as const

const IMPORTED = {
  type: 'object',
  description: 'The foreign model that it was read from; absent where it was trained',
  properties: {
    sha256: HASH,
    readAs: { type: 'string', description: 'Its format' },
    notes: { type: 'array', items: { type: 'string' } },
  },
} as const

const VERSION_DETAILS_SCHEMA = {
  $id: 'VersionDetails',
  title: 'VersionDetails',
  type: 'object',
  properties: {
    ...VERSION_PROPERTIES,
    classes: { ...CLASSES, description: 'What it can name' },
    backbone: { type: 'string', description: 'Network whose features it judges' },
    training: {
      type: 'object',
      description: 'What it learned from; absent where it was imported',
      properties: {
        dataset: { type: 'string', description: 'Id of the dataset version' },
        photos: { type: 'integer' },
        photosPerLabel: {
          type: 'array',
          items: { type: 'integer' },
          description: 'In the order of the classes',
        },
      },
    },
    imported: IMPORTED,
    figures: FIGURES_SCHEMA,
    hasReport: { type: 'boolean', description: 'Whether …/report has a page' },
  },
  required: [...VERSION_SCHEMA.required, 'classes', 'backbone', 'hasReport'],
} as const

const CHANGE_SCHEMA = {
  $id: 'DefaultChange',
  title: 'DefaultChange',
  type: 'object',
  description: 'One change of what answers',
  properties: {
    at: TIME,
    kind: { type: 'string', enum: DEFAULT_CHANGE_KINDS },
    who: { type: 'string', description: 'Name of the token, or of the user of the process' },
    why: { type: 'string' },
    from: { type: 'string', description: 'Version before; absent for the first' },
    to: { type: 'string', description: 'Version since; absent where there is none any more' },
    percent: { type: 'integer', description: 'Of the requests, for a canary' },
    tookMs: {
      type: 'number',
      description: 'Milliseconds from the request for the change until the version answered',
    },
  },
  required: ['at', 'kind', 'who', 'why'],
  examples: [
    {
      at: '2026-11-22T09:01:00.000Z',
      kind: 'set',
      who: 'ci',
      why: 'better on bananas',
      from: 'v1',
      to: 'v2',
    },
  ],
} as const

/** See `training/model-card.ts`, whose order this is. */
const CARD_SCHEMA = {
  $id: 'ModelCard',
  title: 'ModelCard',
  description: 'What a reader must know to trust a model: its data, backbone, figures and limits.',
  type: 'object',
  properties: {
    model: { type: 'string' },
    description: { type: 'string' },
    keepCorrections: { type: 'boolean' },
    labels: LABELS,
    canary: MODEL_SCHEMA.properties.canary,
    shadow: MODEL_SCHEMA.properties.shadow,
    version: { type: 'string' },
    versionDescription: { type: 'string' },
    versionLabels: LABELS,
    bundle: HASH,
    registeredAt: TIME,
    default: { description: 'How it became the default', $ref: 'DefaultChange#' },
    backbone: { description: 'Network whose features it judges' },
    head: { description: 'How it judges them' },
    data: { description: 'What it learned from; absent where it was imported' },
    tuning: { description: 'How its network was fine-tuned; absent where it was not' },
    imported: { description: 'Where it comes from; absent where it was trained' },
    figures: { description: 'Absent where the version was registered without a report' },
    intendedUse: { type: 'array', items: { type: 'string' } },
    limits: { type: 'array', items: { type: 'string' } },
  },
  required: ['model', 'version', 'backbone', 'head', 'intendedUse', 'limits'],
} as const

export const MODEL_SCHEMAS = [
  MODEL_SCHEMA,
  VERSION_SCHEMA,
  VERSION_DETAILS_SCHEMA,
  CHANGE_SCHEMA,
  CARD_SCHEMA,
] as const

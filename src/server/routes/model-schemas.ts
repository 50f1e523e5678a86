/** JSON Schemas of models and versions. */
import { ERROR_SCHEMA } from './schemas.ts'

const LABELS = { type: 'array', items: { type: 'string' } } as const
const SHARE = { type: 'number', minimum: 0, maximum: 1 } as const
const INTERVAL = {
  type: 'object',
  description: 'A share with its 95 % interval',
  properties: { value: SHARE, low: SHARE, high: SHARE },
  required: ['value', 'low', 'high'],
} as const

const SUMMARY_PROPERTIES = {
  name: { type: 'string' },
  description: { type: 'string', description: 'What the model is for' },
  defaultVersion: { type: 'string', description: 'The version that answers; absent without one' },
  keepCorrections: {
    type: 'boolean',
    description: 'Whether the owner keeps photos whose answer was corrected',
  },
  createdAt: { type: 'string', format: 'date-time' },
  labels: { ...LABELS, description: 'What the version that answers can name' },
  error: { ...ERROR_SCHEMA.properties.error, description: 'What kept the labels from being read' },
} as const
const SUMMARY_REQUIRED = ['name', 'description', 'keepCorrections', 'versions', 'createdAt']

const VERSION_PROPERTIES = {
  model: { type: 'string' },
  name: { type: 'string' },
  bundle: { type: 'string', description: 'SHA-256 of its bundle.json' },
  description: { type: 'string' },
  createdAt: { type: 'string', format: 'date-time' },
  isDefault: { type: 'boolean', description: 'Whether it answers where no version is named' },
} as const
const VERSION_REQUIRED = Object.keys(VERSION_PROPERTIES)

export const MODELS_SCHEMA = {
  description: 'Every model.',
  type: 'array',
  items: {
    type: 'object',
    properties: {
      ...SUMMARY_PROPERTIES,
      versions: { type: 'integer', description: 'How many versions it has' },
    },
    required: SUMMARY_REQUIRED,
  },
} as const

export const MODEL_SCHEMA = {
  description: 'The model.',
  type: 'object',
  properties: {
    ...SUMMARY_PROPERTIES,
    versions: {
      type: 'array',
      description: 'Its versions, the newest first',
      items: { type: 'object', properties: VERSION_PROPERTIES, required: VERSION_REQUIRED },
    },
  },
  required: SUMMARY_REQUIRED,
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

export const VERSION_SCHEMA = {
  description: 'The version.',
  type: 'object',
  properties: {
    ...VERSION_PROPERTIES,
    labels: { ...LABELS, description: 'What it can name' },
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
          description: 'In the order of the labels',
        },
      },
    },
    imported: {
      type: 'object',
      description: 'The foreign model that it was read from; absent where it was trained',
      properties: {
        sha256: { type: 'string' },
        readAs: { type: 'string', description: 'Its format' },
        notes: { type: 'array', items: { type: 'string' } },
      },
    },
    figures: FIGURES_SCHEMA,
    hasReport: { type: 'boolean', description: 'Whether …/report has a page' },
  },
  required: [...VERSION_REQUIRED, 'labels', 'backbone', 'hasReport'],
} as const

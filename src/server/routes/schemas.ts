/** JSON Schemas that several routes share. */
export const ERROR_SCHEMA = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        code: { type: 'string', description: 'Stable; listed in docs/reference/errors.md' },
        message: { type: 'string', description: 'What was expected and what was received' },
        hint: { type: 'string', description: 'What to do' },
      },
      required: ['code', 'message'],
    },
  },
} as const

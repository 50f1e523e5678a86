/** The two ways in which fields are spelled. */

/** `deploymentUri` → `deployment_uri`, as errors and old clients name a field. */
export const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** `deployment_uri` → `deploymentUri`. */
export const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

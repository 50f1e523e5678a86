/** Versions in protocols that number them. Names of versions start with a letter, so that a number stands for none itself. */

/** `3` is the version `v3`; a name stays as it is. */
export const versionOfNumber = (text: string): string => (/^\d+$/.test(text) ? `v${text}` : text)

/** `v3` is the number `3`; a name that follows no number stays as it is. */
export const numberOfVersion = (name: string): string =>
  /^v(?:0|[1-9]\d*)$/.test(name) ? name.slice(1) : name

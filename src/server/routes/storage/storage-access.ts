/** Who may ask the storage calls. */

/** Uploading is part of deploying; a token that is for some models may do it, and sees nobody's files. */
export const MAY_UPLOAD = { scope: 'manage', isFiltered: true } as const
export const MAY_MANAGE = { scope: 'manage' } as const
export const hide = { schema: { hide: true } } as const

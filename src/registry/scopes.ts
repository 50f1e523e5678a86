/** What a token allows. Each scope stands for itself; a token has one or several. */
export const SCOPES = ['predict', 'read', 'manage'] as const
export type Scope = (typeof SCOPES)[number]

/** Who asks, and what for they may ask. */
export interface Caller {
  /** For the history, the audit log and the log lines. */
  readonly name: string
  readonly scopes: readonly Scope[]
  /** The only models that exist for this caller; undefined stands for all. */
  readonly models?: readonly string[]
}

/** Whether a model exists for a caller: what lists leave out otherwise. */
export const maySee = ({ models }: Caller, model: string): boolean =>
  models === undefined || models.includes(model)

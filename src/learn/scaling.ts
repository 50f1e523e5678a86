/** How features are brought to one scale before a head sees them. */

/** `standard` divides each feature by its deviation; `unit` divides each photo's features by their length. */
export const SCALINGS = ['standard', 'unit'] as const
export type Scaling = (typeof SCALINGS)[number]

import type { Model } from './models.ts'
import { BACKBONE } from './use-models.ts'
import { useStrings } from './use-strings.ts'

interface ModelPickerProps {
  readonly models: readonly Model[]
  readonly chosen: Model | undefined
  readonly onChoose: (name: string) => void
}

/** Who is asked: one of the server's models, or the network with its own thousand classes. */
export function ModelPicker({ models, chosen, onChoose }: ModelPickerProps) {
  const strings = useStrings()
  return (
    <label class="model-picker">
      <span>{strings.model}</span>
      <select
        value={chosen?.name ?? BACKBONE}
        onChange={({ currentTarget }) => onChoose(currentTarget.value)}
      >
        {models.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
        <option value={BACKBONE}>{strings.backboneClasses}</option>
      </select>
    </label>
  )
}

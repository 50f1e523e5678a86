/** Writes small HDF5 files with the library that reads them, as h5py would. */
import { File, ready } from 'h5wasm'

export interface Hdf5Group {
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>
  readonly members?: Readonly<Record<string, Hdf5Group | Hdf5Values>>
}
export interface Hdf5Values {
  readonly dims: readonly number[]
  readonly data: Float32Array | Float64Array | Int32Array
}

let written = 0

export async function writeHdf5(root: Hdf5Group): Promise<Uint8Array> {
  const { FS } = await ready
  const path = `/written${written++}.h5`
  const file = new File(path, 'w')
  fill(file, root)
  file.close()
  const bytes = (FS as unknown as { readFile(path: string): Uint8Array }).readFile(path)
  FS.unlink(path)
  return bytes
}

function fill(group: File | ReturnType<File['create_group']>, { attributes, members }: Hdf5Group) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    group.create_attribute(name, typeof value === 'string' ? value : [...value])
  }
  for (const [name, member] of Object.entries(members ?? {})) {
    if ('data' in member) {
      group.create_dataset({ name, data: member.data, shape: [...member.dims] })
    } else fill(group.create_group(name), member)
  }
}

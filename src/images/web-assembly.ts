/** The part of WebAssembly in use, typed: the types of Node.js leave it to those of browsers. */
export const { WebAssembly: webAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object
    /** Of a module without imports. */
    readonly Instance: new (
      module: object,
    ) => { readonly exports: unknown }
    readonly RuntimeError: new () => Error
  }
}

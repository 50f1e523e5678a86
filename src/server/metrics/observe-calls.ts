import { toVergerError } from '../../core/errors.ts'

export interface ObservedCall {
  readonly operation: string
  readonly seconds: number
  /** `ok`, or the code of the error. */
  readonly result: string
}

/** The same object, with every method that gives a promise timed; others are passed on as they are. */
export function observeCalls<Target extends object>(
  target: Target,
  record: (call: ObservedCall) => void,
): Target {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function' || typeof name === 'symbol') return member
      return (...args: unknown[]) => {
        const startMs = performance.now()
        const settled = (result: string) =>
          record({ operation: name, seconds: (performance.now() - startMs) / 1000, result })
        const value: unknown = Reflect.apply(member, target, args)
        if (value instanceof Promise) {
          value.then(
            () => settled('ok'),
            (error: unknown) => settled(toVergerError(error).code),
          )
        }
        return value
      }
    },
  })
}

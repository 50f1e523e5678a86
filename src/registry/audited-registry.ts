import type { Store } from '../store/store.ts'
import { type AuditEntry, recordAudit } from './audit.ts'
import { createRegistry, type Registry } from './registry.ts'

type Written = Pick<AuditEntry, 'action' | 'target' | 'details'>

/** The store, with an entry of the audit log in the transaction of whatever is written. */
export function auditedStore(store: Store, who: string, written: Written): Store {
  return {
    ...store,
    write: (work) =>
      store.write(async (trx) => {
        const result = await work(trx)
        await recordAudit(trx, { who, outcome: 'ok', ...written })
        return result
      }),
  }
}

const pathOf = (model: string, version: string | undefined): string =>
  version === undefined ? model : `${model}/${version}`

/** The registry, with every change by `who` in the audit log: both are kept, or neither. */
export function auditedRegistry(store: Store, who: string): Registry {
  const registry = createRegistry(store)
  const to = (action: string, target: string, details = {}) =>
    createRegistry(auditedStore(store, who, { action, target, details }))
  return {
    ...registry,
    createModel: (name, settings) => to('model.create', name).createModel(name, settings),
    updateModel: (name, settings, precondition) =>
      to('model.update', name).updateModel(name, settings, precondition),
    deleteModel: (name, deletion = {}) =>
      (deletion.dryRun === true ? registry : to('model.delete', name)).deleteModel(name, deletion),
    register: (registration) => {
      const { model, version } = registration
      return to('version.create', pathOf(model, version)).register(registration)
    },
    updateVersion: (model, version, settings, precondition) =>
      to('version.update', `${model}/${version}`).updateVersion(
        model,
        version,
        settings,
        precondition,
      ),
    deleteVersion: (model, version, deletion = {}) =>
      (deletion.dryRun === true
        ? registry
        : to('version.delete', `${model}/${version}`)
      ).deleteVersion(model, version, deletion),
    setDefault: (model, version, change) =>
      to('default.set', `${model}/${version}`).setDefault(model, version, change),
    rollback: (model, change) => to('default.rollback', model).rollback(model, change),
    setCanary: (model, canary, change) =>
      to('canary.set', pathOf(model, canary?.version), canary).setCanary(model, canary, change),
    setShadow: (model, version, change) =>
      to('shadow.set', pathOf(model, version)).setShadow(model, version, change),
  }
}

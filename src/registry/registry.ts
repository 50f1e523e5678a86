/**
 * Models, their versions, and which version answers.
 *
 * A version is immutable: a name for a bundle, whose files are blobs. Blobs are written first and then, in one
 * transaction, what refers to them; so a process that is killed leaves at most blobs that nothing refers to.
 */
import type { DefaultChangeKind } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { readHistory, rollback, rollbackTarget, setDefault } from './defaults.ts'
import { createModel, deleteModel, getModel, listModels, updateModel } from './models.ts'
import { referencedBlobs } from './referenced-blobs.ts'
import { register } from './register.ts'
import { setCanary, setShadow } from './trials.ts'
import {
  deleteVersion,
  listVersions,
  readVersionFile,
  resolveVersion,
  updateVersion,
} from './versions.ts'

export interface Model {
  readonly name: string
  readonly description: string
  /** The version that answers when none is named. */
  readonly defaultVersion: string | undefined
  /** Whether the owner has opted in to keeping photos whose answer was corrected. */
  readonly keepCorrections: boolean
  /** Days after which a corrected photo is removed; undefined keeps it. */
  readonly keepCorrectionsDays: number | undefined
  /** How many versions it has. */
  readonly versions: number
  readonly labels: Labels
  readonly annotations: Annotations
  /** The version that gets a share of the requests that name none. */
  readonly canary: Canary | undefined
  /** The version that is asked beside the one that answers, for comparison. */
  readonly shadow: string | undefined
  /** Another text after every change of the model. */
  readonly etag: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly updatedAt: string
}

/** What the owner sorts by: name → value. */
export type Labels = Readonly<Record<string, string>>

/** What a foreign protocol said and gets back: name of the protocol → anything that JSON can hold. */
export type Annotations = Readonly<Record<string, unknown>>

export interface Canary {
  readonly version: string
  /** Of the requests that name no version, 1 to 99. */
  readonly percent: number
}

export interface Version {
  readonly model: string
  readonly name: string
  /** Id of the bundle: hash of its `bundle.json`. */
  readonly bundle: string
  /** Name of each file → hash of its bytes. */
  readonly files: Readonly<Record<string, string>>
  readonly description: string
  readonly labels: Labels
  readonly annotations: Annotations
  /** Like `files`, of its backbone; undefined where that ships with Verger. */
  readonly backboneFiles: Readonly<Record<string, string>> | undefined
  /** Another text after every change of what may change: description, labels and annotations. */
  readonly etag: string
  /** ISO 8601. */
  readonly createdAt: string
}

export interface DefaultChange {
  /** ISO 8601. */
  readonly at: string
  readonly kind: DefaultChangeKind
  readonly who: string
  readonly why: string
  readonly from: string | undefined
  readonly to: string | undefined
  /** Of the requests, for a canary. */
  readonly percent: number | undefined
  /** From the request for the change until the version answered; undefined where nobody measured. */
  readonly tookMs: number | undefined
}

/** Who changes what answers and why; by default the user of the process, without a reason. */
export interface Change {
  readonly who?: string
  readonly why?: string
  /** Since the change was asked for, preparation included. */
  readonly tookMs?: number
}

export interface Precondition {
  /** The etag that must still stand: `etag_mismatch` tells that somebody else was first. */
  readonly ifMatch?: string | undefined
}

export interface Deletion extends Change {
  /** Do all that could refuse the deletion, and delete nothing. */
  readonly dryRun?: boolean
}

export interface ModelDeletion {
  /** Delete its versions too. */
  readonly force?: boolean
  /** Do all that could refuse the deletion, and delete nothing. */
  readonly dryRun?: boolean
}

export interface ModelSettings {
  readonly description?: string
  readonly keepCorrections?: boolean
  /** 1 or more; null keeps them for good. */
  readonly keepCorrectionsDays?: number | null
  /** In place of those before. */
  readonly labels?: Labels
  /** Beside those of other protocols; null takes those of a protocol away. */
  readonly annotations?: Annotations
}

export type VersionSettings = Pick<ModelSettings, 'description' | 'labels' | 'annotations'>

export interface Registration extends Change {
  /** Created where it does not exist. */
  readonly model: string
  /** By default the next of v1, v2, … that was never used, or the version that already has this bundle. */
  readonly version?: string
  /** Name → bytes of every file of the bundle, `bundle.json` among them. */
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly description?: string
  readonly labels?: Labels
  readonly annotations?: Annotations
  /** Files of its backbone, which are blobs already: name → hash. */
  readonly backboneFiles?: Readonly<Record<string, string>>
  /** Whether it answers from now on; the first version of a model does anyway. */
  readonly setDefault?: boolean
}

export interface Registry {
  /** Throws `name_invalid`, `settings_invalid`, `model_exists`. */
  createModel(name: string, settings?: ModelSettings): Promise<Model>
  /** In the order of their names. */
  listModels(): Promise<Model[]>
  /** Throws `model_unknown`. */
  getModel(name: string): Promise<Model>
  /** Changes what is given. Throws `model_unknown`, `settings_invalid`, `etag_mismatch`. */
  updateModel(name: string, settings: ModelSettings, precondition?: Precondition): Promise<Model>
  /** Deletes a model, its history and its corrections. Throws `model_unknown`, and `model_has_versions` unless forced. */
  deleteModel(name: string, deletion?: ModelDeletion): Promise<void>

  /**
   * Gives a bundle a name, for good; the same bundle under the same name again is no fault. Once it returns, the version
   * survives a loss of power. Throws `name_invalid`, `bundle_incomplete`, `version_exists`, `disk_full`, `write_failed`.
   */
  register(registration: Registration): Promise<Version>
  /** The newest first. Throws `model_unknown`. */
  listVersions(model: string): Promise<Version[]>
  /**
   * The named version, or the one that answers now; asking is one indexed query, so a server may do so at each request
   * and sees what another process has switched. Throws `model_unknown`, `version_unknown`, `model_has_no_version`.
   */
  resolveVersion(model: string, version?: string): Promise<Version>
  /** Changes what is given; the bundle never changes. Throws like `resolveVersion`, `settings_invalid`, `etag_mismatch`. */
  updateVersion(
    model: string,
    version: string,
    settings: VersionSettings,
    precondition?: Precondition,
  ): Promise<Version>
  /**
   * Throws like `resolveVersion`, `version_is_default` where the model has other versions, and `version_in_use` for a
   * canary or shadow.
   */
  deleteVersion(model: string, version: string, deletion?: Deletion): Promise<void>
  /** One file of a version, verified. Throws `version_file_unknown`, `blob_missing`, `blob_damaged`. */
  readVersionFile(version: Version, name: string): Promise<Uint8Array>

  /** Gives the change, or undefined where the version is the default already. Throws like `resolveVersion`. */
  setDefault(model: string, version: string, change?: Change): Promise<DefaultChange | undefined>
  /** The version that `rollback` would return to now. Throws `rollback_impossible`. */
  rollbackTarget(model: string): Promise<string>
  /** Returns to the default before, as often as there is one that still exists. Throws `rollback_impossible`. */
  rollback(model: string, change?: Change): Promise<DefaultChange>
  /**
   * Sends a share of the requests that name no version to another version, or no longer. Once it becomes the default it is
   * no canary any more. Throws like `resolveVersion`, and `canary_invalid`.
   */
  setCanary(model: string, canary: Canary | undefined, change?: Change): Promise<Model>
  /** Lets a version be asked beside the one that answers, or no longer. Throws like `setCanary`. */
  setShadow(model: string, version: string | undefined, change?: Change): Promise<Model>
  /** Changes of what answers, the newest first. Throws `model_unknown`. */
  readHistory(model: string): Promise<DefaultChange[]>

  /** Hashes of all blobs that something refers to. */
  referencedBlobs(): Promise<Set<string>>
}

export function createRegistry(store: Store): Registry {
  return {
    createModel: (name, settings) => createModel(store, name, settings),
    listModels: () => listModels(store),
    getModel: (name) => getModel(store, name),
    updateModel: (name, settings, precondition) => updateModel(store, name, settings, precondition),
    deleteModel: (name, deletion) => deleteModel(store, name, deletion),
    register: (registration) => register(store, registration),
    listVersions: (model) => listVersions(store, model),
    resolveVersion: (model, version) => resolveVersion(store, model, version),
    updateVersion: (model, version, settings, precondition) =>
      updateVersion(store, model, version, settings, precondition),
    deleteVersion: (model, version, deletion) => deleteVersion(store, model, version, deletion),
    readVersionFile: (version, name) => readVersionFile(store, version, name),
    setDefault: (model, version, change) => setDefault(store, model, version, change),
    rollbackTarget: (model) => rollbackTarget(store, model),
    rollback: (model, change) => rollback(store, model, change),
    setCanary: (model, canary, change) => setCanary(store, model, canary, change),
    setShadow: (model, version, change) => setShadow(store, model, version, change),
    readHistory: (model) => readHistory(store, model),
    referencedBlobs: () => referencedBlobs(store.db, store.location),
  }
}

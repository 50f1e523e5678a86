/** What the serving host does, as metrics. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { type ServingHost, VERSION_STATES } from '../../serving/serving-host.ts'
import { recordAnswers } from './answer-metrics.ts'

/** Seconds from the small head of a version on a backbone that is open to a backbone that must be read and warmed. */
const LOAD_BUCKETS = [0.02, 0.05, 0.1, 0.3, 1, 3, 10]

export function watchHost(registry: Registry, host: ServingHost): void {
  const registers = [registry]
  new Gauge({
    name: 'verger_photos_waiting',
    help: 'Photos that wait for a worker.',
    registers,
    collect() {
      this.set(host.load.waiting)
    },
  })
  new Gauge({
    name: 'verger_photos_running',
    help: 'Photos that a worker holds.',
    registers,
    collect() {
      this.set(host.load.running)
    },
  })
  new Gauge({
    name: 'verger_model_photos_waiting',
    help: 'Photos that wait for a worker, by the model that is to answer.',
    labelNames: ['model'],
    registers,
    collect() {
      this.reset()
      for (const { waiting } of host.backbones()) {
        for (const [model, photos] of waiting) this.inc({ model }, photos)
      }
    },
  })
  new Gauge({
    name: 'verger_backbone_workers',
    help: 'Worker threads of a backbone that is open.',
    labelNames: ['backbone'],
    registers,
    collect() {
      this.reset()
      for (const { backbone, workers } of host.backbones()) this.inc({ backbone }, workers)
    },
  })
  new Gauge({
    name: 'verger_backbone_memory_bytes',
    help: 'Memory that the workers of a backbone take, as the limit on memory counts it.',
    labelNames: ['backbone'],
    registers,
    collect() {
      this.reset()
      for (const { backbone, bytes } of host.backbones()) this.inc({ backbone }, bytes)
    },
  })
  new Gauge({
    name: 'verger_versions',
    help: 'Versions that are loaded, that load, or that could not be.',
    labelNames: ['state'],
    registers,
    collect() {
      const states = host.states()
      for (const state of VERSION_STATES) {
        this.set({ state }, states.filter((each) => each.state === state).length)
      }
    },
  })
  new Gauge({
    name: 'verger_version_memory_bytes',
    help: 'Memory that a loaded version takes beside its backbone.',
    labelNames: ['model', 'version'],
    registers,
    collect() {
      this.reset()
      for (const { model, version, state, bytes } of host.states()) {
        if (state === 'ready') this.set({ model, version }, bytes)
      }
    },
  })

  const loads = new Histogram({
    name: 'verger_version_load_duration_seconds',
    help: 'Time to load and test a version, by ok or the code of its error.',
    labelNames: ['result'],
    buckets: LOAD_BUCKETS,
    registers,
  })
  host.events.on('loaded', ({ tookMs, error = 'ok' }) =>
    loads.observe({ result: error }, tookMs / 1000),
  )
  const switches = new Counter({
    name: 'verger_default_switches_total',
    help: 'Times that another version became the default, as this server noticed.',
    labelNames: ['model'],
    registers,
  })
  host.events.on('switched', ({ model }) => switches.inc({ model }))
  const comparisons = new Counter({
    name: 'verger_shadow_comparisons_total',
    help: 'Photos that a shadow has judged too, by whether it said the same.',
    labelNames: ['model', 'version', 'shadow', 'agrees'],
    registers,
  })
  host.events.on('compared', ({ agrees, ...versions }) =>
    comparisons.inc({ ...versions, agrees: String(agrees) }),
  )
  recordAnswers(registry, host.events)
}

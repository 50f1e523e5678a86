'use strict'
/**
 * Runs when Verger is installed. onnxruntime-node carries the binaries of every platform (about 290 MB) and, on Linux,
 * its own install script then fetches GPU libraries that Verger does not use. This script keeps the binaries of this
 * platform (about 45 MB) and leaves empty files where the fetched ones would go, which is how that script knows that
 * there is nothing to do. Where ONNXRUNTIME_NODE_INSTALL says what to fetch, it leaves that to the other script, and a failure
 * here never fails the installation: it would only be larger.
 */
const { existsSync, readdirSync, rmSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')

function trim() {
  const root = dirname(
    require.resolve('onnxruntime-node/package.json', { paths: [join(__dirname, '../..')] }),
  )
  const wanted =
    process.env.ONNXRUNTIME_NODE_INSTALL ?? process.env.npm_config_onnxruntime_node_install
  if (wanted === undefined) keepFromFetching(root)
  for (const api of readdirSync(join(root, 'bin'))) {
    for (const platform of readdirSync(join(root, 'bin', api))) {
      for (const arch of readdirSync(join(root, 'bin', api, platform))) {
        if (platform !== process.platform || arch !== process.arch) {
          rmSync(join(root, 'bin', api, platform, arch), { recursive: true })
        }
      }
    }
  }
}

function keepFromFetching(root) {
  const platform = `${process.platform}/${process.arch}`
  const { requirements, manifests } = require(join(root, 'script/install-metadata.js'))
  for (const name of requirements[platform] ?? []) {
    for (const file of Object.keys(manifests[`${platform}:${name}`] ?? {})) {
      const path = join(root, 'bin/napi-v6', platform, file)
      if (!existsSync(path)) writeFileSync(path, '')
    }
  }
}

try {
  trim()
} catch (error) {
  // Not there yet, or laid out differently in another version: nothing to trim.
  if (process.env.npm_config_loglevel === 'verbose')
    console.error(`trim-onnxruntime: ${error.message}`)
}

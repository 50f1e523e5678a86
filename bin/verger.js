#!/usr/bin/env node
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`verger needs Node.js 20.19 or later, this is ${process.versions.node}.`)
  process.exit(1)
}
const { main } = await import('../dist/cli/main.js')
await main()

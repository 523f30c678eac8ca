// Fills the compile cache, so that the first start is as quick and as small as every other: without it Node
// loads its TypeScript stripper into each thread, which costs memory that is never given back.
import module from 'node:module'
import { fileURLToPath } from 'node:url'

module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/hongyan', import.meta.url)))

const modules = ['../src/main.ts', '../src/engines/embedded/thread.ts', '../src/engines/embedded/reader.ts']
for (const path of modules) await import(new URL(path, import.meta.url).href)

process.argv.splice(2, Number.POSITIVE_INFINITY, 'errcode', '0')
await import('../src/cli/main.ts')

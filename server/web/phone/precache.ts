/**
 * Writes into the service worker which files the phone's entry is made of, and a version that changes with any of them. Runs
 * at build time.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Plugin } from 'vite'
import { ICONS } from '../icons.ts'

/** Beside what the entry imports. */
const PUBLIC = ['/favicon.svg', '/m/manifest.webmanifest']

export function keptOffline(): Plugin {
  return {
    name: 'kept-offline',
    apply: 'build',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const worker = bundle['m/sw.js']
        const entry = Object.values(bundle).find((file) => file.type === 'chunk' && file.isEntry && file.name === 'phone')
        if (!worker || worker.type !== 'chunk' || entry?.type !== 'chunk') return
        const files = new Set<string>()
        const hash = createHash('sha256')
        const take = (name: string) => {
          const file = bundle[name]
          if (!file || files.has(`/${name}`)) return
          files.add(`/${name}`)
          if (file.type !== 'chunk') return
          for (const other of [...file.imports, ...file.dynamicImports, ...(file.viteMetadata?.importedCss ?? []), ...(file.viteMetadata?.importedAssets ?? [])]) take(other)
        }
        take(entry.fileName)
        // Fonts and pictures that styles name.
        for (const name of [...files]) {
          const file = bundle[name.slice(1)]
          if (file?.type !== 'asset' || !name.endsWith('.css')) continue
          for (const [, url] of String(file.source).matchAll(/url\((\/assets\/[^)'"]+)\)/g)) take(url!.slice(1))
        }
        for (const name of [...files].sort()) hash.update(name)
        for (const name of PUBLIC) hash.update(readFileSync(resolve(import.meta.dirname, '../public', name.slice(1))))
        hash.update(readFileSync(resolve(import.meta.dirname, '../m/index.html'))).update(worker.code)
        const list = JSON.stringify({ version: hash.digest('hex').slice(0, 16), files: [...files, ...PUBLIC, ...Object.keys(ICONS)].sort() })
        worker.code = worker.code.replaceAll('__PRECACHE__', () => list)
      },
    },
  }
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createI18n } from 'vue-i18n'
import { expect, it } from 'vitest'
import terms from '@shared/locales/terms.zh'
import { en, texts, zh } from '.'

const root = join(import.meta.dirname, '..')
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(vue|ts)$/.test(name) && !name.startsWith('locales'))
const source = files.map((name) => [name, readFileSync(join(root, name), 'utf8')] as const)
const at = (tree: unknown, path: string): unknown => path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], tree)

it('has every text that a page asks for by name', () => {
  const missing: string[] = []
  for (const [name, text] of source) {
    for (const [, key] of text.matchAll(/(?<![\w.])(?:t|text)\(\s*'([\w.]+)'/g)) {
      if (typeof at(zh, key) !== 'string' && typeof at(terms, key) !== 'string') missing.push(`${name}: ${key}`)
    }
    // Keys that are chosen by a condition or built in a table are named whole, too.
    for (const [, key] of text.matchAll(/'((?:nav|common|alerts|cameras|premises|users|inspections|problem|diagnosis|overview|signIn|setup)\.[\w.]+)'/g)) {
      if (/\.(read|manage|merge|test|watch|decide|rectify|conduct|vue|ts)$/.test(key) && typeof at(zh, key) !== 'string') continue
      if (at(zh, key) === undefined) missing.push(`${name}: ${key}`)
    }
  }
  expect(missing).toEqual([])
})

it('compiles every text in both languages', () => {
  const warnings: string[] = []
  const warn = console.warn
  console.warn = (...said: unknown[]) => void warnings.push(said.join(' '))
  const i18n = createI18n({ legacy: false, locale: 'zh', messages: { zh, en } as Record<string, Record<string, string>>, missingWarn: false })
  const visit = (tree: object, path: string) => {
    for (const [key, value] of Object.entries(tree)) {
      const here = path ? `${path}.${key}` : key
      if (Array.isArray(value)) for (const locale of ['zh', 'en'] as const) expect(i18n.global.t(here, { n: 1 }, { locale }), here).not.toBe(here)
      else visit(value as object, here)
    }
  }
  visit(texts, '')
  console.warn = warn
  expect(warnings).toEqual([])
})

it('has words for every act and thing that the server writes into the audit log', () => {
  const server = join(root, '../../src')
  const rust = readdirSync(server, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.rs') && !name.includes('tests'))
  const acts = new Set<string>()
  const things = new Set<string>()
  for (const name of rust) {
    const text = readFileSync(join(server, name), 'utf8')
    for (const [, act] of text.matchAll(/\bAct \{\s*actor[^}]*?\baction: "([a-z_]+)"/g)) acts.add(act!)
    for (const [, thing] of text.matchAll(/entity: Some\(\("([a-z_]+)"/g)) things.add(thing!)
  }
  expect(acts.size).toBeGreaterThan(30)
  const named = (act: string) => typeof at(zh, `auditAction.${act}`) === 'string' || typeof at(zh, `auditAction.${act.replace(/^(alert|inspection|assignment)_/, '')}`) === 'string'
  expect([...acts].filter((act) => !named(act))).toEqual([])
  expect([...things].filter((thing) => typeof at(zh, `audit.entities.${thing}`) !== 'string')).toEqual([])
})

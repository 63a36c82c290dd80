/**
 * Vant brings one font of 259 icons inside its styles, where it weighs as much as a third of the app's own code. While the pages
 * are built, the outlines and the rules of icons that nothing names are left out of it (`subset-font`: HarfBuzz, BSD, not in the pages).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import subsetFont from 'subset-font'
import type { Plugin } from 'vite'

const STYLES = /vant\/es\/icon\/index\.css$/
export const FONT = /data:font\/woff2;charset=utf-8;base64,([\w+/=]+)/
const RULE = /\.van-icon-([\w-]+):before\{content:"\\(\w+)"\}/g
/** Whatever may name an icon: our own pages, and Vant's parts, which show some by themselves. */
const SOURCES = [resolve(import.meta.dirname, 'phone'), resolve(import.meta.dirname, 'node_modules/vant/es')]

/**
 * Every word between quotes: a few too many to be icons, none too few. Names are not put together from pieces, but for the arrow
 * of Vant's cells that turns, which no page here asks for.
 */
export function named(): Set<string> {
  const files = SOURCES.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => resolve(folder, file)))
  const texts = files.filter((file) => /\.(vue|ts|mjs)$/.test(file) && !file.endsWith('.d.ts')).map((file) => readFileSync(file, 'utf8'))
  return new Set(texts.flatMap((text) => [...text.matchAll(/["'`]([a-z][\w-]*)["'`]/g)].map((found) => found[1]!)))
}

export function iconFont(): Plugin {
  return {
    name: 'icon-font',
    apply: 'build',
    enforce: 'pre',
    async transform(code, id) {
      return STYLES.test(id.split('?')[0]!) ? { code: await lessIcons(code), map: null } : null
    },
  }
}

/** Vant's styles of icons with those that are named, in a font of their own. */
export async function lessIcons(styles: string): Promise<string> {
  const names = named()
  let kept = ''
  const rules = styles.replace(RULE, (rule, name: string, point: string) => {
    if (!names.has(name)) return ''
    kept += String.fromCodePoint(parseInt(point, 16))
    return rule
  })
  const font = FONT.exec(styles)
  if (!font || !kept) throw new Error('the icons of Vant are not where they were')
  const small = await subsetFont(Buffer.from(font[1]!, 'base64'), kept, { targetFormat: 'woff2' })
  return rules.replace(FONT, `data:font/woff2;charset=utf-8;base64,${small.toString('base64')}`)
}

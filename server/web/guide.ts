/**
 * The user guide (`docs/guide`) as modules. Its Markdown becomes HTML while the pages are built (markdown-it, MIT, not in the pages),
 * and its pictures become files of the build. A build fails where a link or a picture leads nowhere, so that no page of the guide does.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, resolve, sep } from 'node:path'
import MarkdownIt from 'markdown-it'
import type { Plugin } from 'vite'

export const GUIDE = resolve(import.meta.dirname, '../../docs/guide')
export const LANGUAGES = ['zh', 'en'] as const

export interface Heading { level: number; id: string; text: string }
export interface GuideText {
  title: string
  headings: Heading[]
  /** In turn a piece of HTML and the path of a picture, whose address is known only to the build. */
  pieces: string[]
  faults: string[]
}
/** What one page gathers while it is rendered; the rules are handed it back as something of unknown shape. */
type Env = { file: string; headings: Heading[]; pictures: string[]; faults: string[] }

const OTHER_LANGUAGE = /^\[[^\]]+\]\(\.\.\/(zh|en)\/[\w-]+\.md\)$/
/** What is written as code and is a key of the keyboard. */
const KEY = /^([A-Z]|[?[\],.←→↑↓？，。【】]|F\d|Space|Enter|Esc|(Ctrl|Alt|Shift) (.|Enter))$/
/** Stands for a picture's address; nothing else in the HTML can hold it. */
const PLACE = '\u0000'

/** As GitHub names headings, so that one link works there and here. */
export function slug(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '').trim().replace(/\s/g, '-')
}

/** Width and height of a PNG: they stand in its first chunk. */
function size(file: string): [number, number] {
  const head = readFileSync(file).subarray(16, 24)
  return [head.readUInt32BE(0), head.readUInt32BE(4)]
}

const markdown = new MarkdownIt({ html: false, linkify: false })
const { rules } = markdown.renderer
const escape = markdown.utils.escapeHtml

rules.heading_open = (tokens, at, _options, given) => {
  const env = given as Env
  const level = Number(tokens[at]!.tag.slice(1))
  const text = (tokens[at + 1]!.children ?? []).map((one) => one.content).join('')
  const same = env.headings.filter((one) => slug(one.text) === slug(text)).length
  const id = slug(text) + (same ? `-${same}` : '')
  env.headings.push({ level, id, text })
  return level === 1 ? '<h1>' : `<h${level} id="${id}">`
}
rules.heading_close = (tokens, at, _options, given) => {
  const env = given as Env
  const { level, id } = env.headings.at(-1)!
  const link = level === 1 ? '' : `<a class="anchor" href="#${id}" tabindex="-1" aria-hidden="true">#</a>`
  return `${link}</${tokens[at]!.tag}>\n`
}
rules.code_inline = (tokens, at) => {
  const text = tokens[at]!.content
  return KEY.test(text) ? `<kbd>${escape(text)}</kbd>` : `<code>${escape(text)}</code>`
}
// Chinese has no space where a line of the source ends.
rules.softbreak = (tokens, at) => {
  const before = tokens.slice(0, at).reverse().find((one) => one.content)?.content.at(-1) ?? ''
  const after = tokens.slice(at + 1).find((one) => one.content)?.content[0] ?? ''
  return /[^\u0000-\u2fff]/.test(before + after) ? '' : '\n'
}
// A wide table scrolls by itself; what scrolls can be reached by the keyboard.
rules.table_open = () => '<div class="table" tabindex="0"><table>\n'
rules.table_close = () => '</table></div>\n'
rules.link_open = (tokens, at, options, given, renderer) => {
  const env = given as Env
  const link = tokens[at]!
  const [path, hash = ''] = String(link.attrGet('href')).split('#')
  if (path) {
    const target = resolve(dirname(env.file), path)
    if (dirname(target) !== dirname(env.file) || !existsSync(target)) env.faults.push(`${env.file}: no page ${path}`)
    const page = basename(path, '.md')
    link.attrSet('href', `/guide${page === 'index' ? '' : `/${page}`}${hash && `#${hash}`}`)
  }
  return renderer.renderToken(tokens, at, options)
}
rules.image = (tokens, at, _options, given) => {
  const env = given as Env
  const image = tokens[at]!
  const file = resolve(dirname(env.file), String(image.attrGet('src')))
  if (!existsSync(file)) {
    env.faults.push(`${env.file}: no picture ${image.attrGet('src')}`)
    return ''
  }
  if (!image.content) env.faults.push(`${env.file}: ${image.attrGet('src')} has no words`)
  env.pictures.push(file)
  const [width, height] = size(file)
  const shape = height > width ? 'tall' : 'wide'
  return `<a class="picture ${shape}" href="${PLACE}" target="_blank"><img src="${PLACE}" alt="${escape(image.content)}" width="${width}" height="${height}" decoding="async"></a>`
}

/** One page of the guide. */
export function read(file: string): GuideText {
  const env: Env = { file, headings: [], pictures: [], faults: [] }
  // Files lead to each other's language by a line of their own; in the console the language is chosen for everything.
  const source = readFileSync(file, 'utf8').split('\n').filter((line) => !OTHER_LANGUAGE.test(line)).join('\n')
  const html = markdown.render(source, env)
  const pieces = html.split(PLACE).flatMap((piece, at) => (at ? [env.pictures[(at - 1) >> 1]!, piece] : [piece]))
  return { title: env.headings[0]?.text ?? '', headings: env.headings.filter((one) => one.level > 1), pieces, faults: env.faults }
}

export function files(): string[] {
  return LANGUAGES.flatMap((language) => readdirSync(resolve(GUIDE, language)).sort().map((name) => resolve(GUIDE, language, name)))
}

/** Everything in the guide that leads nowhere. */
export function faults(): string[] {
  const texts = new Map(files().map((file) => [file, read(file)]))
  const known = (file: string, id: string) => texts.get(file)?.headings.some((one) => one.id === id)
  const lost = [...texts].flatMap(([file, text]) => [...text.pieces.join('').matchAll(/href="(?:\/guide(?:\/([\w-]+))?)?#([^"]+)"/g)]
    .filter(([whole, page, id]) => !known(whole.includes('/guide') ? resolve(dirname(file), `${page ?? 'index'}.md`) : file, decodeURIComponent(id!)))
    .map(([whole]) => `${file}: nothing at ${whole}`))
  return [...[...texts.values()].flatMap((text) => text.faults), ...lost]
}

/** The module of a page; with `?head` of its title alone, for the list of all pages. */
export function moduleOf(file: string, headOnly: boolean): string {
  const { title, headings, pieces } = read(file)
  if (headOnly) return `export default ${JSON.stringify(title)}`
  const pictures = [...new Set(pieces.filter((_, at) => at % 2))]
  const html = pieces.map((piece, at) => (at % 2 ? `p${pictures.indexOf(piece)}` : JSON.stringify(piece))).join(' + ')
  return [
    ...pictures.map((one, at) => `import p${at} from ${JSON.stringify(one)}`),
    `export default { title: ${JSON.stringify(title)}, headings: ${JSON.stringify(headings)}, html: ${html} }`,
  ].join('\n')
}

export function guide(): Plugin {
  return {
    name: 'guide',
    buildStart() {
      const found = faults()
      if (found.length) this.error(found.join('\n'))
    },
    load(id) {
      const [file, query] = id.split('?') as [string, string?]
      if (!file.startsWith(GUIDE + sep) || !file.endsWith('.md')) return null
      this.addWatchFile(file)
      return { code: moduleOf(file, query === 'head'), map: null, moduleType: 'js' }
    },
  }
}

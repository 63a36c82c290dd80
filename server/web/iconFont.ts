/**
 * Vant brings one font of 259 icons inside its styles, where it weighs as much as a third of the app's own code. While the pages
 * are built, the outlines and the rules of icons that nothing names are left out of it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
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
    transform(code, id) {
      if (!STYLES.test(id.split('?')[0]!)) return null
      const names = named()
      const kept = new Set<number>()
      const rules = code.replace(RULE, (rule, name: string, point: string) => {
        if (!names.has(name)) return ''
        kept.add(parseInt(point, 16))
        return rule
      })
      return { code: rules.replace(FONT, (_all, font: string) => `data:font/woff2;charset=utf-8;base64,${subset(Buffer.from(font, 'base64'), kept).toString('base64')}`), map: null }
    },
  }
}

/** The tables that matter here, by their numbers in WOFF2's directory; 63 says that a name of its own follows. */
const CMAP = 0
const POST = 7
const GLYF = 10
const LOCA = 11
const OTHER = 63
interface Table { kind: number; tag: string; length: number; transformed?: number; data: Buffer }

/**
 * The font with the outlines of these code points only. Glyphs keep their numbers, so that all other tables stay true: what is
 * left out becomes an empty glyph. Format: https://www.w3.org/TR/WOFF2/
 */
export function subset(font: Buffer, points: Set<number>): Buffer {
  const tables = unpack(font)
  const of = (kind: number) => tables.find((table) => table.kind === kind)!
  const wanted = new Set([0, ...glyphsOf(of(CMAP).data, points)])
  const glyf = of(GLYF)
  glyf.data = outlines(glyf.data, wanted)
  glyf.transformed = glyf.data.length
  // Names of glyphs, which no browser reads: the form of this table without them.
  const post = of(POST)
  post.data = Buffer.from(post.data.subarray(0, 32))
  post.data.writeUInt32BE(0x00030000, 0)
  post.length = post.data.length
  return pack(font, tables.filter((table) => table.tag !== 'FFTM'))
}

function unpack(font: Buffer): Table[] {
  if (font.toString('latin1', 0, 4) !== 'wOF2') throw new Error('the icon font is no WOFF2')
  let at = 48
  const base128 = () => {
    let value = 0
    for (;;) {
      const byte = font[at++]!
      value = value * 128 + (byte & 127)
      if (byte < 128) return value
    }
  }
  const tables: Table[] = []
  for (let left = font.readUInt16BE(12); left > 0; left -= 1) {
    const flags = font[at++]!
    if (flags >> 6 !== 0) throw new Error('the icon font is packed in a way that is not known here')
    const tag = flags === OTHER ? font.toString('latin1', at, (at += 4)) : ''
    const length = base128()
    tables.push({ kind: flags, tag, length, ...(flags === GLYF || flags === LOCA ? { transformed: base128() } : {}), data: Buffer.alloc(0) })
  }
  const all = brotliDecompressSync(font.subarray(at, at + font.readUInt32BE(20)))
  let from = 0
  for (const table of tables) {
    const bytes = table.transformed ?? table.length
    table.data = Buffer.from(all.subarray(from, from + bytes))
    from += bytes
  }
  return tables
}

function pack(font: Buffer, tables: Table[]): Buffer {
  const base128 = (value: number): number[] => {
    const bytes = [value & 127]
    for (let rest = value >> 7; rest > 0; rest >>= 7) bytes.unshift((rest & 127) | 128)
    return bytes
  }
  const directory = tables.flatMap((table) => [
    table.kind, ...Buffer.from(table.tag, 'latin1'), ...base128(table.length), ...(table.transformed === undefined ? [] : base128(table.transformed)),
  ])
  const body = brotliCompressSync(Buffer.concat(tables.map((table) => table.data)))
  const header = Buffer.from(font.subarray(0, 48))
  const bytes = 48 + directory.length + body.length
  const padded = Math.ceil(bytes / 4) * 4
  header.writeUInt32BE(padded, 8)
  header.writeUInt16BE(tables.length, 12)
  header.writeUInt32BE(12 + tables.reduce((sum, table) => sum + 16 + Math.ceil(table.length / 4) * 4, 0), 16)
  header.writeUInt32BE(body.length, 20)
  // No metadata and no private block.
  header.fill(0, 28, 48)
  return Buffer.concat([header, Buffer.from(directory), body, Buffer.alloc(padded - bytes)])
}

/** The glyphs of code points, by the character map's segments (format 4). */
function glyphsOf(cmap: Buffer, points: Set<number>): number[] {
  const starts = Array.from({ length: cmap.readUInt16BE(2) }, (_, index) => cmap.readUInt32BE(4 + index * 8 + 4))
  const start = starts.find((offset) => cmap.readUInt16BE(offset) === 4)
  if (start === undefined) throw new Error('the icon font has no character map of format 4')
  const segments = cmap.readUInt16BE(start + 6) / 2
  const ends = start + 14
  const begins = ends + segments * 2 + 2
  const deltas = begins + segments * 2
  const ranges = deltas + segments * 2
  return [...points].map((point) => {
    for (let index = 0; index < segments; index += 1) {
      const begin = cmap.readUInt16BE(begins + index * 2)
      if (point > cmap.readUInt16BE(ends + index * 2)) continue
      if (point < begin) break
      const delta = cmap.readUInt16BE(deltas + index * 2)
      const range = cmap.readUInt16BE(ranges + index * 2)
      const glyph = range === 0 ? point : cmap.readUInt16BE(ranges + index * 2 + range + (point - begin) * 2)
      return (glyph + delta) & 0xffff
    }
    throw new Error(`the icon font has no ${point.toString(16)}`)
  })
}

/** WOFF2's seven streams of outlines, with those of other glyphs cut out. */
function outlines(glyf: Buffer, wanted: Set<number>): Buffer {
  const count = glyf.readUInt16BE(4)
  const sizes = Array.from({ length: 7 }, (_, index) => glyf.readUInt32BE(8 + index * 4))
  let from = 36
  const [contours, ends, flags, triplets, composites, boxes, instructions] = sizes.map((bytes) => glyf.subarray(from, (from += bytes))) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]
  if (composites.length > 0 || instructions.length > 0) throw new Error('the icon font has glyphs of a kind that is not known here')
  const bitmap = Math.ceil(count / 32) * 4
  const at = { end: 0, flag: 0, triplet: 0, box: bitmap }
  const kept = { ends: [] as Buffer[], flags: [] as Buffer[], triplets: [] as Buffer[], boxes: [Buffer.from(boxes.subarray(0, bitmap))] as Buffer[] }
  const left: Buffer = Buffer.from(contours)
  /** A number of one to three bytes. */
  const short = (bytes: Buffer, offset: number): [value: number, after: number] => {
    const first = bytes[offset]!
    if (first === 253) return [bytes.readUInt16BE(offset + 1), offset + 3]
    if (first === 255) return [bytes[offset + 1]! + 253, offset + 2]
    if (first === 254) return [bytes[offset + 1]! + 506, offset + 2]
    return [first, offset + 1]
  }
  for (let glyph = 0; glyph < count; glyph += 1) {
    const now = { ...at }
    const drawn = contours.readUInt16BE(glyph * 2)
    let dots = 0
    for (let contour = 0; contour < drawn; contour += 1) {
      const [more, after] = short(ends, at.end)
      dots += more
      at.end = after
    }
    for (let dot = 0; dot < dots; dot += 1) {
      const kind = flags[at.flag++]! & 127
      at.triplet += kind < 84 ? 1 : kind < 120 ? 2 : kind < 124 ? 3 : 4
    }
    // How many instructions follow: none, which is one byte.
    if (drawn > 0) at.triplet = short(triplets, at.triplet)[1]
    const boxed = Boolean(boxes[glyph >> 3]! & (128 >> (glyph & 7)))
    if (boxed) at.box += 8
    if (wanted.has(glyph)) {
      kept.ends.push(ends.subarray(now.end, at.end))
      kept.flags.push(flags.subarray(now.flag, at.flag))
      kept.triplets.push(triplets.subarray(now.triplet, at.triplet))
      kept.boxes.push(boxes.subarray(now.box, at.box))
      continue
    }
    left.writeUInt16BE(0, glyph * 2)
    if (boxed) kept.boxes[0]![glyph >> 3]! &= ~(128 >> (glyph & 7))
  }
  const streams = [left, Buffer.concat(kept.ends), Buffer.concat(kept.flags), Buffer.concat(kept.triplets), composites, Buffer.concat(kept.boxes), instructions]
  const header = Buffer.from(glyf.subarray(0, 36))
  streams.forEach((stream, index) => header.writeUInt32BE(stream.length, 8 + index * 4))
  return Buffer.concat([header, ...streams, glyf.subarray(from)])
}

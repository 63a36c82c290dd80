import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { FONT, named, subset } from './iconFont'

const styles = readFileSync(resolve(import.meta.dirname, 'node_modules/vant/es/icon/index.css'), 'utf8')
const font = Buffer.from(FONT.exec(styles)![1]!, 'base64')
const SEARCH = 0xe710

it('leaves the outlines of other icons out, and changes nothing the second time', () => {
  const small = subset(font, new Set([SEARCH]))
  expect(small.length).toBeLessThan(font.length / 8)
  expect(small.readUInt32BE(8)).toBe(small.length)
  expect(subset(small, new Set([SEARCH])).equals(small)).toBe(true)
})

it('refuses an icon that the font does not have', () => {
  expect(() => subset(font, new Set([0xefff]))).toThrow('efff')
})

it('keeps the icons of our pages and those that Vant shows by itself', () => {
  const names = named()
  for (const name of ['todo-list-o', 'shop-o', 'lock', 'arrow', 'arrow-left', 'cross', 'search']) expect(names).toContain(name)
  expect(names).not.toContain('bitcoin-o')
})

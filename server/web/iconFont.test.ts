import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { FONT, lessIcons, named } from './iconFont'

const styles = readFileSync(resolve(import.meta.dirname, 'node_modules/vant/es/icon/index.css'), 'utf8')
const bytes = (css: string) => Buffer.from(FONT.exec(css)![1]!, 'base64').length

it('leaves the outlines and the rules of other icons out', async () => {
  const less = await lessIcons(styles)
  expect(bytes(less)).toBeLessThan(bytes(styles) / 2)
  expect(less).toContain('.van-icon-search:before')
  expect(less).not.toContain('.van-icon-bitcoin-o:before')
})

it('says so where the styles are not what they were', async () => {
  await expect(lessIcons('.van-icon{}')).rejects.toThrow('not where they were')
})

it('keeps the icons of our pages and those that Vant shows by itself', () => {
  const names = named()
  for (const name of ['todo-list-o', 'shop-o', 'lock', 'arrow', 'arrow-left', 'cross', 'search']) expect(names).toContain(name)
  expect(names).not.toContain('bitcoin-o')
})

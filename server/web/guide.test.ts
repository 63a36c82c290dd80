import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { GUIDE_PAGES, guidePageFor } from './console/components/guidePages'
import { faults, files, GUIDE, LANGUAGES, moduleOf, read, slug } from './guide'

const folder = mkdtempSync(join(tmpdir(), 'guide-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A page of its own, as the build reads it. */
function page(text: string, name = 'page.md') {
  const file = join(folder, name)
  writeFileSync(file, text)
  return read(file)
}
/** The smallest part of a PNG that tells its size. */
function picture(name: string, width: number, height: number): void {
  const head = Buffer.alloc(24)
  head.writeUInt32BE(width, 16)
  head.writeUInt32BE(height, 20)
  writeFileSync(join(folder, name), head)
}

it('leads nowhere that is not there', () => {
  expect(faults()).toEqual([])
})

it('has each page in both languages, with the same parts and pictures', () => {
  const names = GUIDE_PAGES.map((one) => `${one.name}.md`)
  const shape = (file: string) => {
    const { headings, pieces } = read(file)
    return { levels: headings.map((one) => one.level), pictures: pieces.filter((_, at) => at % 2).map((one) => relative(GUIDE, one).replace(/\.(zh|en)\.png$/, '')) }
  }
  for (const language of LANGUAGES) expect(files().filter((file) => file.startsWith(join(GUIDE, language))).map((file) => relative(join(GUIDE, language), file)).sort()).toEqual([...names].sort())
  for (const name of names) expect(shape(join(GUIDE, 'en', name)), name).toEqual(shape(join(GUIDE, 'zh', name)))
})

it('names headings as GitHub does, twice the same apart', () => {
  expect(slug('Claiming, handing over')).toBe('claiming-handing-over')
  expect(slug('认领、转交、接手')).toBe('认领转交接手')
  const { title, headings, pieces } = page('# Title\n\n## Keys\n\n## Keys\n')
  expect(title).toBe('Title')
  expect(headings.map((one) => one.id)).toEqual(['keys', 'keys-1'])
  expect(pieces.join('')).toContain('<h2 id="keys-1">Keys<a class="anchor" href="#keys-1"')
})

it('joins lines of Chinese without a space, and others with one', () => {
  expect(page('第一行，\n第二行').pieces.join('')).toContain('第一行，第二行')
  expect(page('one\ntwo').pieces.join('')).toContain('one\ntwo')
})

it('turns links between files into addresses of the console, and leaves out the one to the other language', () => {
  writeFileSync(join(folder, 'other.md'), '# Other\n')
  writeFileSync(join(folder, 'index.md'), '# Start\n')
  const html = page('# A\n\n[English](../en/a.md)\n\n[one](other.md#part) [two](index.md) [three](#here)').pieces.join('')
  expect(html).toContain('href="/guide/other#part"')
  expect(html).toContain('href="/guide"')
  expect(html).toContain('href="#here"')
  expect(html).not.toContain('English')
})

it('shows keys as keys, code as code, and no HTML of the source', () => {
  expect(page('`J` `Ctrl K` `make run` <b>x</b>').pieces.join('')).toBe('<p><kbd>J</kbd> <kbd>Ctrl K</kbd> <code>make run</code> &lt;b&gt;x&lt;/b&gt;</p>\n')
})

it('brings pictures as files of the build, with their size', () => {
  picture('tall.png', 390, 844)
  const { pieces } = page('![a phone](tall.png)')
  expect(pieces[0]).toContain('class="picture tall"')
  expect(pieces[1]).toBe(join(folder, 'tall.png'))
  expect(pieces[4]).toContain('alt="a phone" width="390" height="844"')
  const code = moduleOf(join(folder, 'page.md'), false)
  expect(code).toContain(`import p0 from ${JSON.stringify(join(folder, 'tall.png'))}`)
  expect(code).toContain('" + p0 + "')
  expect(moduleOf(join(folder, 'other.md'), true)).toBe('export default "Other"')
})

it('finds what leads nowhere', () => {
  picture('mute.png', 4, 3)
  expect(page('[gone](gone.md) ![](mute.png) ![gone](gone.png) [out](../../secret.md)').faults.map((one) => one.split(': ')[1])).toEqual(['no page gone.md', 'mute.png has no words', 'no picture gone.png', 'no page ../../secret.md'])
})

it('opens at the page about what is looked at', () => {
  expect(guidePageFor('desk')).toBe('supervisor')
  expect(guidePageFor('desk', 'canteen')).toBe('canteen')
  expect(guidePageFor('plans')).toBe('planner')
  expect(guidePageFor('account', 'officer')).toBeUndefined()
})

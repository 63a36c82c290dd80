// The user guide in the console: opened from the person's menu and by F1, in both languages, with its pictures; at a desk and at
// the width of a phone.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { arrives, NARROW, openAs, WIDE } from './desk.mjs'
import { desk, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

let server
let browser

before(async () => {
  server = await startServer()
  browser = await desk()
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

const LANGUAGES = [
  ['zh-CN', 'light', { entry: '使用指南', start: '明厨使用指南', role: '监管人员', keys: '快捷键', pages: '指南目录', phone: '执法人员' }],
  ['en', 'dark', { entry: 'User guide', start: 'Bright Kitchen: user guide', role: 'Supervisors', keys: 'Keys', pages: 'Pages of the guide', phone: 'Officers' }],
]

/** Every picture of the text is there, and is as large as it was said to be. */
function pictured(page) {
  return until('the pictures', () => page.$$eval('.text img', (all) => all.length > 0 && all.every((one) => one.naturalWidth > 0 && one.naturalWidth === Number(one.getAttribute('width')))))
}

for (const [locale, colorScheme, words] of LANGUAGES) {
  it(`opens from the menu, shows its pictures and leads to its parts (${locale}, ${colorScheme})`, async () => {
    const { page, faults, close } = await openAs(browser, server.base, 'root', { locale, colorScheme })
    await settled(page)
    await page.locator('button.me').click()
    await page.getByRole('button', { name: words.entry }).click()
    await arrives(page, '/guide')
    await page.getByRole('heading', { level: 1, name: words.start }).waitFor()
    // A link of the text leads on without loading the console anew.
    await page.evaluate(() => { window.sameConsole = true })
    await page.locator('.text').getByRole('link', { name: words.role, exact: true }).first().click()
    await arrives(page, '/guide/supervisor')
    await page.getByRole('heading', { level: 1, name: words.role }).waitFor()
    assert.equal(await page.evaluate(() => window.sameConsole), true)
    await pictured(page)
    assert.deepEqual(await inaccessible(page), [])

    await page.getByRole('navigation', { name: words.pages }).getByRole('link', { name: words.keys, exact: true }).click()
    await until('the part is at the top', () => page.evaluate((text) => {
      const heading = [...document.querySelectorAll('.text h2')].find((one) => one.firstChild.textContent === text)
      const top = heading.getBoundingClientRect().top
      return top > 0 && top < 160
    }, words.keys))
    assert.ok(decodeURIComponent(new URL(page.url()).hash).length > 1)

    await page.setViewportSize(NARROW)
    await page.locator('.choose .el-select').click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: words.phone }).first().click()
    await arrives(page, '/guide/officer')
    await pictured(page)
    await settled(page)
    assert.equal(await sideways(page), null)
    assert.deepEqual(await inaccessible(page), [])
    assert.deepEqual(faults, [])
    await close()
  })
}

it('opens at the page about what is looked at, by F1 and by the bar\'s button', async () => {
  const { page, faults, close } = await openAs(browser, server.base, 'root')
  await page.goto(`${server.base}/plans`)
  await page.getByRole('heading', { level: 1, name: '检查计划' }).waitFor()
  await page.keyboard.press('F1')
  await arrives(page, '/guide/planner')
  await page.goBack()
  await arrives(page, '/plans')
  await page.goto(`${server.base}/users`)
  await page.getByRole('link', { name: '帮助' }).click()
  await arrives(page, '/guide/administrator')
  await pictured(page)
  assert.deepEqual(faults, [])
  await close()
})

it('shows an address of a part as the part, follows the language, and says where there is no page', async () => {
  const { page, faults, close } = await openAs(browser, server.base, 'root', { viewport: WIDE })
  await page.goto(`${server.base}/guide/supervisor#${encodeURIComponent('快捷键')}`)
  await until('the part is in sight', () => page.evaluate(() => {
    const top = document.getElementById('快捷键')?.getBoundingClientRect().top ?? -1
    return top > 0 && top < 160
  }))
  await page.locator('button.me').click()
  await page.getByText('English', { exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Supervisors' }).waitFor()
  // Loaded anew, the browser of the test speaks its own language again.
  await page.goto(`${server.base}/guide/nothing`)
  await page.getByText('指南里没有这一页').waitFor()
  assert.deepEqual(faults, [])
  await close()
})

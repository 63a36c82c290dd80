// Every page of the console where there is nothing yet, and where the server does not answer: each says so in its own words, and
// what failed can be asked for again. At a desk and on a phone.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, it } from 'node:test'
import { arrives, NARROW, openAs, walkTo, WIDE } from './desk.mjs'
import { desk, startServer } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

/** Pages of one thing: there is none yet, so they are asked for by an id that nothing has. */
const THINGS = ['alerts', 'cameras', 'inspections', 'plans', 'draws', 'self-checks', 'orders', 'templates', 'template-drafts', 'premises', 'papers/layouts']
/** These ask the server for nothing more than who is there. */
const ASKS_NOTHING = new Set(['/account', '/guide'])

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

async function addresses(page) {
  const rail = await page.$$eval('nav.rail a[href]', (links) => links.map((link) => link.getAttribute('href')).filter((href) => href !== '/'))
  return [...new Set(rail), '/notices', '/account', '/guide']
}

/** What a page without rows has to say: its tables have rows, or stand with words beside them. */
function bare(page) {
  return page.evaluate(() => {
    const content = document.querySelector('#content')
    if (!content || content.innerText.trim().length < 4) return 'shows nothing'
    const shown = (one) => one.getClientRects().length > 0
    const tables = [...content.querySelectorAll('table')].filter(shown)
    const rows = tables.some((table) => table.querySelector('tbody tr'))
    const words = [...content.querySelectorAll('.empty h2, [role=alert] h2')].filter(shown).every((one) => one.innerText.trim().length > 1)
    if (!words) return 'has an empty state without words'
    return tables.length && !rows && ![...content.querySelectorAll('.empty, [role=alert]')].some(shown) ? 'has an empty table and no word of why' : null
  })
}

for (const [locale, colorScheme] of [['zh-CN', 'light'], ['en', 'dark']]) {
  it(`shows an empty server without a fault (${locale}, ${colorScheme})`, { timeout: 300_000 }, async () => {
    const { page, faults, close } = await openAs(browser, server.base, 'root', { locale, colorScheme })
    await settled(page)
    const found = []
    for (const path of await addresses(page)) {
      faults.length = 0
      await walkTo(page, path)
      await settled(page)
      const say = (what, one) => one && found.push(`${path} ${what}: ${one}`)
      say('wide', await bare(page))
      for (const one of await inaccessible(page)) say('wide', one)
      await page.setViewportSize(NARROW)
      await settled(page)
      say('narrow', await bare(page))
      say('narrow scrolls sideways', await sideways(page))
      await page.setViewportSize(WIDE)
      for (const one of faults) say('', one)
    }
    await close()
    assert.deepEqual([...new Set(found)], [])
  })
}

/** What fails how: the server says that it cannot, or nothing comes at all. */
const FAILURES = [
  ['that cannot answer', WIDE, (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ type: 'unavailable', title: 'not available', status: 503, request_id: 'r-1' }) })],
  ['that is out of reach', NARROW, (route) => route.abort('connectionrefused')],
]
const KNOWN = /\/api\/v1\/(me|auth\/|events)/

for (const [what, viewport, fail] of FAILURES) {
  it(`says of a server ${what} what happened, and asks again`, { timeout: 300_000 }, async () => {
    const { page, faults, close } = await openAs(browser, server.base, 'root', { viewport })
    await settled(page)
    const paths = await addresses(page)
    const found = []
    for (const path of [...paths, ...THINGS.map((list) => `/${list}/${randomUUID()}`)]) {
      if (ASKS_NOTHING.has(path)) continue
      // From a page that asks nothing, so that nothing of the page before is still under way.
      await walkTo(page, '/account')
      await arrives(page, '/account')
      await settled(page)
      const failing = (url) => url.pathname.startsWith('/api/') && !KNOWN.test(url.pathname)
      await page.route(failing, fail)
      await walkTo(page, path)
      await settled(page)
      const fault = page.locator('#content [role=alert]:visible').first()
      const told = await fault.waitFor({ timeout: 30_000 }).then(() => true, () => false)
      const out = await sideways(page)
      if (out) found.push(`${path} scrolls sideways: ${out}`)
      if (!told) found.push(`${path} says nothing of it`)
      const again = page.locator('#content').getByRole('button', { name: '重试' }).first()
      const offered = told && (await again.isVisible())
      if (told && !offered) found.push(`${path} cannot be asked again: ${await fault.innerText()}`)
      await page.unroute(failing)
      if (offered && paths.includes(path)) {
        await again.click()
        const mended = await fault.waitFor({ state: 'detached', timeout: 30_000 }).then(() => true, () => false)
        if (!mended) found.push(`${path} stays broken: ${await fault.innerText()}`)
      }
    }
    found.push(...faults.filter((one) => one.startsWith('uncaught') || one.startsWith('blocked')))
    await close()
    assert.deepEqual([...new Set(found)], [])
  })
}

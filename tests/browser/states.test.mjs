// States that a full and healthy server never shows: every page of an empty one, and every page while the server fails, with a way
// to try again.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { NARROW, openAs, walkTo, WIDE } from './desk.mjs'
import { desk, startServer } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

/** Lists that have nothing before a district is entered, and say what belongs there. */
const EMPTY = ['/desk', '/cameras', '/inspections', '/assignments', '/plans', '/draws', '/officers', '/late', '/orders', '/papers', '/premises', '/operators', '/webhooks', '/offline', '/wall', '/notices']
/** What a page asks before it is one: who is signed in. A page that has only that has nothing that may fail. */
const GIVEN = /\/api\/v1\/(me|auth\/|events)/
const WITHOUT_ASKING = ['/account']
/** What a failing server looks like to the tools; anything else is the page's own fault. */
const EXPECTED = /^(500 |console error: Failed to load resource: the server responded with a status of 500 )/

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

/** The addresses of the rail, and a person's own. */
async function addresses(page) {
  const rail = await page.$$eval('nav.rail a[href]', (links) => links.map((link) => link.getAttribute('href')).filter((href) => href !== '/'))
  return [...new Set(rail), '/notices', '/account']
}

for (const locale of ['zh-CN', 'en']) {
  it(`says on an empty server what belongs on each page, in ${locale}`, { timeout: 300_000 }, async () => {
    const { page, faults, close } = await openAs(browser, server.base, 'root', { locale })
    await settled(page)
    const found = faults.splice(0).map((one) => `on arrival: ${one}`)
    const paths = await addresses(page)
    found.push(...EMPTY.filter((path) => !paths.includes(path)).map((path) => `${path} is not among the addresses`))
    for (const path of paths) {
      await walkTo(page, path)
      await settled(page)
      if (EMPTY.includes(path) && !(await page.locator('#content .empty h2').count())) found.push(`${path} does not say that it is empty`)
      for (const [size, name] of [[WIDE, 'wide'], [NARROW, 'narrow']]) {
        await page.setViewportSize(size)
        await settled(page)
        found.push(...(await inaccessible(page)).map((one) => `${path} ${name}: ${one}`))
      }
      const out = await sideways(page)
      if (out) found.push(`${path} scrolls sideways: ${out}`)
      await page.setViewportSize(WIDE)
      found.push(...faults.splice(0).map((one) => `${path}: ${one}`))
    }
    await close()
    assert.deepEqual([...new Set(found)], [])
  })
}

it('says on each page that the server fails, and loads it when asked again', { timeout: 300_000 }, async () => {
  const { page, faults, close } = await openAs(browser, server.base, 'root')
  await settled(page)
  let failing = false
  await page.route('**/api/v1/**', (route) => {
    if (!failing || GIVEN.test(route.request().url())) return route.continue()
    const body = { type: 'internal', title: 'Internal error', status: 500, request_id: '01928f6e-0000-7000-8000-00000000000f' }
    return route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify(body) })
  })
  const found = []
  const panel = page.locator('#content [role=alert].error')
  for (const path of await addresses(page)) {
    if (WITHOUT_ASKING.includes(path)) continue
    // From elsewhere, so that nothing is left of what was loaded before.
    await walkTo(page, '/account')
    await settled(page)
    failing = true
    await walkTo(page, path)
    await settled(page)
    const told = await panel.first().waitFor({ timeout: 10_000 }).then(() => true, () => false)
    if (!told) found.push(`${path} does not say that it could not be loaded`)
    found.push(...(await inaccessible(page)).map((one) => `${path}: ${one}`))
    await page.setViewportSize(NARROW)
    await settled(page)
    const out = await sideways(page)
    if (out) found.push(`${path} scrolls sideways: ${out}`)
    await page.setViewportSize(WIDE)
    failing = false
    // One panel a part of the page: each has its own way to try again.
    for (let left = await panel.count(); left > 0; left -= 1) {
      const again = panel.first().getByRole('button')
      if (!(await again.count())) break
      await again.click()
      await settled(page)
    }
    if (told && (await panel.count())) found.push(`${path} still says that it fails after it was asked again`)
    found.push(...faults.splice(0).filter((one) => !EXPECTED.test(one)).map((one) => `${path}: ${one}`))
  }
  await close()
  assert.deepEqual([...new Set(found)], [])
})

// The network is cut at each step of sending, before and after the server hears; the tab is killed at each step. Each inspection
// arrives once, with its photo.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as steps from './phone-steps.mjs'
import { phone, until } from './support.mjs'

/** What is sent, in the order in which it goes. */
const STEPS = [
  ['the header with its part and its submission', 'PUT', /\/inspections\/[^/]+(\/parts\/[^/]+)?$/],
  ['a photo, or its first piece', 'POST', /\/uploads$/],
  ['another piece of a photo', 'PATCH', /\/uploads\//],
]
/** More than goes with the creation of an upload. */
const LARGE = { width: 1600, height: 1200 }
let server
let root
let place
let context
let page
const device = await phone({ locale: 'en' })

before(async () => {
  ({ server, root, place, context, page } = await steps.officerReady(device))
})

after(async () => {
  await device.throwAway()
  await server?.stop()
})

/** It is at the server once, whole: complete, and with the photo as taken, which may follow its reduced copy. */
async function arrivedOnce(id, photos = 1) {
  const taken = (found) => found.evidence.filter((one) => one.kind === 'photo' && one.received && !one.derived_from).length
  const found = await until('it is complete, with its photo', async () => {
    await root.signIn()
    const one = await root.raw('GET', `/inspections/${id}`)
    const body = one.ok ? await one.json() : undefined
    return body?.state === 'complete' && taken(body) >= photos && body
  }, 90_000)
  assert.equal(found.parts.length, 1)
  assert.equal(taken(found), photos)
  const list = (await root.get(`/inspections?premises_id=${place.premises.id}&limit=200`)).items
  assert.equal(list.filter((one) => one.id === id).length, 1)
}

describe('an inspection on its way', () => {
  it('arrives once when every step is cut before the server hears, and again after', async () => {
    const cut = new Map()
    await context.route('**/api/v1/**', async (route) => {
      const [method, path] = [route.request().method(), new URL(route.request().url()).pathname]
      const step = STEPS.find(([, wanted, pattern]) => wanted === method && pattern.test(path))
      const times = step ? (cut.get(step[0]) ?? 0) : 2
      if (times >= 2) return route.fallback()
      cut.set(step[0], times + 1)
      // The second time it arrives, and the answer is lost.
      if (times === 1) await route.fetch().catch(() => undefined)
      return route.abort('connectionreset')
    })
    const id = await steps.sendCheck(page, server.base, 31, LARGE)
    await arrivedOnce(id)
    await context.unroute('**/api/v1/**')
    const told = STEPS.map(([name]) => [name, cut.get(name) ?? 0])
    assert.ok(told.every(([, times]) => times === 2), `every step was cut twice: ${JSON.stringify(told)}`)
  })

  for (const [name, method, pattern] of STEPS) {
    it(`arrives once when the tab is killed at ${name}`, async () => {
      let reached = false
      await context.route('**/api/v1/**', async (route) => {
        const hit = !reached && route.request().method() === method && pattern.test(new URL(route.request().url()).pathname)
        if (!hit) return route.fallback()
        reached = true
        await route.fetch().catch(() => undefined)
        return route.abort('connectionreset').catch(() => undefined)
      })
      const id = await steps.sendCheck(page, server.base, 40 + STEPS.findIndex(([step]) => step === name), LARGE)
      await until('the step is reached', () => reached)
      await page.close()
      await context.unroute('**/api/v1/**')
      page = await context.newPage()
      await steps.go(page, `${server.base}/m/inspections/${id}/sent`)
      await arrivedOnce(id)
    })
  }
})

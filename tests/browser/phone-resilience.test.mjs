// What goes wrong on the way: the server is killed in the middle of an upload, the login ends, an answer is lost. Nothing typed
// is lost, and everything arrives once.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as steps from './phone-steps.mjs'
import { PASSWORD, phone, until } from './support.mjs'

const test = (name) => `[data-test=${name}]`
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

async function arrivedOnce(id) {
  await page.waitForSelector(`${test('way')}[data-stage=sent]`, { timeout: 60_000 })
  await root.signIn()
  const found = await root.get(`/inspections/${id}`)
  assert.equal(found.state, 'complete')
  const list = (await root.get(`/inspections?premises_id=${place.premises.id}`)).items
  assert.equal(list.filter((one) => one.id === id).length, 1)
  return found
}

describe('sending an inspection', () => {
  it('survives a server that is killed in the middle of an upload', async () => {
    let [cut, killed] = [false, false]
    await context.route('**/api/v1/uploads', async (route) => {
      if (cut) return route.fallback()
      cut = true
      await server.kill()
      killed = true
      return route.abort('connectionreset')
    })
    const id = await steps.sendCheck(page, server.base, 3)
    await until('the upload was cut', () => killed)
    await server.start()
    await arrivedOnce(id)
    await context.unroute('**/api/v1/uploads')
  })

  it('is not doubled when the answer to the submission is lost', async () => {
    let lost = 0
    await context.route('**/api/v1/inspections/*', async (route) => {
      if (lost > 0 || route.request().method() !== 'PUT') return route.fallback()
      lost += 1
      await route.fetch()
      return route.abort('connectionreset')
    })
    const id = await steps.sendCheck(page, server.base, 4)
    await until('an answer was lost', () => lost === 1)
    await arrivedOnce(id)
    await context.unroute('**/api/v1/inspections/*')
  })

  it('waits for a login that has ended, and goes on after signing in again', async () => {
    await context.setOffline(true)
    const id = await steps.sendCheck(page, server.base, 5)
    // The administrator sets another password, which ends every login of this person.
    const user = (await root.get('/users?q=chen')).items.find((one) => one.username === 'chen')
    await root.post(`/users/${user.id}/password`, { new_password: `${PASSWORD}-reset` })
    await context.setOffline(false)
    await page.waitForFunction((bar) => /Signed out/.test(document.querySelector(bar)?.textContent ?? ''), test('status'), { timeout: 60_000 })
    assert.equal((await steps.storedDrafts(page)).filter((one) => one.id === id && one.stage === 'queued').length, 1)
    await page.click(test('status'))
    await page.fill('#username', 'chen')
    await page.fill('#password', `${PASSWORD}-reset`)
    await page.click('button[type=submit]')
    await page.fill('#current', `${PASSWORD}-reset`)
    await page.fill('#next', `${PASSWORD}-again`)
    await page.fill('#again', `${PASSWORD}-again`)
    await page.click('button[type=submit]')
    await page.waitForURL((url) => !url.pathname.endsWith('/password'))
    await steps.choosePin(page)
    await steps.go(page, `${server.base}/m/inspections/${id}/sent`)
    const found = await arrivedOnce(id)
    assert.match(JSON.stringify(found), /Does not agree with the result/)
  })
})

// What changes while an officer is away: the premises is closed, the account is ended, the app grows too old. Each is told in words, and no draft is lost.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as steps from './phone-steps.mjs'
import { desk, PASSWORD, phone, until } from './support.mjs'

const test = (name) => `[data-test=${name}]`
let server
let root
let place
let user
let context
let page
const device = await phone()

before(async () => {
  ({ server, root, place, chen: user, context, page } = await steps.officerReady(device))
})

after(async () => {
  await device.throwAway()
  await server?.stop()
})

async function fill(text, seed) {
  await steps.go(page, `${server.base}/m/premises`)
  await page.locator(test('premises')).first().click()
  await page.click(test('begin'))
  // What is unfinished is left where it is.
  const another = page.locator('.van-dialog__cancel')
  await page.waitForSelector('.van-dialog__cancel, .kinds')
  if (await another.isVisible().catch(() => false)) await another.click()
  await page.locator('.kinds [role=radio]').nth(1).click()
  await page.click(test('begin-now'))
  await page.waitForSelector('[data-code="1.1"]')
  await steps.giveResult(page, '1.1', 'fails')
  await page.locator('#t-1\\.1').fill(text)
  await steps.harmless(page, '1.1')
  await steps.addPhoto(page, '1.1', seed)
  return new URL(page.url()).pathname.split('/').at(-1)
}

async function submit() {
  await page.click(test('review'))
  await page.click(test('sign'))
  await steps.signOfficers(page)
  await steps.signPremises(page, '林晓梅')
  await steps.submit(page)
}

describe('while away', () => {
  it('a premises is closed: the draft says so, goes on, and is accepted', async () => {
    const id = await fill('关停前检查发现的问题', 41)
    await context.setOffline(true)
    const premises = await root.signIn().then(() => root.get(`/premises/${place.premises.id}`))
    await root.call('PATCH', `/premises/${premises.id}`, { version: premises.version, disabled: true })
    await context.setOffline(false)
    await until('the phone has heard', async () => {
      await steps.syncNow(page, server.base)
      await steps.go(page, `${server.base}/m/inspections/${id}`)
      await page.waitForSelector('[data-code="1.1"]')
      return page.locator(`${test('meanwhile')}[data-note=premises]`).count()
    }, 90_000)
    assert.match(await page.locator(test('meanwhile')).innerText(), /已关闭、合并或不在您的辖区/)
    await submit()
    await page.waitForSelector(`${test('way')}[data-stage=sent]`, { timeout: 60_000 })
    await root.signIn()
    assert.equal((await root.get(`/inspections/${id}`)).state, 'complete')
    const again = await root.get(`/premises/${place.premises.id}`)
    await root.call('PATCH', `/premises/${again.id}`, { version: again.version, disabled: false })
    await until('it is back on the phone', async () => {
      await steps.syncNow(page, server.base)
      await steps.go(page, `${server.base}/m/premises`)
      await page.waitForSelector(`${test('premises')}, .empty`)
      return page.locator(test('premises')).count()
    }, 90_000)
  })

  it('the app grows too old: it is told before anything is sent, and nothing is lost', async () => {
    const id = await fill('旧版本应用填写的内容', 42)
    await context.route('**/api/v1/**', (route) => route.fulfill({ status: 426, contentType: 'application/problem+json', body: JSON.stringify({ type: 'client_too_old', title: '应用版本过旧', status: 426, oldest: 9, newest: 11 }) }))
    await submit()
    await page.waitForFunction((bar) => /应用版本过旧/.test(document.querySelector(bar)?.textContent ?? ''), test('status'))
    assert.equal((await steps.storedDrafts(page)).filter((one) => one.id === id && one.stage === 'queued').length, 1)
    await context.unroute('**/api/v1/**')
    await steps.go(page, `${server.base}/m/inspections/${id}/sent`)
    await page.waitForSelector(`${test('way')}[data-stage=sent]`, { timeout: 60_000 })
  })

  it('the account is ended: what was submitted goes to a supervisor by itself, the rest when asked, and is accepted on the desk', async () => {
    const draftId = await fill('停用前没有写完的检查', 43)
    const id = await fill('停用前提交的检查', 45)
    await context.setOffline(true)
    await submit()
    const shown = await root.signIn().then(() => root.get(`/users/${user.id}`))
    await root.call('PATCH', `/users/${user.id}`, { version: shown.version, disabled: true })
    // The access token that the phone has ends; it learns the rest from the server.
    await page.evaluate(() => {
      const session = JSON.parse(localStorage.getItem('bk.phone.session'))
      localStorage.setItem('bk.phone.session', JSON.stringify({ ...session, expires_at: 0 }))
    })
    await context.setOffline(false)
    const waiting = await until('it is in quarantine', async () => (await root.get('/late?state=waiting')).items.find((one) => one.inspection_id === id), 60_000)
    assert.deepEqual([waiting.reason, waiting.user_disabled, waiting.submitted, waiting.premises_name], ['account_ended', true, true, '澄海实验学校食堂'])
    await page.waitForFunction((bar) => /账号已停用/.test(document.querySelector(bar)?.textContent ?? ''), test('status'))
    await page.click(test('status'))
    await page.waitForSelector(test('account-ended'))
    await page.locator(test('unsent-draft')).first().waitFor()
    await page.locator(`${test('unsent-draft')} ${test('hand-over')}`).first().click()
    await page.click('.van-dialog__confirm')
    await until('the draft is there too', async () => (await root.get('/late?state=waiting')).items.some((one) => one.inspection_id === draftId))

    const browser = await desk()
    try {
      const console_ = await browser.newPage({ viewport: { width: 1440, height: 900 } })
      await console_.goto(`${server.base}/sign-in`)
      await console_.fill('#username', 'root')
      await console_.fill('#password', PASSWORD)
      await console_.keyboard.press('Enter')
      await console_.waitForURL((url) => !url.pathname.includes('sign-in'))
      await console_.goto(`${server.base}/late`)
      await console_.locator(test('late-open')).last().click()
      await console_.waitForSelector(test('late-one'))
      assert.match(await console_.locator(test('late-one')).innerText(), /停用前提交的检查/)
      await console_.click(test('late-accept'))
      await until('it is an inspection', async () => (await root.get(`/inspections/${id}`)).state === 'complete')
    } finally {
      await browser.close()
    }
    const { items } = await root.get('/late')
    assert.equal(items.length, 2, 'nothing is deleted')
  })
})

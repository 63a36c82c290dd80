// Drafts are safe: sealed on the phone, opened by PIN or passkey without a network, by signing in when the PIN is forgotten; two
// officers on one phone see only their own; a new phone goes on where the lost one was.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as steps from './phone-steps.mjs'
import { addPerson, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'

const test = (name) => `[data-test=${name}]`
const SECRET = '冷库发现过期冻肉三箱'
let server
let root
let place
let chen
let page
let context
let inspectionId
const first = await phone()
const second = await phone()

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  chen = await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  await addPerson(root, { username: 'huang', display_name: '黄志远', role: 'officer', node_id: place.office.id })
})

after(async () => {
  await first.throwAway()
  await second.throwAway()
  await server?.stop()
})

async function opened(device) {
  context = await device.open()
  page = context.pages()[0] ?? (await context.newPage())
}

/** The copies the server keeps of this officer's drafts. */
const copies = async () => (await chen.get('/drafts')).items

describe('drafts', () => {
  it('are sealed: nothing typed and no photo can be read in the database', async () => {
    await opened(first)
    await steps.signIn(page, server.base, 'chen', PASSWORD)
    await steps.readyForOffline(page)
    inspectionId = await steps.beginCheck(page, server.base)
    await steps.giveResult(page, '1.2', 'fails')
    await page.locator('#t-1\\.2').fill(SECRET)
    await steps.addPhoto(page, '1.2', 21)
    await page.waitForSelector(`${test('saved')}.saved`)
    const bytes = await steps.storedBytes(page)
    assert.ok(bytes.length > 10_000, 'there is something to look at')
    for (const secret of [SECRET, '澄海实验学校食堂']) assert.equal(bytes.includes(Buffer.from(secret).toString('latin1')), false, secret)
    assert.equal(bytes.includes('\x89PNG\r\n'), false)
    assert.equal(bytes.includes('JFIF'), false, 'nor the small picture')
  })

  it('are copied to the server while there is a network, sealed there too', async () => {
    await chen.signIn()
    await until('draft and photo are copied', async () => (await copies()).length >= 2, 60_000)
    for (const { id } of await copies()) {
      const bytes = Buffer.from(await (await chen.raw('GET', `/drafts/${id}`)).arrayBuffer())
      assert.equal(bytes.includes(Buffer.from(SECRET)), false)
      assert.equal(bytes.includes(Buffer.from('\x89PNG', 'latin1')), false)
    }
  })

  it('open by PIN after the browser was closed, with no network; a wrong PIN slows down and wipes nothing', async () => {
    await first.close()
    await opened(first)
    await context.setOffline(true)
    await page.goto(`${server.base}/m/inspections/${inspectionId}`)
    await page.waitForSelector(test('pin'))
    for (let tries = 0; tries < 3; tries += 1) {
      await page.fill(test('pin'), '999111')
      await page.click(test('unlock'))
      await page.waitForFunction((selector) => document.querySelector(selector)?.value === '', test('pin'))
      await page.waitForSelector('.fault')
    }
    await page.waitForSelector(test('pin-wait'))
    assert.equal(await page.locator(test('unlock')).isDisabled(), true)
    // A new start does not undo the wait.
    await page.reload()
    await page.waitForSelector(test('pin-wait'))
    await page.waitForSelector(test('pin-wait'), { state: 'detached', timeout: 30_000 })
    await steps.unlock(page)
    await page.waitForSelector('[data-code="1.2"]')
    assert.equal(await page.locator('#t-1\\.2').inputValue(), SECRET)
    assert.equal(await page.locator('[data-code="1.2"] figure img').count(), 1)
  })

  it('of one officer are not there for another on the same phone', async () => {
    await context.setOffline(false)
    await steps.go(page, `${server.base}/m/me`)
    await page.click(test('sign-out'))
    await page.click('.van-dialog__confirm')
    await page.waitForSelector('#username')
    await steps.signIn(page, server.base, 'huang', PASSWORD)
    await page.waitForSelector(`${test('synced')}[data-synced=true]`)
    assert.equal(await page.locator(test('draft')).count(), 0)
    await steps.go(page, `${server.base}/m/inspections/${inspectionId}`)
    await page.waitForSelector('.empty')
    assert.equal((await steps.storedDrafts(page)).filter((one) => one.id === inspectionId).length, 1, 'it lies there, sealed')
  })

  it('open by signing in when the PIN is forgotten, and a new PIN is chosen', async () => {
    await steps.go(page, `${server.base}/m/me`)
    await page.click(test('sign-out'))
    await page.click('.van-dialog__confirm')
    await page.waitForSelector('#username')
    await steps.signIn(page, server.base, 'chen', PASSWORD)
    await page.waitForSelector(test('draft'))
    await steps.go(page, `${server.base}/m/me`)
    await page.click(test('change-pin'))
    await page.waitForSelector(test('new-pin'))
    await page.fill(test('new-pin'), '314159')
    await page.fill(test('new-pin-again'), '314159')
    await page.click(test('set-pin'))
    await page.waitForURL((url) => !url.pathname.endsWith('/pin'))
    await page.waitForSelector(test('lock-now'))
    await page.click(test('lock-now'))
    await page.waitForSelector(test('pin'))
    await page.fill(test('pin'), steps.PIN)
    await page.click(test('unlock'))
    await page.waitForSelector('.fault')
    await steps.unlock(page, '314159')
    await steps.go(page, `${server.base}/m/inspections/${inspectionId}`)
    await page.waitForSelector('[data-code="1.2"]')
    assert.equal(await page.locator('#t-1\\.2').inputValue(), SECRET)
  })

  it('continue on a new phone, with their photos, and arrive once', async () => {
    await first.throwAway()
    await opened(second)
    await steps.signIn(page, server.base, 'chen', PASSWORD)
    await page.waitForSelector(test('draft'), { timeout: 30_000 })
    await page.click(test('resume'))
    await page.waitForSelector('[data-code="1.2"] figure img')
    assert.equal(await page.locator('#t-1\\.2').inputValue(), SECRET)
    await steps.harmless(page, '1.2')
    await page.click(test('review'))
    await page.click(test('sign'))
    await steps.signOfficers(page)
    await steps.signPremises(page, '林晓梅')
    await steps.submit(page)
    await page.waitForSelector(`${test('way')}[data-stage=sent]`, { timeout: 60_000 })
    const found = await chen.signIn().then(() => chen.get(`/inspections/${inspectionId}`))
    assert.equal(found.state, 'complete')
    assert.match(JSON.stringify(found), new RegExp(SECRET))
    await until('the copies are let go', async () => (await copies()).length === 0, 60_000)
  })
})

describe('drafts that an earlier version left unsealed', () => {
  it('are sealed when their officer sets a PIN, and nothing is lost', async () => {
    const device = await phone()
    try {
      await opened(device)
      const now = new Date().toISOString()
      const draft = {
        id: '01928f6e-0000-7000-8000-00000000aaaa', part_id: '01928f6e-0000-7000-8000-00000000aaab', user_id: chen.id, kind: 'unannounced', stage: 'filling', started_at: now, updated_at: now,
        premises: { id: place.premises.id, name: '旧版本留下的草稿', kind: 'school_canteen' }, template: { id: place.premises.id, code: 'x', version: 1, name: { zh: '', en: '' }, premises_kinds: [], body: { rule: { grades: [] }, sections: [] } },
        officers: [], device: { id: 'phone-1' }, answers: { 1.1: { remark: SECRET, answered_at: now, evidence_ids: [] } }, evidence: [], places: [], signatures: [], revision: 1,
      }
      // As the earlier version made it: version 1 of the database, the draft as it is.
      await page.goto(`${server.base}/favicon.svg`)
      await page.evaluate(async (draft) => {
        const db = await new Promise((resolve, reject) => Object.assign(indexedDB.open('bright-kitchen-phone', 1), {
          onupgradeneeded: ({ target: { result } }) => {
            result.createObjectStore('meta', { keyPath: 'key' })
            result.createObjectStore('rows', { keyPath: ['user_id', 'entity', 'id'] }).createIndex('byEntity', ['user_id', 'entity'])
            result.createObjectStore('drafts', { keyPath: 'id' }).createIndex('byUser', 'user_id')
            result.createObjectStore('files', { keyPath: 'id' }).createIndex('byInspection', 'inspection_id')
            result.createObjectStore('outbox', { keyPath: 'id' }).createIndex('byUser', 'user_id')
            result.createObjectStore('answers', { keyPath: 'key' })
          },
          onsuccess: ({ target }) => resolve(target.result), onerror: reject,
        }))
        await new Promise((resolve, reject) => Object.assign(db.transaction('drafts', 'readwrite').objectStore('drafts').put(draft), { onsuccess: resolve, onerror: reject }))
        db.close()
      }, draft)
      await steps.signIn(page, server.base, 'chen', PASSWORD)
      const [kept] = (await steps.storedDrafts(page)).filter((one) => one.id === draft.id)
      assert.ok(kept.sealed, 'it is sealed now')
      assert.match(await page.locator(test('draft')).innerText(), /旧版本留下的草稿/)
      assert.equal((await steps.storedBytes(page)).includes(Buffer.from(SECRET).toString('latin1')), false)
    } finally {
      await device.throwAway()
    }
  })
})

// The canteen's side: an alert of a camera that cannot be reached is dispatched, answered on the phone with words and a photo, and
// closed by the desk.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import * as steps from './phone-steps.mjs'
import { addPerson, makePicture, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'

const test = (name) => `[data-test=${name}]`
let server
let root
let alert
let page
const device = await phone()

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  await addPerson(root, { username: 'lin', display_name: '林晓梅', role: 'food_safety_officer', node_id: place.premises.id })
  // Nobody listens on port 1: the camera is refused, and an alert of a lost signal is raised.
  await root.post('/cameras', { name: '烹饪间 1 号', premises_id: place.premises.id, source_url: 'rtsp://127.0.0.1:1/main', zone: 'cooking' })
  alert = await until('an alert is raised', async () => (await root.get('/alerts?kind=signal_lost')).items[0], 120_000)
  alert = await root.post(`/alerts/${alert.id}/confirm`, { version: alert.version })
  const deadline = new Date(Date.now() + 2 * 3_600_000).toISOString()
  alert = await root.post(`/alerts/${alert.id}/dispatch`, { version: alert.version, deadline, text: '请检查摄像头电源和网线' })
  const context = await device.open()
  page = context.pages()[0] ?? (await context.newPage())
})

after(async () => {
  await device.throwAway()
  await server?.stop()
})

it('shows the canteen its own cameras and what it is asked', async () => {
  await steps.signIn(page, server.base, 'lin', PASSWORD)
  await page.waitForSelector('.camera')
  assert.match(await page.locator('.camera').innerText(), /烹饪间 1 号/)
  // Its own score stands below, with what it is made of.
  await root.call('PUT', '/settings/risk', await root.get('/settings/risk'))
  await page.reload()
  await page.locator(test('score')).waitFor()
  await page.click(test('score-terms'))
  assert.match(await page.locator(test('score')).innerText(), /风险评分[\s\S]+分/)
  await steps.go(page, `${server.base}/m/alerts`)
  await page.locator(test('alert')).first().click()
  await page.waitForSelector(test('rectify-text'))
  assert.match(await page.locator('.page').innerText(), /请检查摄像头电源和网线/)
})

it('keeps what was written when the page is closed before it is sent', async () => {
  await page.fill(test('rectify-text'), '已更换网线，画面恢复')
  await page.locator('input[data-album]').setInputFiles({ name: 'after.png', mimeType: 'image/png', buffer: makePicture({ seed: 9 }) })
  await page.waitForSelector('.photos figure')
  await steps.go(page, `${server.base}/m/me`)
  await steps.go(page, `${server.base}/m/alerts/${alert.id}`)
  await page.waitForSelector('.photos figure')
  assert.equal(await page.inputValue(test('rectify-text')), '已更换网线，画面恢复')
})

it('is answered with a photo while there is no network, once, and the desk sees and accepts it', async () => {
  const context = page.context()
  await context.setOffline(true)
  // From the list that the phone has: what has to be put right is on it.
  await steps.go(page, `${server.base}/m/alerts`)
  await page.locator(test('alert')).first().click()
  await page.waitForSelector('.photos figure')
  assert.match(await page.locator('.page').innerText(), /请检查摄像头电源和网线/)
  await page.click(test('rectify'))
  await page.waitForSelector(test('alert-going'))
  assert.equal(await page.locator(test('rectify')).count(), 0, 'it is not asked twice')
  assert.equal((await root.get(`/alerts/${alert.id}`)).state, 'dispatched')
  await context.setOffline(false)
  await page.waitForSelector('.waiting')
  const answered = await root.get(`/alerts/${alert.id}`)
  assert.equal(answered.state, 'rectified')
  const answer = answered.history.findLast((step) => step.action === 'rectify')
  assert.equal(answer.text, '已更换网线，画面恢复')
  assert.equal(answer.evidence.length, 1)
  const photo = await root.raw('GET', `/alerts/${alert.id}/evidence/${answer.evidence[0].id}`)
  assert.deepEqual(Buffer.from(await photo.arrayBuffer()), makePicture({ seed: 9 }))
  const closed = await root.post(`/alerts/${alert.id}/review`, { version: answered.version, decision: 'accept' })
  assert.equal(closed.state, 'closed')
})

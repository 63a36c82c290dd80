// Suspected food poisoning on the officer's phone: typed and sent with the network cut, kept through a closed page, and there at
// once when the network is back: on the canteen's phone, and on the desk with everything that is on hold, until a supervisor ends it with a reason.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { after, before, it } from 'node:test'
import { openAs } from './desk.mjs'
import * as steps from './phone-steps.mjs'
import { addPerson, desk, makePicture, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'
import { inaccessible } from './walk.mjs'

const test = (name) => `[data-test=${name}]`
let server
let root
let supervisor
let place
let camera
let context
let page
let browser
const device = await phone()
const kitchen = await phone()
/** Pictures of the pages, where somebody wants to look at them. */
const shown = async (on, name) => {
  const folder = process.env.BRIGHT_KITCHEN_SHOTS
  if (!folder) return
  await mkdir(folder, { recursive: true })
  await on.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
}

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  await addPerson(root, { username: 'li', display_name: '李明', role: 'officer', node_id: place.office.id })
  await addPerson(root, { username: 'lin', display_name: '林晓梅', role: 'food_safety_officer', node_id: place.premises.id })
  await addPerson(root, { username: 'zhao', display_name: '赵主管', role: 'supervisor', node_id: place.office.id })
  supervisor = await new Person(server.base, 'zhao', PASSWORD).signIn()
  camera = (await root.post('/cameras', { name: '烹饪区', premises_id: place.premises.id, source_url: 'test:', zone: 'cooking' })).id
  await until('the camera records', async () => (await root.get(`/cameras/${camera}`)).state === 'recording', 120_000)
  context = await device.open()
  page = context.pages()[0] ?? (await context.newPage())
  await steps.signIn(page, server.base, 'li', PASSWORD)
  await steps.readyForOffline(page)
})

after(async () => {
  await device.throwAway()
  await kitchen.throwAway()
  await browser?.close()
  await server?.stop()
})

it('is typed without a network, asks for what is missing, and lives on when the page is closed', async () => {
  await context.setOffline(true)
  await steps.go(page, `${server.base}/m/premises/${place.premises.id}`)
  await page.click(test('report-incident'))
  await page.waitForSelector(test('people'))
  await page.click(test('report-send'))
  assert.match(await page.locator(test('report-fault')).innerText(), /发病人数/)
  await page.fill(test('people'), '12')
  await page.fill(test('hospital'), '3')
  await page.click(test('symptom-vomiting'))
  await page.click(test('symptom-abdominal_pain'))
  await page.click(test('meal-lunch'))
  await page.fill(test('foods'), '四季豆炒肉')
  await page.click(test('add-food'))
  await page.fill(test('food-name-0'), '四季豆炒肉')
  await page.fill(test('food-quantity-0'), '3 kg')
  await page.fill(test('food-place-0'), '备餐间冷柜')
  await page.fill(test('food-seal-0'), '封0001')
  await page.locator(test('food-photo-0')).setInputFiles({ name: 'IMG_1.png', mimeType: 'image/png', buffer: makePicture({ seed: 5 }) })
  await page.waitForSelector('.food figure')
  assert.deepEqual(await inaccessible(page), [])
  await shown(page, 'incident-phone')

  await steps.go(page, `${server.base}/m/me`)
  await steps.go(page, `${server.base}/m/premises/${place.premises.id}/incident`)
  await page.waitForSelector('.food figure')
  assert.deepEqual([await page.inputValue(test('people')), await page.inputValue(test('food-seal-0'))], ['12', '封0001'])
})

it('one tap keeps it on the phone, and it is the first to go when the network is back', async () => {
  await page.click(test('report-send'))
  await page.click('.van-dialog__confirm')
  await page.waitForSelector(test('incident-waits'))
  await shown(page, 'incident-waits')
  assert.equal((await root.get('/incidents')).items.length, 0)
  await context.setOffline(false)
  const one = await until('it is reported', async () => (await supervisor.get('/incidents?open=true')).items[0])
  await until('its photo is there', async () => (await supervisor.get(`/incidents/${one.id}`)).evidence.every((photo) => photo.received_at))
  const whole = await supervisor.get(`/incidents/${one.id}`)
  assert.deepEqual([whole.people, whole.in_hospital, whole.report.meal.foods, whole.goods[0].seal_number, whole.goods[0].evidence_ids.length], [12, 3, '四季豆炒肉', '封0001', 1])
  const photo = await supervisor.raw('GET', `/incidents/${one.id}/evidence/${whole.goods[0].evidence_ids[0]}`)
  assert.deepEqual(Buffer.from(await photo.arrayBuffer()), makePicture({ seed: 5 }), 'as taken')
  await until('the recorder holds it', async () => (await supervisor.get(`/incidents/${one.id}`)).recordings[0]?.state === 'held')
  assert.ok((await supervisor.get('/notices')).items.some((notice) => notice.kind === 'incident_reported'))
  // Whoever comes next sees it on the place, and nothing waits any more.
  const address = page.url()
  await steps.syncNow(page, server.base)
  await steps.go(page, address)
  await page.waitForSelector(test('incident-open'), { timeout: 60_000 })
  assert.equal(await page.locator(test('incident-waits')).count(), 0)
  await shown(page, 'incident-open')
})

it('the canteen is told on its own phone what stops, what is sealed and what to do, without a network too', async () => {
  const theirs = await kitchen.open()
  const glass = theirs.pages()[0] ?? (await theirs.newPage())
  await steps.signIn(glass, server.base, 'lin', PASSWORD)
  await glass.locator(test('incident-open')).getByText(/12 人发病/).waitFor({ timeout: 60_000 })
  await theirs.setOffline(true)
  await steps.go(glass, `${server.base}/m/messages`)
  await glass.locator('.notice').filter({ hasText: '疑似食物中毒' }).first().click()
  await glass.waitForSelector(test('standing'))
  const said = await glass.locator(test('standing')).innerText()
  for (const words of [/停止供餐/, /四季豆炒肉/, /封0001/, /不清洗、不丢弃/]) assert.match(said, words)
  assert.doesNotMatch(said, /李明/, 'not who reported it')
  assert.deepEqual(await inaccessible(glass), [])
  await shown(glass, 'incident-canteen')
  await theirs.setOffline(false)
})

it('the desk sees everything, issues the record, and ends it with a reason, which lets the recordings go', async () => {
  browser = await desk()
  const { page: wide, faults } = await openAs(browser, server.base, 'zhao')
  await wide.goto(`${server.base}/incidents`)
  await wide.getByText(place.premises.name).first().click()
  await wide.waitForSelector(test('held-recording'))
  assert.match(await wide.locator(test('stops')).innerText(), /停止供餐/)
  assert.match(await wide.locator(test('goods')).innerText(), /封0001/)
  await wide.locator(`${test('held-recording')}`).getByText('已保全').waitFor()
  await wide.waitForSelector(test('clock-report_up'))
  assert.deepEqual(await inaccessible(wide), [])
  await shown(wide, 'incident-desk')
  await wide.click(test('issue-record'))
  await wide.waitForSelector(test('record'))
  await wide.click(test('act-take_up'))
  await wide.click(test('act-send'))
  await wide.locator(test('incident-state')).getByText('处置中').waitFor()
  await wide.click(test('act-close'))
  const end = wide.locator(test('act-send'))
  assert.ok(await end.isDisabled(), 'nothing is let go without a reason')
  await wide.fill(`${test('act-text')} textarea, textarea${test('act-text')}`, '检验排除食物中毒')
  await end.click()
  await wide.locator(test('incident-state')).getByText('已办结').waitFor()
  await wide.locator(test('released')).getByText(/检验排除食物中毒/).waitFor()
  const holds = await root.get(`/cameras/${camera}/holds?standing=true`)
  assert.equal(holds.items.length, 0)
  assert.deepEqual(faults, [])
})

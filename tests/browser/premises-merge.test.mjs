// A place that was registered twice: merged at the desk while an officer inspects it on a phone. The phone says so in words, loses
// nothing, and what is sent belongs to the place that stays.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { arrives, choose, openAs } from './desk.mjs'
import * as steps from './phone-steps.mjs'
import { addPerson, desk, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'

const test = (name) => `[data-test="${name}"]`
let server
let root
let place
let double
let browser
let glass
let context
const device = await phone()

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  double = await root.post('/premises', { name: '澄海实验学校饭堂', kind: 'school_canteen', organization_id: place.office.id })
  await addPerson(root, { username: 'li', display_name: '李明', role: 'officer', node_id: place.office.id })
  context = await device.open()
  glass = context.pages()[0] ?? (await context.newPage())
  await steps.signIn(glass, server.base, 'li', PASSWORD)
  await steps.readyForOffline(glass)
})

after(async () => {
  await browser?.close()
  await device.throwAway()
  await server?.stop()
})

it('is begun on the phone at the double', async () => {
  await steps.go(glass, `${server.base}/m/premises/${double.id}`)
  await glass.click(test('begin'))
  await glass.click(test('begin-now'))
  await steps.giveResult(glass, '1.1', 'conforms')
  await glass.waitForSelector(`${test('saved')}.saved`)
})

it('is merged at the desk into the one that stays', async () => {
  browser = await desk()
  const { page, faults } = await openAs(browser, server.base, 'root')
  await page.goto(`${server.base}/premises/${double.id}`)
  await page.click(test('merge'))
  await choose(page, page.locator('.el-dialog'), '保留的场所', '澄海实验学校食堂')
  await page.locator(`${test('merge-reason')} textarea, textarea${test('merge-reason')}`).first().fill('同一食堂登记了两次')
  await page.click(test('merge-send'))
  await arrives(page, `/premises/${place.premises.id}`)
  await page.goto(`${server.base}/premises/${double.id}`)
  await page.getByText('已并入另一个场所').waitFor()
  assert.deepEqual(faults, [])
  assert.equal((await root.get(`/premises/${double.id}`)).merged_into, place.premises.id)
})

it('is said on the phone in words, and the draft is whole', async () => {
  const draft = glass.url()
  await steps.go(glass, `${server.base}/m/today`)
  await glass.click(test('synced'))
  await until('the stone has come', async () => (await steps.storedRows(glass, 'premises')).every((row) => row.id !== double.id))
  await steps.go(glass, draft)
  await glass.waitForSelector(`${test('meanwhile')}[data-note=merged]`)
  assert.match(await glass.locator(`${test('meanwhile')}[data-note=merged]`).innerText(), /已并入“澄海实验学校食堂”/)
  assert.equal(await glass.locator('[data-code="1.1"] [aria-checked=true]').count(), 1)
  // Whoever opens the double is led to the one that stays.
  await steps.go(glass, `${server.base}/m/premises/${double.id}`)
  await glass.waitForURL((url) => url.pathname.endsWith(place.premises.id))
})

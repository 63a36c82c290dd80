// Recordings that somebody holds: from the button on the timeline to the line below it, and let go again; and what is seen of it
// in the system's health. At a desk and at the size of a phone.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { after, before, it } from 'node:test'
import { NARROW, openAs } from './desk.mjs'
import { desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'
import { inaccessible } from './walk.mjs'

let server
let root
let browser
let page
let faults
let camera
/** Pictures of the pages, where somebody wants to look at them. */
const shown = async (on, name) => {
  const folder = process.env.BRIGHT_KITCHEN_SHOTS
  if (!folder) return
  await mkdir(folder, { recursive: true })
  await on.screenshot({ path: `${folder}/${name}.png` })
}

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  camera = (await root.post('/cameras', { name: '烹饪区', premises_id: place.premises.id, source_url: 'test:', zone: 'cooking' })).id
  await until('the camera records', async () => (await root.get(`/cameras/${camera}`)).state === 'recording', 60_000)
  browser = await desk()
  ;({ page, faults } = await openAs(browser, server.base, 'root'))
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

it('holds a stretch with a reason and an end, and shows it on the timeline', async () => {
  await page.goto(`${server.base}/cameras/${camera}`)
  await page.getByRole('button', { name: '保全录像' }).click()
  const dialog = page.getByRole('dialog')
  const hold = dialog.getByRole('button', { name: '保全', exact: true })
  assert.ok(await hold.isDisabled(), 'nothing is held without a reason')
  await dialog.getByLabel('保全原因').fill('家长反映饭菜有异物')
  assert.deepEqual(await inaccessible(page), [])
  await shown(page, 'holding')
  await page.keyboard.press('Control+Enter')
  await dialog.waitFor({ state: 'hidden' })
  const line = page.locator('.holds li')
  await line.getByText('家长反映饭菜有异物').waitFor()
  await line.getByText('已保全').waitFor()
  await until('it is on the timeline', () => page.locator('.held-lane .held').count())
  assert.match(await page.locator('.held-lane .held').first().getAttribute('title'), /已保全，不会到期删除：家长反映饭菜有异物/)
  assert.deepEqual(await inaccessible(page), [])
  await shown(page, 'held')
  const health = await root.get('/system/health')
  assert.equal(health.recording.holds, 1)
  await page.goto(`${server.base}/system`)
  await page.getByText(/，1 项/).waitFor()
})

it('lets it go with a reason, at the size of a phone, and whoever looks elsewhere sees it', async () => {
  await page.goto(`${server.base}/cameras/${camera}`)
  await page.locator('.holds li').waitFor()
  const phone = await openAs(browser, server.base, 'root', { viewport: NARROW })
  await phone.page.goto(`${server.base}/cameras/${camera}`)
  const line = phone.page.locator('.holds li')
  await line.scrollIntoViewIfNeeded()
  assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the phone')
  await shown(phone.page, 'held-phone')
  await line.getByRole('button', { name: '解除' }).click()
  const dialog = phone.page.getByRole('dialog')
  await dialog.getByText('超期的录像会被删除').waitFor()
  await dialog.getByLabel('解除原因').fill('已核查，与食堂无关')
  await dialog.getByRole('button', { name: '解除' }).click()
  await line.waitFor({ state: 'detached' })
  await phone.close()
  await page.locator('.holds li').waitFor({ state: 'detached' })
  const { items } = await root.get(`/cameras/${camera}/holds`)
  assert.deepEqual(items.map((hold) => [hold.state, hold.release_reason]), [['released', '已核查，与食堂无关']])
  assert.deepEqual(faults, [])
})

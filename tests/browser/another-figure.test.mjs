// A rule that raises at a camera what people dismiss: the proposal, its trial over the real clips and recordings, what it found, and the
// figures in force once they are applied.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { NARROW, openAs, WIDE } from './desk.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startCameras, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

const test = (name) => `[data-test=${name}]`
const SCENE = { name: 'COOKING', width: 640, height: 360, key_frame_interval_ms: 1_000, loop_s: 10 }
const FLAGS = 8
/** The light goes out for a moment, again and again: each flag is over before the next. */
const OUTAGES = Array.from({ length: FLAGS + 6 }, (_, at) => ({ at_ms: 20_000 + at * 18_000, for_ms: 5_000, kind: 'black' }))
const RULE = { black: { duration_s: 1, clear_s: 1, repeat_interval_s: 10 } }
let server
let cameras
let root
let camera
let browser
let page
let faults

/** A picture of the page, where somebody wants to look. */
const look = (name) => (process.env.BRIGHT_KITCHEN_PICTURES ? page.screenshot({ path: `${process.env.BRIGHT_KITCHEN_PICTURES}/${name}.png`, fullPage: true }) : undefined)

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  await addPerson(root, { username: 'min', display_name: '陈敏', role: 'supervisor', node_id: place.district.id })
  cameras = await startCameras([{ path: 'cooking', scene: SCENE, script: OUTAGES }])
  await root.call('PUT', '/settings/diagnosis?scope=system', RULE)
  camera = await root.post('/cameras', { name: '烹饪间 1 号', premises_id: place.premises.id, source_url: cameras.url('cooking'), zone: 'cooking' })
  const dismissed = new Set()
  await until('enough flags are dismissed', async () => {
    for (const alert of (await root.get('/alerts?kind=black&state=raised')).items) {
      await root.post(`/alerts/${alert.id}/dismiss`, { version: (await root.get(`/alerts/${alert.id}`)).version, reason: 'false_alarm' })
      dismissed.add(alert.id)
    }
    return dismissed.size >= FLAGS
  }, 300_000)
  await until('their clips are cut', async () => {
    const { items } = await root.get(`/alerts?camera_id=${camera.id}&kind=black`)
    const clips = await Promise.all(items.map((alert) => root.get(`/alerts/${alert.id}`)))
    return clips.filter((alert) => alert.clip?.state === 'ready').length >= FLAGS
  }, 60_000)
  // Rules are looked at when the program starts, and every ten minutes.
  await server.kill()
  await server.start()
  browser = await desk()
  ;({ page, faults } = await openAs(browser, server.base, 'min'))
})

after(async () => {
  await browser?.close()
  await cameras?.stop()
  await server?.stop()
})

it('proposes another figure for the rule, and says why', async () => {
  await page.goto(`${server.base}/statistics/proposals`)
  const row = page.locator('tbody tr', { hasText: '烹饪间 1 号' })
  await row.waitFor({ timeout: 30_000 })
  for (const said of ['画面过暗', `${FLAGS} 次决定中排除 ${FLAGS} 次`, '待试算']) assert.ok((await row.innerText()).includes(said), `${said} in ${await row.innerText()}`)
  await settled(page)
  assert.deepEqual(await inaccessible(page), [])
  await look('rule-proposals')
  await page.goto(`${server.base}/cameras/${camera.id}`)
  await page.locator(test('rule-proposals')).getByRole('link', { name: '查看建议' }).click()
  await page.locator(test('state')).getByText('待试算').waitFor()
})

it('tries it over the camera’s own clips and recordings, and goes on when the page is left', async () => {
  await page.locator(test('try')).click()
  await page.locator(test('progress')).waitFor()
  await look('rule-proposal-trying')
  const address = page.url()
  await page.goto(`${server.base}/desk`)
  await page.goto(address)
  await page.locator(test('trial')).waitFor({ timeout: 480_000 })
  await page.locator(test('state')).getByText('已试算').waitFor()
  assert.equal(await page.locator(test('clip')).count(), FLAGS)
  assert.match(await page.locator(test('silenced')).innerText(), /\d+ 个被排除的预警中，\d+ 个不再出现/)
  assert.match(await page.locator(test('proposed-duration_s')).innerText(), /^\d+ 秒$/)
  assert.match(await page.locator(test('rate')).innerText(), /每小时预警 [\d.,]+ 次 → 0 次/)
  await settled(page)
  assert.deepEqual(await inaccessible(page), [])
  await look('rule-proposal-tried')
  await page.setViewportSize(NARROW)
  await settled(page)
  assert.equal(await sideways(page), null)
  await look('rule-proposal-narrow')
  await page.setViewportSize(WIDE)
  await page.emulateMedia({ colorScheme: 'dark' })
  await look('rule-proposal-dark')
  await page.emulateMedia({ colorScheme: 'light' })
})

it('applies it with a reason, and the camera has the figure', async () => {
  const seconds = Number.parseInt(await page.locator(test('proposed-duration_s')).innerText(), 10)
  await page.locator(test('apply')).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox').fill('换灯跳闸，片段都看过')
  await dialog.getByRole('button', { name: '采用' }).click()
  await page.locator(test('state')).getByText('已采用').waitFor()
  const rules = await root.get(`/cameras/${camera.id}/diagnosis`)
  assert.deepEqual([rules.black.duration_s, rules.black.from], [seconds, 'camera'])
  await page.goto(`${server.base}/statistics/proposals?open=false`)
  await page.locator('tbody tr', { hasText: '已采用' }).waitFor()
  assert.deepEqual(faults, [])
})

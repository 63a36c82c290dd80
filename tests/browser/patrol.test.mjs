// The patrol: planned in the console, walked with the keyboard over live pictures, a finding that becomes an alert with its picture and
// clip, and a second person who sees how far it has come.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { arrives, NARROW, openAs, walkTo, WIDE } from './desk.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startCameras, startServer, until } from './support.mjs'
import { inaccessible, sideways } from './walk.mjs'

const SCENE = { name: 'COOKING', width: 320, height: 240, loop_s: 6, view: { left: 0, top: 0, width: 1, height: 1, mirrored: false } }
const NAMES = ['烹饪间', '备餐间', '留样间']

let server
let cameras
let root
let browser
let page
let faults

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  await addPerson(root, { username: 'min', display_name: '陈敏', role: 'supervisor', node_id: place.district.id })
  cameras = await startCameras([{ path: 'one', scene: SCENE }, { path: 'two', scene: SCENE }])
  const urls = [cameras.url('one'), cameras.url('two'), 'rtsp://127.0.0.1:9/none']
  for (const [at, name] of NAMES.entries()) await root.post('/cameras', { name, premises_id: place.premises.id, source_url: urls[at] })
  await until('two record', async () => (await root.get('/cameras?state=recording')).total === 2, 90_000)
  browser = await desk()
  ;({ page, faults } = await openAs(browser, server.base, 'min'))
})

after(async () => {
  await browser?.close()
  await cameras?.stop()
  await server?.stop()
})

const press = (key) => page.keyboard.press(key)
const looks = async () => (await root.get('/patrol/looks')).items

it('is planned for an office, and drawn at once', async () => {
  await walkTo(page, '/patrol')
  await page.getByText('今天没有巡查任务').waitFor()
  await page.locator('.el-button', { hasText: '巡查计划' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.locator('[data-test=patrol-node]').click()
  await page.getByRole('option').first().click()
  await dialog.getByText('每天巡查全部摄像头').waitFor()
  await dialog.getByRole('button', { name: '保存' }).click()
  await dialog.getByText('每天 100%').waitFor()
  await press('Escape')
  await page.locator('.queue li').nth(NAMES.length - 1).waitFor()
  assert.deepEqual((await looks()).map((one) => one.result), [null, null, null])
})

it('is walked with the keyboard over live pictures', async () => {
  await until('the first plays', () => page.evaluate(() => document.querySelector('.screen video')?.currentTime > 0.2))
  assert.deepEqual(await inaccessible(page), [])
  const first = await page.locator('.queue button.on').innerText()
  await press('n')
  await until('it is noted', async () => (await looks()).filter((one) => one.result === 'fine').length === 1)
  await until('the next is shown', async () => (await page.locator('.queue button.on').innerText()) !== first)
  await page.locator('.progress').getByText('已巡 1 / 3 路').waitFor()
})

it('makes an alert of a finding, with its picture and clip', async () => {
  const { id } = (await looks()).find((one) => one.result === null && one.state === 'recording')
  await page.goto(`${server.base}/patrol?camera=${id}`)
  await until('it plays', () => page.evaluate(() => document.querySelector('.screen video')?.currentTime > 0.2))
  await press('f')
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: '垃圾桶未盖' }).click()
  await press('Control+Enter')
  await page.getByText('已生成预警').waitFor()
  const seen = await until('it is noted', async () => (await looks()).find((one) => one.result === 'finding'))
  assert.equal(seen.id, id)
  const alert = await until('its clip is there', async () => {
    const one = await root.get(`/alerts/${seen.alert_id}`)
    return one.clip.state === 'ready' && one
  }, 90_000)
  assert.deepEqual([alert.kind, alert.class, alert.has_still, alert.history[0].text], ['patrol_finding', 2, true, '垃圾桶未盖'])
  assert.equal(alert.history[0].actor.name, '陈敏')
})

it('says where there is nothing to see, and when the day is done', async () => {
  const { id } = (await looks()).find((one) => one.result === null)
  await page.goto(`${server.base}/patrol?camera=${id}`)
  await page.getByText('这一路现在没有画面').waitFor()
  await press('x')
  await page.getByText('今天的巡查完成了').waitFor()
  await page.locator('.over table').getByText('3 / 3').waitFor()
  await page.setViewportSize(NARROW)
  assert.equal(await sideways(page), null)
  await page.setViewportSize(WIDE)
  await page.locator('.queue').getByText('有问题').click()
  await page.getByRole('link', { name: '查看预警' }).click()
  await arrives(page, (path) => path.startsWith('/alerts/'))
  await page.locator('main').getByText('巡查发现').first().waitFor()
})

it('is reported from a camera’s own page too', async () => {
  const [{ id }] = (await root.get('/cameras?state=recording')).items
  await page.goto(`${server.base}/cameras/${id}`)
  await page.getByRole('button', { name: '记录问题' }).click()
  await page.getByRole('dialog').locator('textarea').fill('地面有积水')
  await press('Control+Enter')
  await arrives(page, (path) => path.startsWith('/alerts/'))
  await page.locator('.history').getByText('地面有积水').waitFor()
})

it('was done without a fault in the page', () => {
  assert.deepEqual(faults, [])
})

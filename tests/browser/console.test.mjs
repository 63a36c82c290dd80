// An alert's whole story in the console: it arrives live on the open desk, its clip plays, it is confirmed and dispatched with the
// keyboard, answered by the canteen with a photo at the size of a phone, accepted, and its page tells all of it.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { addPerson, desk, makePicture, PASSWORD, Person, seedPlace, startCameras, startServer, until } from './support.mjs'

/** A cheap picture of 6 s in a loop; it goes black once the recording has something to show from before. */
const SCENE = { name: 'COOKING', width: 320, height: 240, loop_s: 6, view: { left: 0, top: 0, width: 1, height: 1, mirrored: false } }
const BLACK = { at_ms: 8_000, for_ms: 600_000, kind: 'black' }
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }

let server
let cameras
let root
let browser
let page
let canteen
let alert

async function open(username, size) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'zh-CN', ...size })
  await context.addInitScript(() => localStorage.setItem('bk.locale', 'zh-CN'))
  const opened = await context.newPage()
  await opened.goto(`${server.base}/sign-in`)
  await opened.fill('#username', username)
  await opened.fill('#password', PASSWORD)
  await opened.keyboard.press('Enter')
  await opened.waitForURL((url) => !url.pathname.endsWith('/sign-in'))
  return opened
}

const read = () => root.get(`/alerts/${alert.id}`)
const reaches = (state) => until(`the alert is ${state}`, async () => (await read()).state === state)

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  await addPerson(root, { username: 'min', display_name: '陈敏', role: 'supervisor', node_id: place.district.id })
  await addPerson(root, { username: 'lin', display_name: '林晓梅', role: 'food_safety_officer', node_id: place.premises.id })
  browser = await desk()
  page = await open('min')
  await page.goto(`${server.base}/desk`)
  await page.getByText('没有待处理的预警').waitFor()
  cameras = await startCameras([{ path: 'cooking', scene: SCENE, script: [BLACK] }])
  await root.post('/cameras', { name: '烹饪间 1 号', premises_id: place.premises.id, source_url: cameras.url('cooking'), zone: 'cooking' })
})

after(async () => {
  await browser?.close()
  await cameras?.stop()
  await server?.stop()
})

it('brings the alert of a picture gone black to the open desk', async () => {
  const row = page.locator('.inbox .item', { hasText: '画面过暗' })
  await row.waitFor({ timeout: 60_000 })
  assert.match(await row.innerText(), /澄海实验学校食堂 · 烹饪间 1 号/)
  alert = (await root.get('/alerts?state=raised')).items[0]
  assert.equal(alert.kind, 'black')
})

it('plays its clip at once, and the space bar stops it', async () => {
  const video = page.locator('.detail video')
  await video.waitFor({ timeout: 60_000 })
  await page.waitForFunction(() => document.querySelector('.detail video').duration > 5)
  await page.waitForFunction(() => document.querySelector('.detail video').currentTime > 0.5)
  await page.keyboard.press('Space')
  await page.waitForFunction(() => document.querySelector('.detail video').paused)
})

it('is confirmed and dispatched with the keyboard', async () => {
  await page.keyboard.press('c')
  await reaches('confirmed')
  await page.locator('.detail').getByText('已确认').first().waitFor()
  await page.keyboard.press('d')
  const dialog = page.getByRole('dialog')
  await dialog.getByText('派发给 澄海实验学校食堂').waitFor()
  await dialog.locator('textarea').fill('请清理镜头并恢复照明')
  await page.keyboard.press('Control+Enter')
  await reaches('dispatched')
  await dialog.waitFor({ state: 'hidden' })
})

it('is answered by the canteen with a photo, at the size of a phone', async () => {
  canteen = await open('lin', PHONE)
  await canteen.goto(`${server.base}/desk`)
  await canteen.locator('.inbox .item').first().click()
  await canteen.getByText('请清理镜头并恢复照明').first().waitFor()
  assert.ok(await canteen.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the phone')
  await canteen.getByRole('button', { name: '提交整改' }).click()
  const dialog = canteen.getByRole('dialog')
  await dialog.locator('textarea').fill('已打开照明，画面恢复')
  await dialog.locator('input[type=file]').setInputFiles({ name: 'after.png', mimeType: 'image/png', buffer: makePicture({ seed: 7 }) })
  await dialog.locator('.photo.sent').waitFor()
  await dialog.getByRole('button', { name: '提交整改' }).click()
  await reaches('rectified')
  const answer = (await read()).history.findLast((step) => step.action === 'rectify')
  assert.equal(answer.evidence.length, 1)
})

it('reaches the supervisor live and is accepted with the keyboard', async () => {
  await page.locator('.detail').getByText('整改前后').waitFor()
  await page.keyboard.press('a')
  await page.getByRole('dialog').getByText('复核通过并办结').waitFor()
  await page.getByRole('dialog').locator('textarea').fill('整改到位')
  await page.keyboard.press('Control+Enter')
  await reaches('closed')
})

it('tells the whole story on its own page', async () => {
  await page.goto(`${server.base}/alerts/${alert.id}`)
  const history = page.locator('.history')
  await history.waitFor()
  const steps = await history.locator('li b').allInnerTexts()
  assert.deepEqual(steps.reverse(), ['发现预警', '确认', '派发整改', '提交整改', '复核通过，办结'])
  const told = await history.innerText()
  for (const said of ['请清理镜头并恢复照明', '已打开照明，画面恢复', '整改到位', '陈敏', '林晓梅']) assert.ok(told.includes(said), said)
  await page.waitForFunction(() => [...document.querySelectorAll('.history img')].some((one) => one.naturalWidth === 640))
  await page.waitForFunction(() => document.querySelector('video')?.duration > 5)
})

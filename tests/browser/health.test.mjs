// A camera's stream in figures: the camera page says that packets are lost, the timeline shows where pictures are damaged, and
// a page explains each figure, what is normal and what to do; in both languages, at the width of a phone.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { NARROW, openAs, walkTo } from './desk.mjs'
import { desk, PASSWORD, Person, seedPlace, startCameras, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

const SCENE = { name: 'COOKING', width: 320, height: 240, loop_s: 6, view: { left: 0, top: 0, width: 1, height: 1, mirrored: false } }
const LOSS = { at_ms: 4_000, for_ms: 600_000, kind: 'packets_lost', one_in: 60 }
/** Where pictures of the pages go, for people who look at them; nowhere unless asked for. */
const PICTURES = process.env.BRIGHT_KITCHEN_PICTURES

let server
let cameras
let root
let browser
let camera

async function picture(page, name) {
  if (!PICTURES) return
  await mkdir(PICTURES, { recursive: true })
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true })
}

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  cameras = await startCameras([{ path: 'cooking', scene: SCENE, script: [LOSS] }])
  camera = await root.post('/cameras', { name: '烹饪间 1 号', premises_id: place.premises.id, source_url: cameras.url('cooking'), zone: 'cooking' })
  await until('packets are lost', async () => (await root.get(`/cameras/${camera.id}/health`)).lost_last_hour > 3, 90_000)
  browser = await desk()
})

after(async () => {
  await browser?.close()
  await cameras?.stop()
  await server?.stop()
})

it('judges each figure on the camera page and shows damaged pictures on the timeline', async () => {
  const { page, faults, close } = await openAs(browser, server.base, 'root')
  await walkTo(page, `/cameras/${camera.id}`)
  const panel = page.locator('.panel.health')
  await panel.getByText('项需要留意').waitFor()
  const rows = await panel.locator('dt').allInnerTexts()
  assert.deepEqual(rows, ['码率', '帧率', '关键帧间隔', '丢包', '抖动', '重连', '时钟偏差'])
  assert.match(await panel.locator('dl').innerText(), /最近一小时 \d+ 包/)
  await page.locator('.legend').getByText('画面受损').waitFor()
  const tip = await page.locator('.lane .damaged').first().getAttribute('title')
  assert.match(tip, /画面受损：传输丢包/)
  await settled(page)
  await picture(page, 'camera-wide')
  await page.setViewportSize(NARROW)
  assert.equal(await sideways(page), null)
  await picture(page, 'camera-narrow')
  assert.equal(await panel.getByRole('link', { name: '丢包' }).getAttribute('href'), `/cameras/${camera.id}/health#lost`)
  assert.deepEqual(faults, [])
  await close()
})

for (const [locale, words] of [
  ['zh-CN', { title: '码流健康', normal: '最近一小时 0 包', todo: '检查网线', value: /最近一小时 \d+ 包/ }],
  ['en', { title: 'Stream health', normal: '0 in the last hour', todo: 'Check cable', value: /\d+ packets in the last hour/ }],
]) {
  it(`explains each figure beside its value, what needs somebody first (${locale})`, async () => {
    const { page, faults, close } = await openAs(browser, server.base, 'root', { locale })
    await walkTo(page, `/cameras/${camera.id}/health`)
    await page.getByRole('heading', { name: words.title }).waitFor()
    const lost = page.locator('section#lost')
    await page.waitForFunction(() => /watch|bad/.test(document.querySelector('section#lost')?.className ?? ''))
    const said = await lost.innerText()
    assert.ok(said.includes(words.normal) && said.includes(words.todo), said)
    assert.match(said, words.value)
    assert.equal(await page.locator('section.item').count(), 7)
    const order = await page.locator('section.item').evaluateAll((all) => all.map((one) => one.className.match(/watch|bad|good|none/)[0]))
    const rank = order.map((one) => ['bad', 'watch'].indexOf(one) + 1 || 3)
    assert.deepEqual(rank, [...rank].sort(), `what needs somebody comes first: ${order}`)
    await settled(page)
    await picture(page, `health-wide-${locale}`)
    assert.deepEqual(await inaccessible(page), [])
    await page.setViewportSize(NARROW)
    await settled(page)
    assert.equal(await sideways(page), null)
    await picture(page, `health-narrow-${locale}`)
    assert.deepEqual(await inaccessible(page), [])
    assert.deepEqual(faults, [])
    await close()
  })
}

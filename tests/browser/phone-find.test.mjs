// Find and on the spot: the code that hangs at the door is printed by the console and read through Chromium's fake video device with
// the network cut; the premises' page is whole off line; the scan opens the visit, and recusal is asked and answered.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import * as steps from './phone-steps.mjs'
import { addPerson, PASSWORD, Person, phone, seedPlace, startServer } from './support.mjs'

const test = (name) => `[data-test=${name}]`
let server
let root
let place
let chen
let folder
let device
let context
let page

/** A film of one picture: the printed code's dark squares, in the middle of a white wall. */
function film(svg) {
  const [width, height] = [640, 480]
  const modules = [...svg.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => [Number(x), Number(y)])
  const count = Math.max(...modules.flat()) + 5
  const scale = Math.floor((height - 40) / count)
  const [left, top] = [Math.floor((width - count * scale) / 2), Math.floor((height - count * scale) / 2)]
  const luma = Buffer.alloc(width * height, 235)
  for (const [x, y] of modules) for (let row = 0; row < scale; row += 1) luma.fill(16, (top + y * scale + row) * width + left + x * scale, (top + y * scale + row) * width + left + (x + 1) * scale)
  const frame = Buffer.concat([Buffer.from('FRAME\n'), luma, Buffer.alloc((width * height) / 2, 128)])
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`), frame, frame, frame])
}

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  chen = await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  await root.post('/premises', { name: '远处的食堂', kind: 'school_canteen', organization_id: place.office.id, latitude: 23.6, longitude: 116.9 })
  const operator = await root.post('/operators', { name: '洁厨餐饮管理有限公司', licence_number: 'JY34405151234567' })
  await root.call('PUT', `/premises/${place.premises.id}/operators/${operator.id}`, { part: 'contractor' })
  folder = await mkdtemp(join(tmpdir(), 'bright-kitchen-film-'))
  const svg = await (await root.raw('GET', `/premises/${place.premises.id}/door.svg`)).text()
  await writeFile(join(folder, 'door.y4m'), film(svg))
  device = await phone({
    args: ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${join(folder, 'door.y4m')}`], permissions: ['camera'],
  })
  context = await device.open()
  page = context.pages()[0] ?? (await context.newPage())
  await steps.signIn(page, server.base, 'chen', PASSWORD)
  await steps.readyForOffline(page)
  await context.setOffline(true)
})

after(async () => {
  await device?.throwAway()
  await rm(folder, { recursive: true, force: true })
  await server?.stop()
})

it('finds by licence number and by nearness, with no network', async () => {
  await steps.go(page, `${server.base}/m/premises`)
  await page.click(test('near'))
  await page.waitForSelector(test('away'))
  assert.match(await page.locator(test('premises')).first().innerText(), /澄海实验学校食堂/)
  await page.fill('input[type=search]', 'JY34405151234567')
  await page.waitForFunction((selector) => document.querySelectorAll(selector).length === 1, test('premises'))
  await page.click(test('scan'))
  await page.waitForURL((url) => url.pathname.endsWith('/scan'))
})

it('reads the code at the door through the camera, shows the premises whole, and opens the visit', async () => {
  await page.waitForURL((url) => url.pathname.endsWith(`/premises/${place.premises.id}`), { timeout: 60_000 })
  for (const part of ['orders', 'open-alerts', 'cameras', 'history']) await page.waitForSelector(test(part))
  assert.match(await page.locator('main.page').innerText(), /JY34405151234567/)
  await page.click(test('begin'))
  await page.locator('.kinds [role=radio]').nth(1).click()
  await page.click(test('begin-now'))
  await page.waitForSelector('[data-code="1.1"]')
  await page.click(test('visit'))
  await page.waitForSelector(test('visit-opened'))
})

it('shows certificates, asks about recusal, closes the visit by the same code, and all of it arrives', async () => {
  const id = new URL(page.url()).pathname.split('/').at(-2)
  await page.click(test('show-certificates'))
  await page.waitForSelector(test('certificates-shown'))
  await page.getByRole('radiogroup').last().getByRole('radio').first().click()
  await page.fill(test('recusal-name'), '林晓梅')
  await page.locator(test('pad')).scrollIntoViewIfNeeded()
  const glass = await page.locator(test('pad')).boundingBox()
  await page.mouse.move(glass.x + 40, glass.y + 60)
  await page.mouse.down()
  for (let step = 0; step < 20; step += 1) await page.mouse.move(glass.x + 40 + step * 8, glass.y + 60 + 20 * Math.sin(step))
  await page.mouse.up()
  await page.click(test('pad-done'))
  await page.waitForSelector(test('recusal-answered'))
  await page.click(test('scan-close'))
  await page.waitForSelector(test('visit-closed'), { timeout: 60_000 })
  await steps.go(page, `${server.base}/m/inspections/${id}`)
  await page.waitForSelector('[data-code="1.1"]')
  await steps.giveResult(page, '1.1', 'conforms')
  if (await page.locator('[data-code="1.1"] .need').count()) await steps.addPhoto(page, '1.1', 51)
  await page.click(test('review'))
  await page.click(test('sign'))
  await steps.signOfficers(page)
  await steps.refuse(page, '林晓梅', '对结果有异议', '王建国')
  await steps.submit(page)
  await context.setOffline(false)
  await page.waitForSelector(`${test('way')}[data-stage=sent]`, { timeout: 60_000 })
  const [part] = (await chen.signIn().then(() => chen.get(`/inspections/${id}/parts`))).parts
  assert.deepEqual(part.door, { opened: true, closed: true })
  const { visit } = part.content
  assert.ok(visit.certificates_shown_at && visit.recusal.requested === false && visit.recusal.name === '林晓梅')
  assert.ok(part.content.evidence.some((one) => one.id === visit.recusal.evidence_id))
})

// A photo on the phone: taken with the network cut, drawn on, a name on it blackened; its reduced copy arrives first and makes the
// inspection complete, the file as taken follows on the network that the officer chose.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { openAs } from './desk.mjs'
import * as steps from './phone-steps.mjs'
import { addPerson, desk, makePicture, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'

const test = (name) => `[data-test=${name}]`
const words = (text) => ({ zh: text, en: text })
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')
const PHOTO = makePicture({ width: 2400, height: 1800, seed: 5 })
let server
let root
let place
let officer
let canteen
const device = await phone({ permissions: ['camera', 'microphone'], args: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] })

/** One judged item: what is looked at here is its photo. */
const template = {
  code: 'one_item', name: words('单项检查'), premises_kinds: ['school_canteen'], audience: 'officer', source: words('本局'),
  body: {
    rule: { general_limit: 8, points_key: 3, points_general: 1, grades: [] }, originals: 'key_items',
    sections: [{ code: '1', name: words('一'), items: [
      { code: '1.1', key: true, text: words('公示许可证'), basis: 'x', min_photos: 1, photo_on_fail: false },
      { code: '1.2', key: false, text: words('地面清洁'), basis: 'x', min_photos: 1, photo_on_fail: false },
    ] }],
  },
}

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  officer = await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  const second = await addPerson(root, { username: 'huang', display_name: '黄志远', role: 'officer', node_id: place.office.id })
  canteen = await addPerson(root, { username: 'lin', display_name: '林晓梅', role: 'food_safety_director', node_id: place.premises.id })
  const draft = await root.post('/template-drafts', { file: template, based_on: null })
  const published = await root.post(`/template-drafts/${draft.id}/publish`, { version: draft.version })
  const today = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10)
  await root.post('/assignments', { premises_id: place.premises.id, template_id: published.id, kind: 'routine', due_on: today, officer_ids: [officer.id, second.id] })
})

after(async () => {
  await device.throwAway()
  await server?.stop()
})

describe('a photo as evidence', () => {
  let page
  let context
  let id

  const add = async (code, name) => {
    const before = await page.locator(`[data-code="${code}"] figure`).count()
    await page.locator(`[data-code="${code}"] input[data-album]`).setInputFiles({ name, mimeType: 'image/png', buffer: PHOTO })
    await page.locator(`[data-code="${code}"] figure`).nth(before).waitFor()
  }
  /** A finger across the picture, in parts of its width and height. */
  const across = async (from, to) => {
    const glass = await page.locator(test('mark-canvas')).boundingBox()
    const at = ([x, y]) => [glass.x + x * glass.width, glass.y + y * glass.height]
    await page.mouse.move(...at(from))
    await page.mouse.down()
    await page.mouse.move(...at([(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]))
    await page.mouse.move(...at(to))
    await page.mouse.up()
  }

  it('is taken, drawn on and made unreadable in places with the network cut', async () => {
    context = await device.open()
    page = context.pages()[0] ?? (await context.newPage())
    await steps.signIn(page, server.base, 'chen', PASSWORD)
    await page.waitForSelector(test('assignment'))
    await steps.readyForOffline(page)
    await steps.go(page, `${server.base}/m/me`)
    await page.locator(test('originals-on')).getByRole('radio').nth(1).click()
    await steps.go(page, `${server.base}/m/today`)
    await context.setOffline(true)
    await page.click(test('start'))
    await page.waitForSelector('[data-code="1.1"]')
    id = page.url().split('/').at(-1)
    await steps.giveResult(page, '1.1', 'conforms')
    await steps.giveResult(page, '1.2', 'conforms')
    await add('1.1', 'IMG_1.png')
    await add('1.2', 'IMG_2.png')
    await page.locator(`[data-code="1.1"] ${test('look')}`).click()
    await page.waitForSelector(`${test('mark-canvas')}:visible`)
    await page.waitForTimeout(500)
    await page.click('[data-tool=arrow]')
    await across([0.1, 0.9], [0.3, 0.7])
    await page.click('[data-tool=black]')
    await across([0.4, 0.4], [0.6, 0.6])
    await page.click('[data-tool=coarse]')
    await across([0.7, 0.1], [0.9, 0.3])
    await page.click('[data-tool=text]')
    await page.fill(test('mark-words'), '许可证过期')
    await across([0.1, 0.1], [0.1, 0.1])
    await page.click(test('mark-stamp'))
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/phone-mark.png` })
    await page.click(test('mark-save'))
    await page.waitForSelector(test('mark-canvas'), { state: 'detached' })
    assert.match(await page.locator(`[data-code="1.1"] ${test('marked')}`).innerText(), /已遮挡/)
    await page.waitForSelector(`${test('saved')}.saved`)
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/phone-item.png` })
  })

  it('has a video and a sound recording beside it, recorded and played without a network', async () => {
    for (const [kind, count] of [['video', 1], ['audio', 2]]) {
      await page.locator(`[data-code="1.1"] ${test(`record-${kind}`)}`).click()
      await page.locator(`${test('clip-start')}:enabled`).click()
      await page.waitForTimeout(2_500)
      if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/phone-${kind}.png` })
      await page.click(test('clip-stop'))
      await page.locator(`[data-code="1.1"] ${test('clip')}`).nth(count - 1).waitFor()
    }
    await page.locator(`[data-code="1.1"] ${test('clip')} button`).first().click()
    await page.locator(test('clip-player')).evaluate((player) => player.play())
    await page.waitForFunction((name) => document.querySelector(name)?.currentTime > 0.2, test('clip-player'))
    await page.click('.player .van-popup__close-icon')
    await page.waitForSelector(test('clip-player'), { state: 'hidden' })
    await page.waitForSelector(`${test('saved')}.saved`)
  })

  it('has a sample beside it that is signed for, and a quick test with its reading', async () => {
    await page.click(test('review'))
    await page.click(test('sampling'))
    await page.click(test('add-sample'))
    await page.click(test('keep-sample'))
    assert.match(await page.locator('.sheet .fault:visible').innerText(), /请填写编号、名称和数量/)
    for (const [field, text] of [['name', '四季豆'], ['batch', '20261123'], ['quantity', '2 kg']]) await page.fill(test(`sample-${field}`), text)
    await page.setInputFiles(test('sample-photo'), { name: 'IMG_3.png', mimeType: 'image/png', buffer: makePicture({ seed: 7 }) })
    await page.waitForSelector('.sheet .thumb img')
    await steps.signSample(page, '林晓梅')
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/phone-sample.png` })
    await page.click(test('keep-sample'))
    await page.waitForSelector(test('sample'))
    await page.click(test('add-test'))
    const filled = { food: '上海青', item: '农药残留', method: '酶抑制率法', lot: 'A12', reading: '12,5', unit: '%', limit: '≤50 %' }
    for (const [field, text] of Object.entries(filled)) await page.fill(test(`test-${field}`), text)
    await page.click(test('keep-test'))
    assert.match(await page.locator('.sheet .fault:visible').innerText(), /读数须是数字/)
    await page.fill(test('test-reading'), '12.5')
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/phone-quick-test.png` })
    await page.click(test('keep-test'))
    await page.waitForSelector(test('quick-test'))
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/phone-sampling.png` })
    await page.goBack()
    assert.match(await page.locator(test('sampling')).innerText(), /样品 1 件，快检 1 项/)
    await page.goBack()
    await page.waitForSelector('[data-code="1.1"]')
  })

  it('is on the record by its hash, and that one is not sent as taken is said there', async () => {
    await page.click(test('review'))
    await page.click(test('sign'))
    const paper = page.locator(test('paper'))
    await paper.waitFor()
    assert.match(await paper.innerText(), /照片1张按检查表规定不上传原件，只上传缩小件/)
    assert.match(await paper.innerText(), /录像（\d秒，校验值[0-9a-f]{64}）/)
    assert.match(await paper.innerText(), /抽样 CY-1：四季豆，批号 20261123，数量 2 kg/)
    assert.match(await paper.innerText(), /读数 12.5 %，限值 ≤50 %，合格/)
    await steps.signOfficers(page)
    await steps.signPremises(page, '林晓梅')
    await steps.submit(page)
  })

  it('arrives reduced, and the inspection is complete with it', async () => {
    await context.setOffline(false)
    await page.waitForSelector(test('originals-left'), { timeout: 60_000 })
    assert.match(await page.locator(test('status')).innerText(), /2 张原图待发送/)
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/phone-originals.png` })
    const found = await root.get(`/inspections/${id}`)
    assert.deepEqual([found.state, found.drawn.differs], ['complete', false])
    assert.deepEqual([found.samples[0].number, found.samples[0].representative.name, found.quick_tests[0].reading], ['CY-1', '林晓梅', 12.5])
    const ofSample = found.evidence.find((one) => one.id === found.samples[0].evidence_ids[0])
    assert.deepEqual([ofSample.kind, ofSample.item_code ?? null], ['photo', null])
    const taken = found.evidence.filter((one) => one.kind === 'photo' && !one.derived_from && one.item_code)
    assert.deepEqual(taken.map((one) => [one.item_code, one.sha256, one.standing, one.received, one.preview]), [
      ['1.1', sha256(PHOTO), 'to_come', false, true], ['1.2', sha256(PHOTO), 'withheld', false, true]], 'two equal photos are two pieces of evidence')
    const made = found.evidence.filter((one) => one.derived_from === taken[0].id).map((one) => one.made_by.join())
    assert.deepEqual(made.sort(), ['redaction,drawing,watermark', 'reduced'])
    await page.waitForTimeout(1_000)
    assert.equal((await root.get(`/inspections/${id}`)).evidence.find((one) => one.id === taken[0].id).received, false, 'not on a network that is not known to be Wi-Fi')
  })

  it('is shown at the desk for what it is', async () => {
    const browser = await desk()
    const opened = await openAs(browser, server.base, 'root')
    await opened.page.setViewportSize({ width: 1440, height: 900 })
    await opened.page.goto(`${server.base}/inspections/${id}`)
    await opened.page.waitForSelector(test('originals-to-come'))
    const notes = await opened.page.locator(`.main ${test('evidence-note')}`).allInnerTexts()
    assert.deepEqual(notes, ['缩小件；原件待上传', '遮挡、标注、水印', '缩小件；按规定不上传原件'])
    const film = opened.page.locator(`${test('evidence-clip')} video`)
    await film.evaluate((player) => player.play())
    await opened.page.waitForFunction((name) => document.querySelector(name)?.currentTime > 0.2, `${test('evidence-clip')} video`)
    assert.equal(await opened.page.locator(`${test('evidence-clip')} audio`).count(), 1)
    assert.match(await opened.page.locator(test('sampling')).innerText(), /CY-1\s*四季豆[\s\S]*林晓梅[\s\S]*12.5 %/)
    if (process.env.PICTURES) await opened.page.screenshot({ path: `${process.env.PICTURES}/desk-evidence.png` })
    await opened.close()
    await browser.close()
  })

  it('follows as taken when the officer sends it, byte for byte', async () => {
    await steps.go(page, `${server.base}/m/outbox`)
    await page.waitForSelector(test('originals'))
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/phone-outbox.png` })
    await page.click(test('send-originals'))
    await until('the photo as taken is there', async () => (await root.get(`/inspections/${id}`)).evidence.some((one) => one.standing === 'to_come' && one.item_code && one.received))
    const found = await root.get(`/inspections/${id}`)
    const taken = found.evidence.find((one) => one.standing === 'to_come' && one.item_code)
    const bytes = async (who, one) => Buffer.from(await (await who.raw('GET', `/inspections/${id}/evidence/${one}`)).arrayBuffer())
    assert.ok((await bytes(root, taken.id)).equals(PHOTO))
    const hidden = found.evidence.find((one) => one.made_by.includes('redaction'))
    const picture = await bytes(root, hidden.id)
    assert.ok((await bytes(await canteen.signIn(), taken.id)).equals(picture), 'the canteen sees the one in which places are unreadable')
    // What was blackened is black in the picture itself; beside it the photo is as it was.
    const seen = await page.evaluate(async (encoded) => {
      const blob = new Blob([Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0))], { type: 'image/jpeg' })
      const bitmap = await createImageBitmap(blob)
      const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height })
      const pen = canvas.getContext('2d')
      pen.drawImage(bitmap, 0, 0)
      const at = (x, y) => [...pen.getImageData(Math.round(x * bitmap.width), Math.round(y * bitmap.height), 1, 1).data].slice(0, 3)
      // Within a square of a place made coarse all pixels are nearly the same; the photo's blue is noise.
      const row = pen.getImageData(Math.round(0.745 * bitmap.width), Math.round(0.2 * bitmap.height), 20, 1).data
      const blues = Array.from({ length: 20 }, (_, index) => row[index * 4 + 2])
      return { width: bitmap.width, height: bitmap.height, black: at(0.5, 0.5), plain: at(0.5, 0.3), spread: Math.max(...blues) - Math.min(...blues) }
    }, picture.toString('base64'))
    assert.deepEqual([seen.width, seen.height], [1600, 1200])
    assert.ok(seen.black.every((value) => value < 12), `${seen.black}`)
    assert.ok(Math.abs(seen.plain[0] - 127) < 30 && Math.abs(seen.plain[1] - 76) < 30, `${seen.plain}`)
    assert.ok(seen.spread < 40, `coarse: ${seen.spread}`)
    await until('nothing is left in the queue', async () => /全部已发送/.test(await page.locator(test('status')).innerText()))
  })
})

// A phone whose storage is full: what is typed is kept all the same, a photo that finds no room is told, and nothing is lost. The
// profile lies on a small file system of its own, which needs root; without it this is left out, and says so.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as steps from './phone-steps.mjs'
import { makePicture, PASSWORD, Person, phone, until } from './support.mjs'

const test = (name) => `[data-test=${name}]`
const REMARK = '冷库温度记录缺三天，现场已拍照'
const device = await phone({ storage: 160 })
let server
let context
let page

before(async () => {
  if (device.without) return
  ({ server, context, page } = await steps.officerReady(device))
})

after(async () => {
  await device.throwAway()
  await server?.stop()
})

/** Another site's things, beside ours, until not even a small piece finds room. Gives how many megabytes they are. */
const fillStorage = () => page.evaluate(async () => {
  const db = await new Promise((resolve, reject) => {
    const opening = indexedDB.open('filler', 1)
    Object.assign(opening, { onupgradeneeded: () => opening.result.createObjectStore('pieces', { autoIncrement: true }), onsuccess: () => resolve(opening.result), onerror: reject })
  })
  let filled = 0
  for (const bytes of [4 * 1024 * 1024, 256 * 1024, 16 * 1024]) {
    for (;;) {
      const fits = await new Promise((resolve) => {
        const tx = db.transaction('pieces', 'readwrite')
        tx.objectStore('pieces').put(new Blob([new Uint8Array(bytes)]))
        Object.assign(tx, { oncomplete: () => resolve(true), onabort: () => resolve(false) })
      })
      if (!fits) break
      filled += bytes
    }
  }
  db.close()
  return filled / 1024 / 1024
})
const emptyStorage = () => page.evaluate(() => new Promise((resolve) => Object.assign(indexedDB.deleteDatabase('filler'), { onsuccess: resolve, onerror: resolve })))

describe('a phone whose storage is full', () => {
  let id

  it('says that a photo found no room, and keeps what is typed', async (t) => {
    if (device.without) return t.skip(`no small file system here: ${device.without}`)
    id = await steps.beginCheck(page, server.base)
    await steps.giveResult(page, '1.1', 'conforms')
    await page.waitForSelector(`${test('saved')}.saved`)
    assert.ok((await fillStorage()) > 20, 'it was filled by us')

    const photos = page.locator('[data-code="1.1"] figure')
    await page.locator('[data-code="1.1"] input[data-album]').setInputFiles({ name: 'IMG_1.png', mimeType: 'image/png', buffer: makePicture({ width: 2400, height: 1600, seed: 7 }) })
    await page.waitForFunction(() => /手机空间不足，照片没有保存/.test(document.body.textContent))
    assert.equal(await photos.count(), 0)
    await page.waitForFunction((bar) => /手机空间快满了/.test(document.querySelector(bar)?.textContent ?? ''), test('status'))

    await steps.giveResult(page, '1.2', 'fails')
    await page.locator('#t-1\\.2').fill(REMARK)
    await page.waitForSelector(`${test('saved')}.saved`)
  })

  it('has it after the tab was killed, and sends it with its photo when there is room again', async (t) => {
    if (device.without) return t.skip(`no small file system here: ${device.without}`)
    await page.close()
    page = await context.newPage()
    await steps.go(page, `${server.base}/m/inspections/${id}`)
    await page.waitForSelector('[data-code="1.2"]')
    assert.equal(await page.locator('#t-1\\.2').inputValue(), REMARK)

    await emptyStorage()
    await until('a photo finds room', async () => {
      await steps.addPhoto(page, '1.1', 2)
      return true
    })
    await page.waitForSelector(`${test('saved')}.saved`)
    const draft = (await steps.storedDrafts(page)).find((one) => one.id === id)
    assert.equal(draft.stage, 'filling')
    // A copy of it reaches the server: what was typed while the storage was full is safe there too.
    const chen = await new Person(server.base, 'chen', PASSWORD).signIn()
    await until('it is copied to the server', async () => (await chen.get('/drafts')).items.some((one) => one.draft_id === id), 60_000)
  })
})

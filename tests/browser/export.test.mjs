// What a browser without H.265 gets: live pictures, recordings and clips transcoded, a clear word when no more cameras may be, and copies with a
// watermark that are made while one waits. At a desk and at the size of a phone.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { download, NARROW, openAs, walkTo } from './desk.mjs'
import { desk, PASSWORD, Person, seedPlace, startCameras, startServer, until } from './support.mjs'
import { inaccessible } from './walk.mjs'

const scene = (name, more = {}) => ({ name, width: 640, height: 360, loop_s: 6, codec: 'h265', view: { left: 0, top: 0.1, width: 1, height: 0.75, mirrored: false }, ...more })

let server
let cameras
let root
let browser
let page
let faults
const ids = {}

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  cameras = await startCameras([{ path: 'stove', scene: scene('STOVE') }, { path: 'store', scene: scene('STORE', { start_s: 7 }) }, { path: 'later', scene: scene('LATER', { codec: 'h264' }) }])
  for (const [path, name] of [['stove', '灶台'], ['store', '库房']]) {
    ids[path] = (await root.post('/cameras', { name, premises_id: place.premises.id, source_url: cameras.url(path), zone: 'cooking' })).id
  }
  for (const id of Object.values(ids)) await until('the camera records in H.265', async () => {
    const camera = await root.get(`/cameras/${id}`)
    return camera.state === 'recording' && /265/.test(camera.codec ?? '')
  }, 60_000)
  browser = await desk()
  ;({ page, faults } = await openAs(browser, server.base, 'root'))
})

after(async () => {
  await browser?.close()
  await cameras?.stop()
  await server?.stop()
})

const plays = (on, ms = 90_000) => on.waitForFunction(() => {
  const video = document.querySelector('.screen video, .opened video')
  return video?.videoWidth > 0 && video.currentTime > 1
}, null, { timeout: ms })

it('plays H.265 transcoded, and says so', async () => {
  await page.goto(`${server.base}/cameras/${ids.stove}`)
  assert.equal(await page.evaluate(() => MediaSource.isTypeSupported('video/mp4; codecs="hvc1.1.6.L120.B0"')), false, 'this browser has no H.265')
  await plays(page)
  await page.locator('.screen .badge', { hasText: '转码播放' }).waitFor()
  assert.deepEqual(faults, [])
})

it('says at the size of a phone that no more cameras can be transcoded, and plays when there is room again', async () => {
  const phone = await openAs(browser, server.base, 'root', { viewport: NARROW })
  await phone.page.goto(`${server.base}/cameras/${ids.store}`)
  await phone.page.locator('.screen').getByText('转码路数已满').waitFor()
  assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the phone')
  await walkTo(page, '/cameras')
  await until('there is room', async () => {
    const retry = phone.page.locator('.screen').getByRole('button', { name: '重试' })
    if (await retry.isVisible()) await retry.click()
    return phone.page.evaluate(() => document.querySelector('.screen video')?.currentTime > 0.5)
  }, 60_000)
  await phone.close()
})

it('makes a copy with a watermark, with the keyboard, while one waits', async () => {
  await page.goto(`${server.base}/cameras/${ids.stove}`)
  await until('there is something to export', async () => {
    const now = Date.now()
    const { segments } = await root.get(`/cameras/${ids.stove}/timeline?start=${new Date(now - 600_000).toISOString()}&end=${new Date(now).toISOString()}`)
    return segments.some((one) => Date.parse(one.end) - Date.parse(one.start) > 8_000)
  }, 60_000)
  await page.getByRole('button', { name: '导出' }).click()
  const dialog = page.getByRole('dialog')
  const box = dialog.getByRole('radio', { name: '加水印' })
  await box.focus()
  await page.keyboard.press('Space')
  await dialog.getByText('不再是原始录像').waitFor()
  await dialog.getByRole('button', { name: '核对范围' }).focus()
  await page.keyboard.press('Enter')
  const make = dialog.getByRole('button', { name: '制作并下载' })
  await make.waitFor()
  assert.deepEqual(await inaccessible(page), [])
  const copy = await download(page, () => make.press('Enter'))
  assert.match(copy.name, /澄海实验学校食堂-灶台-\d+-水印\.mp4/)
  assert.ok(copy.content.includes('ftyp') && copy.content.includes('avcC') && !copy.content.includes('hvcC'), 'it is H.264')
  assert.ok(copy.content.includes('"bright-kitchen-marked-copy-1"'), 'its manifest says what it is')
  await page.getByText('带水印的副本已下载').waitFor()
})

it('makes a copy for publication with a region hidden that was drawn, and says what it cannot promise', async () => {
  await page.goto(`${server.base}/cameras/${ids.stove}`)
  await page.getByRole('button', { name: '导出' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('公开发布的遮挡副本').click()
  await dialog.getByText('发布之前请从头到尾看一遍').waitFor()
  await dialog.getByText('遮挡找到的人脸').click()
  await dialog.getByText('请勾选人脸，或至少框选一个区域').waitFor()
  const board = dialog.locator('.board')
  await until('the picture is there', () => board.locator('img').evaluate((picture) => picture.naturalWidth > 0), 30_000)
  await board.scrollIntoViewIfNeeded()
  const { x, y, width, height } = await board.boundingBox()
  await page.mouse.move(x + width * 0.2, y + height * 0.2)
  await page.mouse.down()
  await page.mouse.move(x + width * 0.6, y + height * 0.7, { steps: 4 })
  await page.mouse.up()
  await dialog.locator('.board .region').waitFor()
  assert.equal(await dialog.getByText('请勾选人脸，或至少框选一个区域').count(), 0)
  assert.deepEqual(await inaccessible(page), [])
  await dialog.getByRole('button', { name: '核对范围' }).click()
  const make = dialog.getByRole('button', { name: '制作并下载' })
  await make.waitFor()
  const copy = await download(page, () => make.click())
  assert.match(copy.name, /-遮挡\.mp4/)
  const said = JSON.parse(/\{"manifest".*\}$/s.exec(copy.content.toString('latin1'))[0]).manifest
  const [{ left, top, width: wide, height: tall }] = said.marked.hidden.regions
  assert.ok([[left, 200], [top, 200], [wide, 400], [tall, 500]].every(([is, drawn]) => Math.abs(is - drawn) < 15), JSON.stringify(said.marked.hidden))
  assert.equal(said.marked.hidden.faces, null)
  await page.getByText('发布之前请从头到尾看一遍').first().waitFor()
})

it('plays a recording in H.265 transcoded, and says so', async () => {
  await walkTo(page, '/cameras')
  // The live picture before it may still have the one place there is: whoever gets none asks again.
  await until('the recording plays', async () => {
    await page.goto(`${server.base}/cameras/${ids.stove}?at=${encodeURIComponent(new Date(Date.now() - 15_000).toISOString())}`)
    return plays(page, 25_000).then(() => true, () => false)
  }, 150_000)
  await page.locator('.screen .badge', { hasText: '转码播放' }).waitFor()
})

it('plays what was recorded in H.265 of a camera that sends H.264 by now transcoded, goes on with what it sends by now, and plays that as it is', async () => {
  const before = Date.now() - 10_000
  const { version } = await root.get(`/cameras/${ids.store}`)
  await root.call('PATCH', `/cameras/${ids.store}`, { version, source_url: cameras.url('later') })
  await until('it sends H.264', async () => {
    const camera = await root.get(`/cameras/${ids.store}`)
    return camera.state === 'recording' && /264/.test(camera.codec ?? '')
  }, 60_000)
  const since = Date.now()
  const shows = (at, codec) => until(codec, async () => {
    await page.goto(`${server.base}/cameras/${ids.store}?at=${encodeURIComponent(new Date(at).toISOString())}`)
    return plays(page, 25_000).then(() => true, () => false)
  }, 150_000)
  await until('some of it is recorded', async () => {
    const now = Date.now()
    const { segments } = await root.get(`/cameras/${ids.store}/timeline?start=${new Date(before).toISOString()}&end=${new Date(now).toISOString()}`)
    return segments.some((one) => Date.parse(one.end) > since + 14_000)
  }, 90_000)
  await shows(before, 'what it sent before')
  const badge = page.locator('.screen .badge', { hasText: '转码播放' })
  await badge.waitFor()
  await badge.waitFor({ state: 'detached', timeout: 120_000 })
  await shows(since + 4_000, 'what it sends now')
  assert.equal(await badge.count(), 0)
})

it('plays an alert’s clip in H.265 transcoded, by itself', async () => {
  await page.goto(`${server.base}/cameras`)
  await cameras.stop()
  cameras = null
  const alert = await until('a clip of the lost signal', async () => {
    const { items } = await root.get(`/alerts?kind=signal_lost&camera_id=${ids.stove}`)
    const ready = await Promise.all(items.map((one) => root.get(`/alerts/${one.id}`)))
    return ready.find((one) => one.clip.state === 'ready')
  }, 120_000)
  await page.goto(`${server.base}/alerts/${alert.id}`)
  const video = page.locator('.player video')
  await video.waitFor()
  await until('the clip can be played', () => video.evaluate((player) => player.videoWidth > 0 && player.error === null), 60_000)
  await page.locator('.player .stamp', { hasText: '转码播放' }).waitFor()
  await until('it moves on', () => video.evaluate((player) => player.currentTime > 0.5), 60_000)
})

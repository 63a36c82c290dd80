// The wall: every picture of a page comes by one WebSocket, comes back after the server was away, and ends with the login.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { NARROW, openAs } from './desk.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'

let server
let root
let browser
let wall
let sockets
let snapshots

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  await addPerson(root, { username: 'min', display_name: '陈敏', role: 'supervisor', node_id: place.district.id })
  for (const name of ['烹饪间', '备餐间', '留样间', '洗消间', '贮存间']) {
    await root.post('/cameras', { name, premises_id: place.premises.id, source_url: 'test:' })
  }
  await until('all cameras record', async () => (await root.get('/cameras?state=recording')).total === 5, 90_000)
  browser = await desk()
  wall = await openAs(browser, server.base, 'min')
  sockets = []
  snapshots = []
  wall.page.on('websocket', (socket) => sockets.push(socket))
  wall.page.on('request', (request) => request.url().includes('/snapshot.jpg') && snapshots.push(request.url()))
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

/** What the tiles show: pictures that the page decoded are told apart by their time, and count when they are not of one colour. */
const pictures = (page) => page.locator('.tile :is(img, canvas)').evaluateAll((all) => all.flatMap((one) => {
  if (one.tagName === 'IMG') return one.naturalWidth > 0 ? [one.src] : []
  const { data } = one.getContext('2d').getImageData(0, 0, one.width, one.height)
  return new Set(new Uint32Array(data.buffer)).size > 16 ? [`decoded here ${one.dataset.at}`] : []
}))

it('fills all tiles by one line, and renews them', async () => {
  await wall.page.goto(`${server.base}/wall?size=9`)
  const first = await until('five pictures', async () => {
    const seen = await pictures(wall.page)
    return seen.length === 5 ? seen : null
  }, 60_000)
  await until('five newer pictures', async () => {
    const seen = await pictures(wall.page)
    return seen.length === 5 && seen.every((src) => !first.includes(src))
  }, 60_000)
  assert.deepEqual([sockets.length, snapshots.length], [1, 0])
  // That this test reads the pictures back is no fault of the page.
  assert.deepEqual(wall.faults.filter((one) => !one.includes('readback operations')), [])
})

it('decodes the key frames itself where it can', async () => {
  assert.ok((await pictures(wall.page)).every((one) => one.startsWith('decoded here')), 'this browser has WebCodecs and H.264')
})

it('is noted once a camera', async () => {
  const rows = (await root.get('/audit?action=view_live')).items
  assert.equal(rows.length, 5)
  assert.equal(new Set(rows.map((row) => row.entity_id)).size, 5)
})

it('gets pictures that the server made where it cannot', async () => {
  const other = await openAs(browser, server.base, 'min')
  await other.page.addInitScript(() => { delete window.VideoDecoder })
  const said = []
  other.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => said.push(JSON.parse(payload))))
  await other.page.goto(`${server.base}/wall?size=9`)
  await until('five pictures made by the server', async () => {
    const seen = await pictures(other.page)
    return seen.length === 5 && seen.every((one) => one.startsWith('blob:'))
  }, 60_000)
  assert.ok(said.every((one) => one.decodes === undefined))
  await other.close()
})

it('plays the one that is opened, and lets go of the line meanwhile', async () => {
  await wall.page.locator('.tile').first().click()
  await wall.page.locator('.opened video').waitFor()
  await wall.page.waitForFunction(() => document.querySelector('.opened video').currentTime > 0.5)
  await until('the line is let go', () => sockets[0].isClosed())
  await wall.page.keyboard.press('Escape')
  await until('the line is back', () => sockets.length === 2 && !sockets[1].isClosed())
})

it('comes back by itself after the server was away', async () => {
  await server.kill()
  await until('the line is gone', () => sockets.at(-1).isClosed())
  const before = sockets.length
  await server.start()
  await until('the line is back', () => sockets.length > before && !sockets.at(-1).isClosed(), 90_000)
  const seen = await pictures(wall.page)
  await until('newer pictures', async () => (await pictures(wall.page)).some((src) => !seen.includes(src)), 90_000)
})

it('shows only what is in sight on a phone', async () => {
  const phone = await openAs(browser, server.base, 'min', { viewport: NARROW, hasTouch: true, isMobile: true })
  const shown = []
  phone.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => {
    const said = JSON.parse(payload)
    if (said.show) shown.push(said.show.length)
  }))
  await phone.page.goto(`${server.base}/wall`)
  await until('pictures', async () => (await pictures(phone.page)).length >= 2, 60_000)
  assert.ok(Math.max(...shown) < 5, `${shown}`)
  await phone.close()
})

it('ends with the login', async () => {
  const login = await wall.page.evaluate(() => JSON.parse(localStorage.getItem('bk.session')))
  const out = await fetch(`${server.base}/api/v1/auth/logout`, { method: 'POST', headers: { Authorization: `Bearer ${login.access_token}`, 'Content-Type': 'application/json' }, body: '{}' })
  assert.equal(out.status, 204)
  await until('the line is closed', () => sockets.at(-1).isClosed())
})

// The phone's main pages as axe sees them, by day and in the dark: an officer's, a canteen's, and a checklist with its answers.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import * as steps from './phone-steps.mjs'
import { addPerson, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways, watched } from './walk.mjs'

const test = (name) => `[data-test=${name}]`
let server
let root
let place
const devices = []

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  const officer = await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  const second = await addPerson(root, { username: 'huang', display_name: '黄志远', role: 'officer', node_id: place.office.id })
  await addPerson(root, { username: 'lin', display_name: '林晓梅', role: 'food_safety_officer', node_id: place.premises.id })
  const template = (await root.get('/templates')).items.find((one) => one.code === 'school_canteen')
  const today = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10)
  await root.post('/assignments', { premises_id: place.premises.id, template_id: template.id, kind: 'routine', due_on: today, officer_ids: [officer.id, second.id] })
  // Nobody listens on port 1: an alert of a lost signal is raised.
  await root.post('/cameras', { name: '烹饪间 1 号', premises_id: place.premises.id, source_url: 'rtsp://127.0.0.1:1/main', zone: 'cooking' })
})

after(async () => {
  for (const device of devices) await device.throwAway()
  await server?.stop()
})

async function open(options) {
  const device = await phone(options)
  devices.push(device)
  const context = await device.open()
  const page = context.pages()[0] ?? (await context.newPage())
  return { page, faults: await watched(page) }
}

async function look(page, found, name) {
  await settled(page)
  found.push(...(await inaccessible(page)).map((one) => `${name}: ${one}`))
  const out = await sideways(page)
  if (out) found.push(`${name} scrolls sideways: ${out}`)
}

for (const dark of [false, true]) {
  it(`an officer's pages, ${dark ? 'in the dark' : 'by day'}`, { timeout: 300_000 }, async () => {
    const { page, faults } = await open({ dark, locale: dark ? 'en' : 'zh-CN' })
    const found = []
    await page.goto(`${server.base}/m/sign-in`)
    await page.waitForSelector('#username')
    await look(page, found, 'sign-in')
    await steps.signIn(page, server.base, 'chen', PASSWORD)
    await page.waitForSelector(test('assignment'))
    for (const path of ['today', 'premises', `premises/${place.premises.id}`, 'messages', 'me', 'outbox', 'orders', 'scan']) {
      await steps.go(page, `${server.base}/m/${path}`)
      await page.waitForSelector('main.page, .van-pull-refresh.page, .head')
      await look(page, found, path)
    }
    await steps.go(page, `${server.base}/m/today`)
    await page.click(test('start'))
    await page.waitForSelector('[data-code="1.1"]')
    await look(page, found, 'a checklist')
    await steps.giveResult(page, '1.2', 'fails')
    await look(page, found, 'an item that fails')
    assert.deepEqual([...new Set([...found, ...faults])], [])
  })
}

it("a canteen's pages", { timeout: 300_000 }, async () => {
  const { page, faults } = await open({})
  const found = []
  await steps.signIn(page, server.base, 'lin', PASSWORD)
  await page.waitForSelector('.camera')
  const alert = await until('an alert is raised', async () => (await root.get('/alerts?kind=signal_lost')).items[0], 120_000)
  for (const path of ['kitchen', 'alerts', `alerts/${alert.id}`, 'orders', 'messages', 'me']) {
    await steps.go(page, `${server.base}/m/${path}`)
    await page.waitForSelector('main.page, .van-pull-refresh.page, .head')
    await look(page, found, path)
  }
  // The camera that cannot be reached has no picture to show, and says so.
  const own = faults.filter((one) => !/snapshot\.jpg|Failed to load resource: the server responded with a status of (404|503)/.test(one))
  assert.deepEqual([...new Set([...found, ...own])], [])
})

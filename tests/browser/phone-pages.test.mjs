// The phone's own pages: nothing serious for axe and no sideways scrolling, in both languages, light and dark; with work to do,
// with none, and where the server does not answer.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { walkTo } from './desk.mjs'
import * as steps from './phone-steps.mjs'
import { addPerson, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

const OFFICER = ['/today', '/premises', '/messages', '/me', '/told', '/outbox', '/scan']
const CANTEEN = ['/kitchen', '/alerts', '/orders', '/self-checks', '/me', '/outbox']
/** Of these, what has to ask the server each time; the others live on what the phone has. */
const ASKING = ['/kitchen', '/alerts']

let server
let root
let place
let alert

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  const officer = await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  const second = await addPerson(root, { username: 'huang', display_name: '黄志远', role: 'officer', node_id: place.office.id })
  await addPerson(root, { username: 'idle', display_name: '林静', role: 'officer', node_id: place.office.id })
  await addPerson(root, { username: 'lin', display_name: '林晓梅', role: 'food_safety_officer', node_id: place.premises.id })
  const bare = await root.post('/premises', { name: '新建幼儿园食堂', kind: 'kindergarten_canteen', organization_id: place.office.id })
  await addPerson(root, { username: 'new', display_name: '许敏', role: 'food_safety_officer', node_id: bare.id })
  const template = (await root.get('/templates')).items.find((one) => one.code === 'school_canteen')
  const today = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10)
  await root.post('/assignments', { premises_id: place.premises.id, template_id: template.id, kind: 'routine', due_on: today, officer_ids: [officer.id, second.id] })
  await root.post('/cameras', { name: '烹饪间 1 号', premises_id: place.premises.id, source_url: 'rtsp://127.0.0.1:1/main', zone: 'cooking' })
  await root.post('/cameras', { name: '备餐间', premises_id: place.premises.id, source_url: 'test:', zone: 'plating' })
  alert = await until('an alert is raised', async () => (await root.get('/alerts?kind=signal_lost')).items[0], 120_000)
  alert = await root.post(`/alerts/${alert.id}/confirm`, { version: alert.version })
  const deadline = new Date(Date.now() + 2 * 3_600_000).toISOString()
  alert = await root.post(`/alerts/${alert.id}/dispatch`, { version: alert.version, deadline, text: '请检查摄像头电源和网线' })
})

after(() => server?.stop())

/** A phone of `username`, signed in. */
async function hold(username, look) {
  const device = await phone(look)
  const context = await device.open()
  const page = context.pages()[0] ?? (await context.newPage())
  const thrown = []
  page.on('pageerror', (error) => thrown.push(`uncaught: ${error.stack ?? error}`))
  await steps.signIn(page, server.base, username, PASSWORD)
  await settled(page)
  return { page, context, thrown, done: () => device.throwAway() }
}

async function look(page, name, found) {
  await settled(page)
  if ((await page.locator('main.page, .page').first().innerText()).trim().length < 4) found.push(`${name} shows nothing`)
  const out = await sideways(page)
  if (out) found.push(`${name} scrolls sideways: ${out}`)
  found.push(...(await inaccessible(page)).map((one) => `${name}: ${one}`))
}

const walk = async (page, paths, found) => {
  for (const path of paths) {
    await walkTo(page, `/m${path}`)
    await look(page, path, found)
  }
}

for (const [locale, dark] of [['zh-CN', false], ['en', true], ['zh-CN', true], ['en', false]]) {
  describe(`in ${locale}, ${dark ? 'dark' : 'light'}`, () => {
    it('an officer with work', { timeout: 300_000 }, async () => {
      const { page, thrown, done } = await hold('chen', { locale, dark })
      const found = []
      await page.waitForSelector('[data-test=assignment]')
      await walk(page, OFFICER, found)
      await walkTo(page, `/m/premises/${place.premises.id}`)
      await look(page, 'premises', found)
      await walkTo(page, '/m/today')
      await page.locator('[data-test=start], [data-test=resume]').first().click()
      await page.waitForSelector('[data-code="1.1"]')
      await steps.giveResult(page, '1.2', 'fails')
      await look(page, 'checklist', found)
      const inspection = new URL(page.url()).pathname
      for (const part of ['visit', 'team', 'review', 'sign']) {
        await walkTo(page, `${inspection}/${part}`)
        await look(page, part, found)
      }
      await done()
      assert.deepEqual([...new Set(found), ...thrown], [])
    })

    it('a canteen that is asked', { timeout: 300_000 }, async () => {
      const { page, thrown, done } = await hold('lin', { locale, dark })
      const found = []
      await walkTo(page, '/m/kitchen')
      await page.waitForFunction(() => [...document.querySelectorAll('.camera img')].some((one) => one.naturalWidth > 100), null, { timeout: 30_000 }).catch(() => found.push('/kitchen shows no picture of a camera that records'))
      await walk(page, [...CANTEEN, `/alerts/${alert.id}`], found)
      await done()
      assert.deepEqual([...new Set(found), ...thrown], [])
    })
  })
}

it('says what there is where there is nothing to do', { timeout: 300_000 }, async () => {
  const found = []
  for (const [username, paths] of [['idle', OFFICER], ['new', CANTEEN]]) {
    const { page, thrown, done } = await hold(username)
    await walk(page, paths, found)
    found.push(...thrown)
    await done()
  }
  assert.deepEqual([...new Set(found)], [])
})

const FAILURES = [
  ['cannot answer', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ type: 'unavailable', title: 'not available', status: 503 }) })],
  ['is out of reach', (route) => route.abort('connectionrefused')],
]

for (const [what, fail] of FAILURES) {
  it(`says of a server that ${what} what happened, and asks again`, { timeout: 300_000 }, async () => {
    const found = []
    for (const [username, paths] of [['chen', OFFICER], ['lin', [...CANTEEN, `/alerts/${alert.id}`]]]) {
      const { page, context, thrown, done } = await hold(username)
      for (const path of paths) {
        await walkTo(page, '/m/me')
        await settled(page)
        await context.route('**/api/v1/**', fail)
        await walkTo(page, `/m${path}`)
        await look(page, path, found)
        const asks = ASKING.includes(path) || path.startsWith('/alerts/')
        const again = page.getByRole('button', { name: '重试' }).first()
        const offered = !asks || (await again.waitFor({ timeout: 10_000 }).then(() => true, () => false))
        if (!offered) found.push(`${path} cannot be asked again: ${await page.locator('.page').first().innerText()}`)
        await context.unroute('**/api/v1/**')
        if (!asks || !offered) continue
        await again.click()
        if (!(await again.waitFor({ state: 'detached', timeout: 10_000 }).then(() => true, () => false))) found.push(`${path} stays broken`)
      }
      found.push(...thrown)
      await done()
    }
    assert.deepEqual([...new Set(found)], [])
  })
}

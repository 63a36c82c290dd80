// The canteen's daily papers on its own phone: filled in without a network and sent once, samples with their labels, and beside the
// items that they prove on the officer's phone, without a network, and at the desk.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openAs } from './desk.mjs'
import * as steps from './phone-steps.mjs'
import { addPerson, desk, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

const test = (name) => `[data-test="${name}"]`
let server
let root
let officer
let place
let context
let page
let browser
const kitchen = await phone()
const officers = await phone()
const picture = async (glass, name) => process.env.BRIGHT_KITCHEN_PICTURES && glass.screenshot({ path: `${process.env.BRIGHT_KITCHEN_PICTURES}/${name}.png` })

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  const premises = await root.get(`/premises/${place.premises.id}`)
  await root.call('PATCH', `/premises/${premises.id}`, { version: premises.version, service_hours: [{ days: [1, 2, 3, 4, 5, 6, 7], from: '06:00', to: '20:00' }] })
  // Due at the end of the day, whenever this runs; on a holiday nothing is, and the papers are made as they are needed.
  const rules = await root.get('/settings/self_checks')
  for (const rule of rules.rules) Object.assign(rule, { by: '23:59', slots: (rule.slots ?? []).map((slot) => ({ ...slot, by: '23:59' })) })
  await root.call('PUT', '/settings/self_checks', rules)
  const [board] = (await root.get('/self-check-duties')).items
  if (!board?.duties.some((duty) => duty.code === 'self_daily_control')) {
    for (const rule of rules.rules) Object.assign(rule, { every: 'as_needed', slots: [] })
    await root.call('PUT', '/settings/self_checks', rules)
  }
  await addPerson(root, { username: 'lin', display_name: '林晓梅', role: 'food_safety_officer', node_id: premises.id })
  officer = await addPerson(root, { username: 'li', display_name: '李明', role: 'officer', node_id: place.office.id })
  context = await kitchen.open()
  page = context.pages()[0] ?? (await context.newPage())
  await steps.signIn(page, server.base, 'lin', PASSWORD)
})

after(async () => {
  await browser?.close()
  await kitchen.throwAway()
  await officers.throwAway()
  await server?.stop()
})

it('shows what is due, and keeps a zero-risk report that is made without a network', async () => {
  await page.click('.van-tabbar-item:has-text("自查")')
  await page.waitForSelector(test('paper-self_daily_control'))
  await page.evaluate(() => navigator.serviceWorker.ready)
  await picture(page, 'papers-list')
  await context.setOffline(true)
  await page.click(test('paper-self_daily_control'))
  await page.waitForSelector(test('all-well'))
  // One tap, the name as known, a signature.
  await page.click(test('all-well'))
  assert.equal(await page.locator('[data-code="9"] [data-field=name] input').inputValue(), '林晓梅')
  await page.click(test('paper-send'))
  assert.match(await page.locator(test('paper-send')).innerText(), /还差 1 项/)
  await steps.signField(page, '9')
  await picture(page, 'paper')
  await page.click(test('paper-send'))
  await page.waitForSelector(`${test('paper-self_daily_control')}[data-state=queued], ${test('paper-self_daily_control')}[data-state=waiting]`)
  assert.equal((await root.get('/self-checks')).total, 0)
})

it('sends it once when the network is back, with its signature', async () => {
  await context.setOffline(false)
  const paper = await until('it has arrived', async () => (await root.get('/self-checks')).items.find((one) => one.missing_evidence === 0))
  const whole = await root.get(`/self-checks/${paper.id}`)
  assert.deepEqual([whole.code, whole.problems, whole.evidence.length, whole.made_by_name], ['self_daily_control', 0, 1, '林晓梅'])
  assert.equal((await root.get('/self-checks')).total, 1)
})

it('keeps a half-filled paper when the app is killed', async () => {
  await page.click(test('paper-self_retained_samples'))
  await page.locator('[data-code="1"] textarea').fill('红烧肉\n清炒菜心')
  await page.waitForSelector(`${test('saved')}.saved`)
  await steps.go(page, `${server.base}/m/self-checks`)
  await page.waitForSelector(`${test('paper-self_retained_samples')}[data-state=draft]`)
  await page.click(test('paper-self_retained_samples'))
  await page.waitForFunction(() => document.querySelector('[data-code="1"] textarea')?.value === '红烧肉\n清炒菜心')
})

it('reports samples, and gives a label with a code for each dish', async () => {
  const item = (code) => page.locator(`[data-code="${code}"]`)
  if ((await item('1').locator('[role=radio][aria-checked=true]').count()) === 0) await item('1').getByRole('radio', { name: '午餐' }).click()
  await item('1').locator('[data-field=count] input').fill('2')
  await item('2').locator('input[inputmode=decimal]').fill('130')
  await item('3').locator('[data-field=temperature] input').fill('4')
  await item('3').getByRole('radio', { name: '是' }).click()
  await steps.addPhoto(page, '3', 5)
  await steps.signField(page, '5')
  await page.click(test('paper-send'))
  const sent = await until('it has arrived', async () => (await root.get('/self-checks?code=self_retained_samples')).items.find((one) => one.missing_evidence === 0))
  await until('it has come back', async () => (await steps.storedRows(page, 'self_check')).some((row) => row.id === sent.id))
  await steps.go(page, `${server.base}/m/self-checks/${sent.id}`)
  await page.click(test('labels'))
  await page.locator(test('label')).nth(1).waitFor()
  assert.deepEqual(await page.locator(test('label')).evaluateAll((all) => all.map((one) => one.dataset.text)), [`bk:sample:1:${sent.id}:0`, `bk:sample:1:${sent.id}:1`])
  // The picture holds the code: it is read off it as a scanner would, where the browser can.
  const read = await page.evaluate(async () => {
    const image = document.querySelector('[data-test=label] img')
    await image.decode()
    if (!('BarcodeDetector' in globalThis)) return null
    const [code] = await new BarcodeDetector({ formats: ['qr_code'] }).detect(image).catch(() => [])
    return code?.rawValue ?? null
  })
  if (read !== null) assert.equal(read, `bk:sample:1:${sent.id}:0`)
  await picture(page, 'labels')
  await kitchen.close()
})

it('stands beside the item that it proves on the officer’s phone, without a network', async () => {
  const at = await officers.open()
  const glass = at.pages()[0] ?? (await at.newPage())
  await steps.signIn(glass, server.base, 'li', PASSWORD)
  await steps.readyForOffline(glass)
  await at.setOffline(true)
  await steps.go(glass, `${server.base}/m/premises/${place.premises.id}`)
  await glass.click(test('begin'))
  await glass.click(test('begin-now'))
  await steps.goToSection(glass, 1)
  const proof = glass.locator('[data-code="2.1"]').locator(test('proof'))
  await proof.waitFor()
  assert.match(await proof.innerText(), /日管控/)
  assert.match(await glass.locator('[data-code="2.2"]').locator(test('proof')).innerText(), /近期没有/)
  await picture(glass, 'proof')
  await proof.locator('a').first().click()
  await glass.waitForSelector(test('paper-result'))
  assert.match(await glass.locator('main.page').innerText(), /零风险/)
  await officers.close()
})

it('shows at the desk who has reported and what it says, wide and narrow', async () => {
  browser = await desk()
  const { page: screen, faults } = await openAs(browser, server.base, 'li')
  const [paper] = (await officer.get('/self-checks?code=self_daily_control')).items
  for (const path of ['/self-checks', '/self-checks?view=list', `/self-checks/${paper.id}`]) {
    for (const viewport of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
      await screen.setViewportSize(viewport)
      faults.length = 0
      await screen.goto(`${server.base}${path}`)
      await settled(screen)
      assert.deepEqual(faults, [], path)
      assert.deepEqual(await inaccessible(screen), [], path)
      assert.ok(!(await sideways(screen)), `${path} does not scroll sideways at ${viewport.width}`)
      await picture(screen, `desk${path.split('/').slice(1, 3).join('-').slice(0, 16)}-${viewport.width}`)
    }
  }
  assert.match(await screen.locator('.page').innerText(), /零风险/)
})

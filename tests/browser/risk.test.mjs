// The score of premises: the list with what rises, a premises' terms that lead to their rows, the formula edited here and as a file with
// what it would change, and the plan that proposes what rises.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { arrives, download, NARROW, openAs, WIDE } from './desk.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

const test = (name) => `[data-test=${name}]`
let server
let root
let place
let browser
let page
let faults

/** A picture of the page, where somebody wants to look. */
const look = (name, of = page) => (process.env.BRIGHT_KITCHEN_PICTURES ? of.screenshot({ path: `${process.env.BRIGHT_KITCHEN_PICTURES}/${name}.png`, fullPage: true }) : undefined)

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  await root.post('/premises', { name: '澄华第二幼儿园食堂', kind: 'kindergarten_canteen', organization_id: place.office.id, risk_grade: 'A' })
  const min = await addPerson(root, { username: 'min', display_name: '陈敏', role: 'supervisor', node_id: place.district.id })
  await addPerson(root, { username: 'zhang', display_name: '张主任', role: 'supervisor', node_id: (await root.get('/me')).grants[0].node_id })
  await addPerson(root, { username: 'wang', display_name: '王安', role: 'food_safety_officer', node_id: place.premises.id })
  const camera = await root.post('/cameras', { name: '烹饪间', premises_id: place.premises.id, source_url: 'rtsp://127.0.0.1:9/none' })
  for (const text of ['灶台无人看管起火', '发现老鼠', '生熟混放']) {
    const found = await min.post(`/cameras/${camera.id}/findings`, { class: 1, text })
    const alert = await min.get(`/alerts/${found.alert_id ?? found.id}`)
    if (alert.state === 'raised') await min.post(`/alerts/${alert.id}/confirm`, { version: alert.version })
  }
  // Whoever sets the formula has all scored at once.
  await root.call('PUT', '/settings/risk', await root.get('/settings/risk'))
  browser = await desk()
  ;({ page, faults } = await openAs(browser, server.base, 'min'))
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

it('lists premises by their score, and says which rise', async () => {
  await page.locator('nav.rail').getByRole('link', { name: '风险评分' }).click()
  const rows = page.locator('tbody tr', { hasText: '食堂' })
  await until('both are listed', async () => (await rows.count()) === 2)
  const first = await rows.first().innerText()
  for (const said of ['澄海实验学校食堂', '36', '中', '升 36', '上升明显', '一级预警']) assert.ok(first.includes(said), `${said} in ${first}`)
  await page.locator(test('rising')).getByText('1', { exact: false }).first().waitFor()
  await settled(page)
  assert.deepEqual(await inaccessible(page), [])
  await look('risk')
  await page.setViewportSize(NARROW)
  await settled(page)
  assert.equal(await sideways(page), null)
  await look('risk-narrow')
  await page.setViewportSize(WIDE)
  await page.click(test('band-low'))
  await until('only the low one is left', async () => (await rows.count()) === 1 && (await rows.first().innerText()).includes('第二幼儿园'))
  await page.click(test('band-low'))
  await until('both are back', async () => (await rows.count()) === 2)
  await rows.first().locator(test('propose')).click()
  await arrives(page, '/assignments')
  await page.getByRole('dialog').getByText('澄海实验学校食堂').first().waitFor()
})

it('shows a premises’ score term by term, and leads to the rows', async () => {
  await page.goto(`${server.base}/premises/${place.premises.id}`)
  const panel = page.locator(test('risk'))
  await panel.locator(test('risk-score')).waitFor()
  const term = panel.locator(test('risk-term'), { hasText: '一级预警' })
  assert.match((await term.innerText()).replaceAll(/\s+/g, ' '), /3 次.*× 12.*= 36/)
  await panel.getByRole('button', { name: /显示另外 \d+ 项/ }).click()
  await until('all terms are shown', async () => (await panel.locator(test('risk-term')).count()) === 19)
  await settled(page)
  assert.deepEqual(await inaccessible(page), [])
  await look('risk-premises')
  await page.setViewportSize(NARROW)
  await settled(page)
  assert.equal(await sideways(page), null)
  await panel.scrollIntoViewIfNeeded()
  await look('risk-premises-narrow', panel)
  await page.setViewportSize(WIDE)
  await term.getByRole('link', { name: '3 次' }).click()
  await arrives(page, '/desk')
  const asked = new URL(page.url()).searchParams
  assert.deepEqual([asked.get('class'), asked.get('verdict'), asked.get('premises_id')], ['1', 'confirmed', place.premises.id])
})

it('is proposed in the plan of the month with its reason', async () => {
  const min = await new Person(server.base, 'min', PASSWORD).signIn()
  const plan = await min.post('/plans', { organization_id: place.office.id, month: new Date().toISOString().slice(0, 7) })
  await page.goto(`${server.base}/plans/${plan.id}`)
  const item = page.locator(test('item'), { hasText: '澄海实验学校食堂' })
  await item.locator(test('plan-risk')).getByText('风险评分 36，30 天升 36').waitFor()
  await look('risk-plan')
})

it('has a formula that is edited, previewed, kept as a file, and holds at once', async () => {
  const { page: top, faults: faultsAtTop, close } = await openAs(browser, server.base, 'zhang')
  await top.goto(`${server.base}/settings/risk`)
  const term = top.locator(test('term')).nth(7)
  const weight = term.locator(`${test('weight')} input`)
  await until('its terms are there', async () => (await top.locator(test('term')).count()) === 19)
  const file = await download(top, () => top.click(test('download')))
  const kept = JSON.parse(file.content)
  assert.deepEqual([file.name, kept.terms.length], ['risk-formula.json', 19])
  await weight.fill('-1')
  await weight.press('Tab')
  await term.getByText('超出允许范围').waitFor()
  await top.locator(test('problem')).getByText('有 1 处需要修正').waitFor()
  await weight.fill('30')
  await weight.press('Tab')
  await term.locator('.figure input').nth(1).fill('90')
  await term.locator('.figure input').nth(1).press('Tab')
  const preview = top.locator(test('preview'))
  await preview.getByText('1 家升档，0 家降档').waitFor()
  await preview.getByText('澄海实验学校食堂').waitFor()
  await settled(top)
  assert.deepEqual(await inaccessible(top), [])
  await top.locator('h1').scrollIntoViewIfNeeded()
  await look('risk-formula', top)
  await top.setViewportSize(NARROW)
  await settled(top)
  assert.equal(await sideways(top), null)
  await top.locator('h1').scrollIntoViewIfNeeded()
  await look('risk-formula-narrow', top)
  await top.setViewportSize(WIDE)
  await top.click(test('save'))
  await until('it is kept', async () => (await root.get('/settings/risk')).terms[7].weight === 30)
  await until('it holds at once', async () => (await root.get('/risk?band=severe')).total === 1)
  // What is no formula changes nothing; what is one is shown before it holds.
  await top.setInputFiles(test('file'), { name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('[]') })
  await top.getByText('这不是评分方案文件').waitFor()
  await top.setInputFiles(test('file'), { name: file.name, mimeType: 'application/json', buffer: file.content })
  await preview.getByText('0 家升档，1 家降档').waitFor()
  assert.equal((await root.get('/settings/risk')).terms[7].weight, 30)
  await close()
  // What was wrong on purpose was refused by the server.
  assert.deepEqual(faultsAtTop.filter((one) => !one.includes('/settings/risk/preview')), [])
})

it('shows a canteen its own score and nothing of what is planned, and others only read the formula', async () => {
  const canteen = await openAs(browser, server.base, 'wang')
  await canteen.page.goto(`${server.base}/premises/${place.premises.id}`)
  await canteen.page.locator('h1', { hasText: '澄海实验学校食堂' }).waitFor()
  await settled(canteen.page)
  await canteen.page.locator(test('risk')).locator(test('risk-score')).waitFor()
  const own = await canteen.page.locator(test('risk')).innerText()
  assert.ok(own.includes('一级预警') && !own.includes('上升明显'), own)
  assert.equal(await canteen.page.locator('nav.rail').getByText('风险评分').count(), 0)
  await canteen.close()
  await page.goto(`${server.base}/settings/risk`)
  await page.getByText('您可以查看和下载').waitFor()
  assert.equal(await page.locator(test('save')).count(), 0)
  assert.deepEqual(faults, [])
})

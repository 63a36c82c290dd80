// From a failed item to a closed order: the desk issues the paper and the order, the canteen answers on its phone item by item, the
// officer sends it back at the desk and accepts it on a phone.
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { after, before, it } from 'node:test'
import { openAs } from './desk.mjs'
import * as steps from './phone-steps.mjs'
import { addPerson, desk, makePicture, PASSWORD, Person, phone, seedPlace, startServer } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

const test = (name) => `[data-test="${name}"]`
const sorted = (value) =>
  Array.isArray(value) ? value.map(sorted) : value && typeof value === 'object' ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])])) : value
const hash = (value) => createHash('sha256').update(JSON.stringify(sorted(value))).digest('hex')
let server
let officer
let inspection
let order
let browser
let page
let faults
const canteenPhone = await phone()
const officerPhone = await phone()

/** An unannounced check of one item, which fails. */
async function inspect(premises, officers) {
  const template = (await officer.get('/templates?kind=school_canteen')).items[0]
  const id = randomUUID()
  const part = randomUUID()
  const header = { premises_id: premises.id, template_id: template.id, kind: 'unannounced', started_at: '2026-11-23T06:05:00.000Z', officers, device: { id: 'phone-1' } }
  const failed = { item_code: '8.1', result: 'fails', remark: '排水沟盖板缺失', affects_safety: false, reason: '未影响食品安全', answered_at: '2026-11-23T06:10:00.000Z', evidence_ids: [] }
  const content = { device_id: 'phone-1', answers: [failed], evidence: [], locations: [], signatures: [], clock: { device_time: '2026-11-23T06:30:00.000Z', monotonic_ms: 1000 } }
  await officer.call('PUT', `/inspections/${id}`, { header, content_sha256: hash(header), part: { id: part, content, content_sha256: hash(content), revision: 1 } })
  const result = { outcome: 'basically_conforms', checked: 1, key_checked: 0, general_checked: 1, key_failed: [], general_failed: ['8.1'], not_applicable: [], score: 0, grade: 'none', consequences: [{ item_code: '8.1', consequence: 'order' }], unanswered: [] }
  const done = await officer.post(`/inspections/${id}/submit`, { parts: [{ id: part, content_sha256: hash(content) }], choices: {}, result, submitted_at: '2026-11-23T06:40:00.000Z' })
  assert.equal(done.state, 'complete')
  return id
}

before(async () => {
  server = await startServer()
  const root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  officer = await addPerson(root, { username: 'li', display_name: '李明', role: 'officer', node_id: place.office.id })
  const second = await addPerson(root, { username: 'wang', display_name: '王芳', role: 'officer', node_id: place.office.id })
  await addPerson(root, { username: 'lin', display_name: '林晓梅', role: 'food_safety_officer', node_id: place.premises.id })
  inspection = await inspect(place.premises, [officer.id, second.id])
  browser = await desk()
  ;({ page, faults } = await openAs(browser, server.base, 'li'))
})

after(async () => {
  await browser?.close()
  await canteenPhone.throwAway()
  await officerPhone.throwAway()
  await server?.stop()
})

it('issues a paper from the page of an inspection, with the first number', async () => {
  await page.goto(`${server.base}/inspections/${inspection}`)
  await page.click(test('issue-paper'))
  await page.click(test('issue-now'))
  await page.waitForFunction(() => /〔\d{4}〕1号/.test(document.querySelector('[data-test=papers]')?.textContent ?? ''))
  const [paper] = (await officer.get(`/documents?inspection_id=${inspection}`)).items
  const file = Buffer.from(await (await officer.raw('GET', `/documents/${paper.id}/file`)).arrayBuffer())
  assert.equal(file.subarray(0, 5).toString(), '%PDF-')
  assert.equal(createHash('sha256').update(file).digest('hex'), paper.sha256)
})

it('orders the failed item to be put right, with its paper', async () => {
  await page.click(test('issue-order'))
  await page.click(test('order-send'))
  // What is asked must be said.
  await page.locator('.el-form-item__error').first().waitFor()
  await page.fill(`${test('requirement-8.1')} input, input${test('requirement-8.1')}`, '补装盖板，清理积水')
  await page.click(test('order-send'))
  await page.waitForSelector(test('order-state'))
  order = (await officer.get('/orders')).items[0]
  assert.equal(order.state, 'ordered')
  assert.match(order.document_number, /〔\d{4}〕1号/)
  assert.equal(new URL(page.url()).pathname, `/orders/${order.id}`)
})

it('is answered by the canteen on its phone, and what was typed survives leaving the page', async () => {
  const context = await canteenPhone.open()
  const screen = context.pages()[0] ?? (await context.newPage())
  await steps.signIn(screen, server.base, 'lin', PASSWORD)
  await steps.go(screen, `${server.base}/m/alerts`)
  await screen.click(test('orders'))
  await screen.locator(test('order')).first().click()
  await screen.fill(test('answer-8.1'), '已补装盖板')
  await screen.locator('input[data-album="8.1"]').setInputFiles({ name: 'after.png', mimeType: 'image/png', buffer: makePicture({ seed: 4 }) })
  await screen.waitForSelector('.photos figure')
  await steps.go(screen, `${server.base}/m/me`)
  await steps.go(screen, `${server.base}/m/orders/${order.id}`)
  await screen.waitForSelector('.photos figure')
  assert.equal(await screen.inputValue(test('answer-8.1')), '已补装盖板')
  // The network is gone: the answer is handed in all the same, and goes once when it is back.
  await context.setOffline(true)
  await screen.click(test('answer-send'))
  await screen.waitForSelector(test('order-going'))
  assert.equal(await screen.locator(test('answer-send')).count(), 0, 'it is not asked twice')
  assert.equal((await officer.get(`/orders/${order.id}`)).state, 'ordered')
  await context.setOffline(false)
  await screen.waitForFunction(() => document.querySelector('[data-test=order-state]')?.textContent?.includes('待复查'))
  const answered = await officer.get(`/orders/${order.id}`)
  assert.equal(answered.item_list[0].answers[0].text, '已补装盖板')
  assert.equal(answered.item_list[0].answers[0].evidence.length, 1)
  // The canteen was told of the order, and gets to it from there.
  await steps.go(screen, `${server.base}/m/kitchen`)
  await screen.locator('.van-tabbar-item:has-text("消息")').click()
  await screen.locator('button.notice:has-text("责令改正通知")').first().click()
  await screen.waitForURL(`**/m/orders/${order.id}`)
  await canteenPhone.close()
})

it('is sent back at the desk with a reason', async () => {
  await page.goto(`${server.base}/orders/${order.id}`)
  await page.click(test('reject-8.1'))
  await page.click(test('review-send'))
  assert.equal((await officer.get(`/orders/${order.id}`)).state, 'answered', 'not without a reason')
  await page.fill(`${test('note-8.1')} textarea, textarea${test('note-8.1')}`, '盖板未固定')
  await page.click(test('review-send'))
  await page.waitForFunction(() => document.querySelector('[data-test=order-state]')?.textContent?.includes('待整改'))
})

it('is answered again and accepted by the officer on a phone', async () => {
  const canteen = await new Person(server.base, 'lin', PASSWORD).signIn()
  const back = await canteen.get(`/orders/${order.id}`)
  await canteen.post(`/orders/${order.id}/answer`, { version: back.version, items: [{ item_id: back.item_list[0].id, text: '已用螺丝固定' }] })
  const context = await officerPhone.open()
  const screen = context.pages()[0] ?? (await context.newPage())
  await steps.signIn(screen, server.base, 'li', PASSWORD)
  await steps.readyForOffline(screen)
  // In the basement: the place's page has the order, with what the canteen answered.
  await context.setOffline(true)
  await steps.go(screen, `${server.base}/m/premises/${order.premises_id}`)
  assert.match(await screen.locator(test('rectification-orders')).innerText(), /1号[^]*待复查/)
  await screen.locator(`${test('rectification-orders')} button`).first().click()
  await screen.waitForSelector(test('accept-8.1'))
  assert.match(await screen.locator('main.page').innerText(), /已用螺丝固定/)
  // What was judged survives leaving the page.
  await screen.click(test('reject-8.1'))
  await screen.fill(test('note-8.1'), '螺丝松动')
  await steps.go(screen, `${server.base}/m/me`)
  await steps.go(screen, `${server.base}/m/orders/${order.id}`)
  await screen.locator(`${test('reject-8.1')}[aria-checked="true"]`).waitFor()
  assert.equal(await screen.inputValue(test('note-8.1')), '螺丝松动')
  await screen.fill(test('note-8.1'), '')
  await screen.click(test('accept-8.1'))
  await screen.click(test('review-send'))
  await screen.waitForSelector(test('order-going'))
  await context.setOffline(false)
  await screen.waitForFunction(() => document.querySelector('[data-test=order-state]')?.textContent?.includes('已办结'))
  await officerPhone.close()
  const closed = await officer.get(`/orders/${order.id}`)
  assert.deepEqual(closed.item_list[0].answers.map((answer) => answer.accepted), [false, true])
})

it('shows the order, its list and the register without a fault, wide and narrow', async () => {
  for (const path of [`/orders/${order.id}`, '/orders', '/papers', '/papers/numbers', `/inspections/${inspection}`]) {
    for (const viewport of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
      await page.setViewportSize(viewport)
      faults.length = 0
      await page.goto(`${server.base}${path}`)
      await settled(page)
      assert.deepEqual(faults, [], path)
      assert.deepEqual(await inaccessible(page), [], path)
      assert.ok(!(await sideways(page)), `${path} does not scroll sideways at ${viewport.width}`)
      if (process.env.BRIGHT_KITCHEN_PICTURES) await page.screenshot({ path: `${process.env.BRIGHT_KITCHEN_PICTURES}/${path.split('/').slice(1, 3).join('-').slice(0, 20)}-${viewport.width}.png`, fullPage: true })
    }
  }
})

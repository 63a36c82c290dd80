// Two officers on one inspection, each on a phone: joined by the lead's code with no network on one of them, merged without loss,
// the lead chooses where they differ, and submits.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import * as steps from './phone-steps.mjs'
import { addPerson, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'

const test = (name) => `[data-test=${name}]`
let server
let root
let place
let chen
let huang
const phones = [await phone(), await phone()]
let lead
let member
let inspectionId
let template

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  chen = await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  huang = await addPerson(root, { username: 'huang', display_name: '黄志远', role: 'officer', node_id: place.office.id })
  template = (await root.get('/templates')).items.find((one) => one.code === 'school_canteen')
  const today = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10)
  await root.post('/assignments', { premises_id: place.premises.id, template_id: template.id, kind: 'unannounced', due_on: today, officer_ids: [chen.id, huang.id] })
  const pages = []
  for (const [index, name] of ['chen', 'huang'].entries()) {
    const context = await phones[index].open()
    const page = context.pages()[0] ?? (await context.newPage())
    await steps.signIn(page, server.base, name, PASSWORD)
    await steps.readyForOffline(page)
    pages.push({ page, context })
  }
  ;[lead, member] = pages
})

after(async () => {
  for (const one of phones) await one.throwAway()
  await server?.stop()
})

it('the lead divides the sections and shows a code; the other joins by it with no network', async () => {
  const { page } = lead
  await member.context.setOffline(true)
  await page.locator(test('assignment')).first().waitFor()
  await page.click(test('start'))
  await page.waitForSelector('[data-code="1.1"]')
  inspectionId = new URL(page.url()).pathname.split('/').at(-1)
  await page.click(test('team'))
  await page.click(test('share'))
  await page.waitForSelector(test('code'))
  const code = await page.locator(test('code')).getAttribute('data-text')
  await page.waitForSelector('main[data-saving=saved]')
  assert.ok((await page.locator(test('owner')).evaluateAll((all) => new Set(all.map((one) => one.value)).size)) === 2, 'both have sections')

  await member.page.goto(`${server.base}/m/scan`)
  await steps.unlock(member.page)
  await member.page.fill(test('scan-typed'), code)
  await member.page.click(test('scan-go'))
  await member.page.waitForURL((url) => url.pathname.endsWith(inspectionId))
  await member.page.waitForSelector('[data-code]')
})

it('the other fills in a section without a network and hands it in; it waits safe on the phone', async () => {
  const { page } = member
  await steps.giveResult(page, '1.1', 'fails')
  await page.locator('#t-1\\.1').fill('许可证未在显著位置公示')
  await steps.harmless(page, '1.1')
  await steps.addPhoto(page, '1.1', 31)
  const sections = await steps.sectionCount(page)
  await steps.goToSection(page, sections - 1)
  const code = await page.locator('article[data-code]').first().getAttribute('data-code')
  await steps.giveResult(page, code, 'conforms')
  if (await page.locator(`[data-code="${code}"] .need`).count()) await steps.addPhoto(page, code, 32)
  await page.click(test('review'))
  await page.click(test('sign'))
  await page.waitForSelector(test('hand-in-help'))
  await steps.submit(page)
  assert.match(await page.locator(test('status')).innerText(), /待发送，已安全保存在本机/)
})

it('the lead answers the same item otherwise; when the other is back on line both answers are there, and the lead chooses', async () => {
  const { page } = lead
  await steps.go(page, `${server.base}/m/inspections/${inspectionId}`)
  await page.waitForSelector('[data-code="1.1"]')
  await steps.giveResult(page, '1.1', 'conforms')
  if (await page.locator('[data-code="1.1"] .need').count()) await steps.addPhoto(page, '1.1', 33)
  await page.click(test('team'))
  await page.waitForSelector(`${test('part')}[data-here=false]`)
  // The member has no network: the part goes from phone to phone, as codes or as a file.
  await member.page.click(test('show-codes'))
  await member.page.waitForSelector(test('codes'))
  assert.match(await member.page.locator(`${test('codes')} ${test('code')}`).getAttribute('data-text'), /^bk:part:1:[0-9a-f]{8}:\d+:\d+:/)
  const [download] = await Promise.all([member.page.waitForEvent('download'), member.page.click(test('share-part'))])
  await page.locator(test('receive-file')).setInputFiles(await download.path())
  await page.waitForSelector(`${test('part')}[data-here=true]`)
  await page.waitForSelector(`${test('differs')}[data-code="1.1"]`)
  await member.context.setOffline(false)
  await member.page.waitForSelector(`${test('way')}[data-stage=sent]`, { timeout: 60_000 })
  await page.click(test('look'))
  await page.waitForSelector(`${test('part')}[data-here=true]`)
  await page.waitForSelector(`${test('differs')}[data-code="1.1"]`)
  await steps.go(page, `${server.base}/m/inspections/${inspectionId}/sign`)
  await page.waitForSelector(test('submit'))
  assert.equal(await page.locator(test('submit')).isDisabled(), true, 'not before the lead has chosen')
  await steps.go(page, `${server.base}/m/inspections/${inspectionId}/team`)
  await page.locator(`${test('differs')}[data-code="1.1"] ${test('choose')}`).nth(1).click()
  await page.waitForSelector('main[data-saving=saved]')
})

it('the lead has it signed and submits; both parts are on the server, whole', async () => {
  const { page } = lead
  await steps.go(page, `${server.base}/m/inspections/${inspectionId}/sign`)
  await steps.signOfficers(page)
  await steps.signPremises(page, '林晓梅')
  await steps.submit(page)
  await page.waitForSelector(`${test('way')}[data-stage=sent]`, { timeout: 60_000 })
  await chen.signIn()
  const found = await until('all evidence is there', async () => {
    const one = await chen.get(`/inspections/${inspectionId}`)
    return one.state === 'complete' ? one : null
  })
  assert.equal(found.differs, false, 'phone and server judge alike')
  assert.deepEqual(found.result.key_failed, ['1.1'])
  assert.match(JSON.stringify(found), /许可证未在显著位置公示/)
  const { parts } = await chen.get(`/inspections/${inspectionId}/parts`)
  assert.deepEqual(parts.map((part) => part.owner_id).sort(), [chen.id, huang.id].sort())
  assert.deepEqual(parts.map((part) => part.content.answers.find((one) => one.item_code === '1.1').result).sort(), ['conforms', 'fails'], 'both answers are kept')
})

// The phone, end to end, against the real program: the network is cut after the first sync, the browser is closed in the
// middle, and what was filled in arrives once, whole, when the network is back.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import * as steps from './phone-steps.mjs'
import { addPerson, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'

const test = (name) => `[data-test=${name}]`
let server
let root
let place
let officer
let second
const device = await phone()

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  officer = await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  second = await addPerson(root, { username: 'huang', display_name: '黄志远', role: 'officer', node_id: place.office.id })
  const template = (await root.get('/templates')).items.find((one) => one.code === 'school_canteen')
  assert.ok(template, 'the checklist of school canteens ships with the product')
  const today = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10)
  await root.post('/assignments', { premises_id: place.premises.id, template_id: template.id, kind: 'routine', due_on: today, officer_ids: [officer.id, second.id] })
})

after(async () => {
  await device.throwAway()
  await server?.stop()
})

describe('an inspection on the phone', () => {
  let page
  let context
  let inspectionId
  let shownOutcome
  let shownHash
  let shownNumber

  const open = async (path) => {
    context = await device.open()
    page = context.pages()[0] ?? (await context.newPage())
    if (path) await steps.go(page, `${server.base}${path}`)
  }

  it('is signed in and synced, and the app keeps itself', async () => {
    await open()
    await steps.signIn(page, server.base, 'chen', PASSWORD)
    await page.waitForSelector(test('assignment'))
    await steps.readyForOffline(page)
    assert.match(await page.locator(test('assignment')).innerText(), /澄海实验学校食堂/)
  })

  it('is begun and filled in with the network cut, each key press kept', async () => {
    await context.setOffline(true)
    await page.reload()
    await steps.unlock(page)
    await page.click(test('start'))
    await page.waitForSelector('[data-code="1.1"]')
    assert.match(await page.locator(test('status')).innerText(), /无网络/)
    await steps.giveResult(page, '1.2', 'fails')
    await page.locator('#t-1\\.2').fill('未配备食品安全总监，就餐人数 620 人')
    await steps.addPhoto(page, '1.2', 12)
    await page.waitForSelector(`${test('saved')}.saved`)
    const bytes = await steps.storedBytes(page)
    for (const secret of ['未配备食品安全总监', '澄海实验学校食堂']) assert.equal(bytes.includes(Buffer.from(secret).toString('latin1')), false, `${secret} cannot be read in the database`)
    assert.equal(bytes.includes('\x89PNG\r\n'), false, 'nor can a photo')
  })

  it('survives closing the browser, still without a network', async () => {
    await device.close()
    context = await device.open()
    await context.setOffline(true)
    page = context.pages()[0] ?? (await context.newPage())
    await page.goto(`${server.base}/m/today`)
    await page.waitForSelector(test('pin'))
    await page.fill(test('pin'), '000000')
    await page.click(test('unlock'))
    await page.waitForSelector('.fault')
    await steps.unlock(page)
    await page.click(test('resume'))
    await page.waitForSelector('[data-code="1.2"]')
    assert.equal(await page.locator('#t-1\\.2').inputValue(), '未配备食品安全总监，就餐人数 620 人')
    assert.equal(await page.locator('[data-code="1.2"] figure img').count(), 1)
    // Whether it affects safety was left open before.
    await page.locator('[data-code="1.2"]').getByRole('radiogroup').nth(1).getByRole('radio').nth(1).click()
    assert.match(await page.locator('[data-code="1.2"] .need').innerText(), /影响或不影响的理由/, 'and why')
    await page.locator('[data-code="1.2"]').locator(test('safety-reason')).fill('属于人员配备问题，未造成食品污染')
    inspectionId = page.url().split('/').at(-1)
  })

  it('is completed, judged on the phone and signed by both sides', async () => {
    const sections = await steps.sectionCount(page)
    for (let index = 0; index < sections; index += 1) {
      await steps.goToSection(page, index)
      await page.waitForFunction((wanted) => document.querySelector(`[data-section="${wanted}"]`)?.getAttribute('aria-current') === 'true', index)
      await steps.finishSection(page, 100 * (index + 1))
    }
    await page.click(test('review'))
    await page.waitForSelector(test('outcome'))
    shownOutcome = await page.locator(test('outcome')).getAttribute('data-outcome')
    assert.equal(shownOutcome, 'does_not_conform', 'one failed key item decides')
    await page.click(test('sign'))
    // What is signed is the record itself, to be read on the glass.
    const paper = page.locator(test('paper'))
    await paper.waitFor()
    const text = await paper.innerText()
    for (const said of ['澄海实验学校食堂', '陈立群', '黄志远', '现场发现：未配备食品安全总监，就餐人数 620 人', '不影响食品安全：属于人员配备问题', '未记录出示执法证件', '重点项目有1项不符合（1.2）', '以上记录已交被检查单位阅看']) assert.ok(text.includes(said), `${said}: ${text}`)
    assert.ok(text.split('\n').filter((line) => line === '符合').length >= 30, 'all answers are on it')
    shownNumber = await page.locator(test('paper-number')).innerText()
    assert.match(shownNumber, /〔\d{4}〕\d+号/, 'a number of the block that the phone holds')
    await steps.signOfficers(page)
    // Reasons for what is not there stand on the record too: it is whole from here on.
    shownHash = /[0-9a-f]{64}/.exec(await page.locator(test('hash')).innerText())[0]
    // A touch of the glass is no signature.
    await page.click(test('sign-premises'))
    await page.fill(test('signer'), '林晓梅')
    await page.locator(test('pad')).click({ position: { x: 60, y: 60 } })
    await page.waitForSelector(test('pad-blank'))
    assert.equal(await page.locator(test('pad-done')).isDisabled(), true, 'without a stroke there is no signature')
    await page.click('.sheet .van-popup__close-icon')
    await page.waitForSelector('.sheet', { state: 'hidden' })
    await steps.signPremises(page, '林晓梅')
    const lacks = () => page.locator('[data-lack]').evaluateAll((all) => all.map((one) => one.dataset.lack))
    assert.deepEqual(await lacks(), ['visit_opened', 'certificates', 'recusal', 'visit_closed'], 'what the law asks for on site is named before they leave')
    await steps.submit(page)
    assert.match(await page.locator(test('status')).innerText(), /待发送，已安全保存在本机/)
    // Handed over without a network: by its code, or printed.
    assert.match(await page.locator(test('paper-hash')).innerText(), new RegExp(`${shownHash}.*/c/${shownHash}`, 's'))
    assert.ok((await page.locator(`${test('paper')} ${test('code')}`).getAttribute('data-text')).includes(encodeURIComponent(shownNumber)), 'the code says the number too')
    await page.emulateMedia({ media: 'print' })
    assert.equal(await page.locator(test('status')).isVisible(), false, 'on paper there is only the record')
    assert.equal(await page.locator(test('print')).isVisible(), false)
    assert.equal(await page.locator(test('paper')).isVisible(), true)
    await page.emulateMedia({ media: 'screen' })
    assert.equal((await root.get('/inspections')).items.some((one) => one.id === inspectionId), false, 'nothing has left the phone')
  })

  it('arrives once and whole when the network is back', async () => {
    await context.setOffline(false)
    await page.waitForSelector(`${test('way')}[data-stage=sent]`, { timeout: 60_000 })
    const found = await officer.signIn().then(() => officer.get(`/inspections/${inspectionId}`))
    assert.equal(found.state, 'complete')
    const list = (await root.get(`/inspections?premises_id=${place.premises.id}`)).items
    assert.equal(list.filter((one) => one.id === inspectionId).length, 1)
  })

  it('has the same result and the files as taken on the server', async () => {
    const found = await root.get(`/inspections/${inspectionId}`)
    assert.equal(found.result.outcome, shownOutcome)
    assert.deepEqual(found.to_complete, ['visit_opened', 'certificates', 'recusal', 'visit_closed'], 'and by the server again')
    const { unmet, ...visit } = found.visit
    assert.deepEqual(visit, { opened: null, closed: null, certificates_shown_at: null, recusal: null })
    assert.deepEqual([...new Set(Object.values(unmet))], ['试用，无法当场做到'], 'and why it was not there')
    assert.equal(found.differs, false)
    assert.deepEqual(found.drawn, { sha256: shownHash, differs: false, number: shownNumber }, 'the server draws the same record from what it received')
    assert.deepEqual([...new Set(found.parts.flatMap((part) => part.signatures.map((one) => one.shown_sha256)))], [shownHash], 'and that is what was signed')
    await page.waitForSelector(test('receipt'))
    assert.equal(found.receipt.manifest.drawn_sha256, shownHash)
    await root.call('PUT', '/settings/disclosure', { enabled: true })
    const checked = await fetch(`${server.base}/c/${shownHash}?n=${encodeURIComponent(shownNumber)}`)
    assert.equal(checked.status, 200)
    assert.match(await checked.text(), /与登记的记录一致/)
    assert.deepEqual(found.phone_result, found.result)
    assert.deepEqual(found.result.key_failed, ['1.2'])
    const { parts } = await officer.get(`/inspections/${inspectionId}/parts`)
    const draft = parts[0].content
    const text = JSON.stringify(found)
    assert.match(text, /未配备食品安全总监/)
    assert.match(text, /does_not_conform/)
    assert.ok(draft.evidence.length >= 6, 'photos and signatures')
    for (const one of draft.evidence) {
      const response = await root.raw('GET', `/inspections/${inspectionId}/evidence/${one.id}`)
      assert.equal(response.status, 200)
      const bytes = Buffer.from(await response.arrayBuffer())
      assert.equal(createHash('sha256').update(bytes).digest('hex'), one.sha256, one.kind)
    }
  })

  it('shows nothing of it to the next person on the same phone', async () => {
    await steps.go(page, `${server.base}/m/me`)
    await page.click(test('sign-out'))
    await page.click('.van-dialog__confirm')
    await page.waitForSelector('#username')
    await steps.signIn(page, server.base, 'huang', PASSWORD)
    await page.waitForSelector(`${test('synced')}[data-synced=true]`)
    assert.equal(await page.locator(test('draft')).count(), 0)
    await steps.go(page, `${server.base}/m/inspections/${inspectionId}`)
    await page.waitForSelector('.empty')
    assert.equal(await page.locator('[data-code]').count(), 0)
  })
})

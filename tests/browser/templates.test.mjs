// A checklist is designed at a desk with a condition, tried on the phone beside it, published, and filled in on a phone with
// the network cut: what its condition shows is asked, what it hides is not, and the server has what was typed.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { arrives, download, field, openAs } from './desk.mjs'
import * as steps from './phone-steps.mjs'
import { addPerson, desk, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'

const test = (name) => `[data-test=${name}]`
let server
let root
let place
let browser
const device = await phone()

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  browser = await desk()
})

after(async () => {
  await browser?.close()
  await device.throwAway()
  await server?.stop()
})

describe('a checklist', () => {
  let page
  let faults
  let close
  let draftId

  const saved = () => page.waitForSelector(`${test('save-state')}[data-state=saved]`)
  const both = async (scope, zh, en) => {
    await scope.locator('input, textarea').nth(0).fill(zh)
    await scope.locator('input, textarea').nth(1).fill(en)
  }
  const item = (code) => page.locator('.outline .item', { hasText: code })
  const stored = () => root.get(`/template-drafts/${draftId}`)

  it('is begun, and says what it still lacks at its place', async () => {
    ;({ page, faults, close } = await openAs(browser, server.base, 'root'))
    await page.goto(`${server.base}/templates`)
    await page.click(test('new-template'))
    await arrives(page, (path) => path.startsWith('/template-drafts/'))
    draftId = new URL(page.url()).pathname.split('/').at(-1)
    await page.waitForSelector(test('template-code'))
    assert.ok(await page.locator(test('publish')).isDisabled(), 'an empty draft is not published')
    assert.match(await page.locator('.editor .el-form-item__error').first().innerText(), /必须填写|格式/)
    assert.match(await page.locator('.faults').innerText(), /需要修改才能发布/)
    await page.locator(test('template-code')).locator('input').or(page.locator(`input${test('template-code')}`)).first().fill('spring_check')
    await both(page.locator(test('template-name')), '春季专项检查', 'Spring check')
    await both(page.locator(test('template-source')), '本局自拟', 'Our own')
    await saved()
    assert.equal((await stored()).file.code, 'spring_check')
  })

  it('gets sections and items, moved with the keyboard', async () => {
    await page.click(test('add-section'))
    await both(page.locator(test('section-name')), '留样', 'Samples')
    await page.click(test('add-item'))
    await both(page.locator(test('item-text')), '留样重量足够', 'Samples weigh enough')
    await page.locator(`input${test('basis')}`).or(page.locator(`${test('basis')} input`)).first().fill('第45号令第40条 · Order 45, art. 40')
    await page.click(test('add-item'))
    await both(page.locator(test('item-text')), '每餐每种食品留样', 'Samples of each dish are kept')
    await page.locator(`input${test('basis')}`).or(page.locator(`${test('basis')} input`)).first().fill('第45号令第40条 · Order 45, art. 40')
    await page.locator(test('key')).click()
    await item('1.2').focus()
    await page.keyboard.press('Alt+ArrowUp')
    await until('it has moved', async () => (await page.locator('.outline .item .code').allInnerTexts()).join(' ') === '1.2 1.1')
    await page.keyboard.press('Alt+ArrowDown')
    await until('it is back', async () => (await page.locator('.outline .item .code').allInnerTexts()).join(' ') === '1.1 1.2')
    // With the mouse: before the other one.
    await item('1.2').dragTo(item('1.1'))
    await until('it was dragged', async () => (await page.locator('.outline .item .code').allInnerTexts()).join(' ') === '1.2 1.1')
    await saved()
  })

  it('gets a field and a condition, and the phone beside it follows', async () => {
    await item('1.1').click()
    await page.click(test('add-number'))
    const one = page.locator('[data-field-editor]')
    await both(one.locator('.pair'), '最少一份', 'The smallest')
    await field(one, '单位').fill('g')
    await field(one, '下限').fill('125')
    await one.locator(test('field-required')).click()
    const condition = page.locator('.condition').filter({ hasText: '显示条件' }).last()
    await condition.locator('.kind').click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: '检查结果' }).click()
    await saved()
    const kept = (await stored()).file.body.sections[0].items.find((one) => one.code === '1.1')
    assert.deepEqual(kept.show_when, { result: { item: '1.2', one_of: ['fails'] } })
    assert.deepEqual(kept.fields[0].kind, { type: 'number', unit: 'g', min: 125 })
    const beside = page.frameLocator(test('preview'))
    await beside.locator('[data-code="1.2"]').waitFor()
    assert.equal(await beside.locator('[data-code="1.1"]').count(), 0, 'hidden until the other fails')
    await beside.locator('[data-code="1.2"]').getByRole('radio').nth(1).click()
    await beside.locator('[data-code="1.1"] [data-field="f1"] input').waitFor()
  })

  it('refuses a condition that leads back to itself, at its place', async () => {
    await item('1.2').click()
    const condition = page.locator('.condition').filter({ hasText: '显示条件' }).last()
    await condition.locator('.kind').click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: '检查结果' }).click()
    await page.locator('.editor .wrong', { hasText: '取决于自身' }).waitFor()
    assert.ok(await page.locator(test('publish')).isDisabled())
    await condition.locator('.kind').click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: '无' }).first().click()
    await page.locator('.editor .wrong').waitFor({ state: 'detached' })
    await saved()
  })

  it('goes out as JSON and as XLSForm and comes in again as it was', async () => {
    const file = (await stored()).file
    await page.getByRole('button', { name: '导出' }).click()
    const got = await download(page, () => page.locator('.el-dropdown-menu__item:visible', { hasText: 'XLSForm' }).click())
    assert.equal(got.name, 'spring_check.xlsx')
    const answer = await fetch(`${server.base}/api/v1/template-imports`, { method: 'POST', headers: { Authorization: `Bearer ${root.token}`, 'Content-Type': 'application/octet-stream' }, body: got.content })
    const read = await answer.json()
    assert.deepEqual([read.left_out, read.faults, read.file], [[], [], file])
  })

  it('is published, and never changes again', async () => {
    await page.click(test('publish'))
    await page.locator('.el-message-box__btns .el-button--primary').click()
    await arrives(page, (path) => path.startsWith('/templates/'))
    await page.waitForSelector(test('edit-template'))
    assert.match(await page.locator('h1').innerText(), /春季专项检查/)
    assert.deepEqual((await root.get('/template-drafts')).items, [])
    assert.deepEqual(faults, [])
    await close()
  })

  it('is filled in on the phone with the network cut, and arrives', async () => {
    const context = await device.open()
    const glass = context.pages()[0] ?? (await context.newPage())
    await steps.signIn(glass, server.base, 'chen', PASSWORD)
    await steps.readyForOffline(glass)
    await context.setOffline(true)
    await steps.go(glass, `${server.base}/m/premises/${place.premises.id}`)
    await glass.click(test('begin'))
    await glass.locator('.templates button', { hasText: '春季专项检查' }).click()
    await glass.click(test('begin-now'))
    await glass.waitForSelector('[data-code="1.2"]')
    assert.equal(await glass.locator('[data-code="1.1"]').count(), 0, 'not asked yet')
    await steps.giveResult(glass, '1.2', 'fails')
    await glass.locator('[data-code="1.1"]').waitFor()
    await steps.harmless(glass, '1.2')
    // A control character that a scanner's keyboard sends is not kept.
    await glass.locator('#t-1\\.2').evaluate((area) => {
      area.value = '汤类\u0000未留\u0007样'
      area.dispatchEvent(new Event('input', { bubbles: true }))
    })
    await steps.giveResult(glass, '1.1', 'conforms')
    assert.match(await glass.locator('[data-code="1.1"] .need').innerText(), /最少一份/, 'the field must be given')
    await glass.locator('[data-code="1.1"] [data-field="f1"] input').fill('100')
    assert.match(await glass.locator('[data-code="1.1"] [data-field="f1"]').innerText(), /超出范围|125/)
    await glass.locator('[data-code="1.1"] [data-field="f1"] input').fill('130.5')
    await glass.waitForSelector(`${test('saved')}.saved`)
    await glass.click(test('review'))
    await glass.click(test('sign'))
    await steps.signOfficers(glass)
    await steps.signPremises(glass, '林老师')
    await steps.submit(glass)
    await context.setOffline(false)
    const inspection = await until('it has arrived', async () => (await root.get('/inspections')).items.find((one) => one.state === 'complete'), 60_000)
    const whole = await root.get(`/inspections/${inspection.id}`)
    const [first, second] = whole.sections[0].items
    assert.deepEqual([first.code, first.answer.result, first.answer.remark], ['1.2', 'fails', '汤类未留样'])
    assert.deepEqual([second.code, second.asked, second.answer.values], ['1.1', true, { f1: 130.5 }])
    assert.equal(whole.differs, false)
    // The next time, the last answer stands beside the new one.
    await glass.click(test('home'))
    await until('the last inspection has come down', async () => {
      await steps.syncNow(glass, server.base)
      await steps.go(glass, `${server.base}/m/premises/${place.premises.id}`)
      await glass.waitForSelector(test('history'))
      return (await glass.locator(`${test('history')} .line`).count()) > 0
    }, 60_000)
    await glass.click(test('begin'))
    await glass.locator('.templates button', { hasText: '春季专项检查' }).click()
    await glass.click(test('begin-now'))
    await glass.locator('[data-code="1.2"] [data-test=previous]').waitFor()
    assert.match(await glass.locator('[data-code="1.2"] [data-test=previous]').innerText(), /上次：不符合 · 汤类未留样/)
  })
})

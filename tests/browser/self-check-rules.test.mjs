// The page of the canteens' duties: times, meals, and days on which nothing is served, for all or for one office; read by others.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { NARROW, openAs } from './desk.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'

const test = (name) => `[data-test=${name}]`
let server
let root
let place
let browser

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  // Who stands at the top and reads the papers sets their rules.
  await addPerson(root, { username: 'zhang', display_name: '张主任', role: 'supervisor', node_id: place.district.parent_id ?? place.district.id })
  await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  browser = await desk()
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

/** A picture of the page, where somebody wants to look. */
const look = (page, name) => (process.env.BRIGHT_KITCHEN_PICTURES ? page.screenshot({ path: `${process.env.BRIGHT_KITCHEN_PICTURES}/${name}.png`, fullPage: true }) : undefined)

describe('duties of canteens', () => {
  it('are set by time, meal and term, and hold from then on', async () => {
    const { page, faults, close } = await openAs(browser, server.base, 'zhang')
    await page.goto(`${server.base}/self-checks`)
    await page.click(test('rules'))
    const rules = page.locator(test('rule'))
    await until('the rules are there', async () => (await rules.count()) >= 8)
    const daily = rules.filter({ hasText: '日管控' })
    await daily.locator('input[type=time]').fill('19:30')
    // A meal more: it begins with the time of the paper.
    const samples = rules.filter({ hasText: '留样' })
    await samples.locator('label', { hasText: '按餐次' }).locator('.el-select').click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: '晚餐' }).click()
    await page.keyboard.press('Escape')
    await samples.locator('label', { hasText: '晚餐最迟' }).locator('input').fill('20:00')
    await page.click(test('add-break'))
    const term = page.locator(test('break')).last()
    await term.locator('input[type=date]').first().fill('2027-01-25')
    await term.locator('input[type=date]').last().fill('2027-01-01')
    await page.click(test('save'))
    await until('days the wrong way round are told', async () => (await term.innerText()).includes('请填写正确'))
    await term.locator('input[type=date]').last().fill('2027-02-21')
    await term.locator('label', { hasText: '辖区、监管所' }).locator('.el-select').click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: place.office.name }).first().click()
    await page.keyboard.press('Escape')
    await look(page, 'self-check-rules')
    await page.click(test('save'))
    await until('it is saved', async () => (await page.locator(test('save')).isDisabled()))
    const kept = await new Person(server.base, 'zhang', PASSWORD).signIn().then((head) => head.get('/settings/self_checks'))
    assert.equal(kept.version, 2)
    assert.equal(kept.rules.find((rule) => rule.code === 'self_daily_control').by, '19:30')
    assert.deepEqual(kept.rules.find((rule) => rule.code === 'self_retained_samples').slots, [{ code: 'lunch', by: '14:00' }, { code: 'dinner', by: '20:00' }])
    assert.deepEqual(kept.rules.find((rule) => rule.code === 'self_daily_control').all_well, { ok: 'yes', risk: 'none' }, 'what the page does not show stays')
    assert.deepEqual(kept.breaks, [{ from: '2027-01-25', to: '2027-02-21', kinds: [], nodes: [place.office.id] }])
    await page.reload()
    await until('the office is named again', async () => (await page.locator(test('break')).innerText()).includes(place.office.name))
    await page.setViewportSize(NARROW)
    await look(page, 'self-check-rules-narrow')
    assert.deepEqual(faults, [])
    await close()
  })

  it('are read, and not changed, by an officer', async () => {
    const { page, faults, close } = await openAs(browser, server.base, 'chen')
    await page.goto(`${server.base}/settings/self-checks`)
    await until('the rules are there', async () => (await page.locator(test('rule')).count()) >= 8)
    assert.equal(await page.locator(test('save')).count(), 0)
    assert.ok((await page.locator('.page').innerText()).includes('只能查看'))
    assert.ok(await page.locator(`${test('rule')} input[type=time]`).first().isDisabled())
    assert.deepEqual(faults, [])
    await close()
  })
})

// The working calendar: a year that is not entered says which deadlines lean on it; days are pressed, what moves is shown before it is
// saved, the canteen hears of it, and the year can be forgotten again.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { NARROW, openAs, WIDE } from './desk.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

const test = (name) => `[data-test=${name}]`
let server
let root
let officer
let browser
let page
let faults
let alert

const look = (name) => (process.env.BRIGHT_KITCHEN_PICTURES ? page.screenshot({ path: `${process.env.BRIGHT_KITCHEN_PICTURES}/${name}.png`, fullPage: true }) : undefined)
/** Weekdays after today, as the calendar of Shanghai has them. */
const soon = (() => {
  const days = []
  for (let at = Date.now() + 8 * 3_600_000 + 86_400_000; days.length < 2; at += 86_400_000) {
    const day = new Date(at)
    if (![0, 6].includes(day.getUTCDay())) days.push(day.toISOString().slice(0, 10))
  }
  return days
})()

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  const min = await addPerson(root, { username: 'min', display_name: '陈敏', role: 'supervisor', node_id: place.district.id })
  officer = await addPerson(root, { username: 'wang', display_name: '王安', role: 'food_safety_officer', node_id: place.premises.id })
  const camera = await root.post('/cameras', { name: '备餐间', premises_id: place.premises.id, source_url: 'rtsp://127.0.0.1:9/none' })
  const found = await min.post(`/cameras/${camera.id}/findings`, { class: 3, text: '未戴工帽' })
  alert = async () => min.get(`/alerts/${found.alert_id}`)
  browser = await desk()
  ;({ page, faults } = await openAs(browser, server.base, 'root'))
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

it('frees days by pressing them, and says what moves before it is saved', async () => {
  await until('the deadline runs', async () => (await alert()).due_at)
  const due = (await alert()).due_at
  await page.locator('nav.rail').getByRole('link', { name: '工作日历' }).click()
  await page.locator(test('calendar')).waitFor()
  const year = soon[0].slice(0, 4)
  await page.locator(test('year')).getByText(year).click()
  await settled(page)
  for (const day of soon.filter((one) => one.startsWith(year))) await page.click(`[data-day="${day}"]`)
  assert.match(await page.locator(`[data-day="${soon[0]}"]`).getAttribute('aria-label'), /放假$/)
  await page.locator('.rests input[placeholder="节日名称"]').last().fill('校庆')
  await page.locator(test('source')).locator('input').or(page.locator(`input${test('source')}`)).first().fill('区政府通知')
  await look('calendar')
  await page.click(test('save'))
  const dialog = page.getByRole('dialog')
  await dialog.getByText('以下 1 项进行中的期限随之变动').waitFor()
  await dialog.getByText('澄海实验学校食堂').waitFor()
  await look('calendar-moves')
  assert.equal((await alert()).due_at, due, 'nothing is changed before somebody has read it')
  await page.click(test('confirm'))
  await page.getByText('1 项期限已重算').waitFor()
  assert.ok(Date.parse((await alert()).due_at) > Date.parse(due))
  assert.equal((await officer.get('/notices')).items[0].kind, 'deadline_moved')
})

it('goes by the keyboard, fits a phone, and reads well', async () => {
  await page.locator(`[data-day="${soon[0].slice(0, 4)}-01-01"]`).focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  assert.equal(await page.evaluate(() => document.activeElement.dataset.day), `${soon[0].slice(0, 4)}-01-09`)
  await settled(page)
  assert.deepEqual(await inaccessible(page), [])
  await page.setViewportSize(NARROW)
  await settled(page)
  assert.equal(await sideways(page), null)
  await look('calendar-narrow')
  await page.setViewportSize(WIDE)
})

it('forgets what was entered, and the deadline is as before', async () => {
  const due = (await alert()).due_at
  await page.click(test('forget'))
  await page.getByRole('dialog').getByText('项进行中的期限随之变动').waitFor()
  await page.click(test('confirm'))
  await until('it moved back', async () => Date.parse((await alert()).due_at) < Date.parse(due))
  assert.deepEqual(faults, [])
})

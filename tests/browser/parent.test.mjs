// A parent on a phone: closed until hours are set, then the live picture with its mark, and closed again when the hours are taken
// back; never a list, a recording or anything else.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { NARROW, openAs } from './desk.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'

let server
let root
let browser
let parent
let place
let cameras
let viewing

const always = [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00' }]
const shot = (name) => process.env.BRIGHT_KITCHEN_SHOTS && parent.page.screenshot({ path: `${process.env.BRIGHT_KITCHEN_SHOTS}/${name}.png` })
/** The page looks every 20 s by itself; a parent who comes back to it sees what holds at once. */
const comeBack = () => parent.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  await addPerson(root, { username: 'feng', display_name: '冯雪', role: 'parent', node_id: place.premises.id })
  cameras = []
  for (const name of ['烹饪间', '备餐间', '更衣室门口']) cameras.push(await root.post('/cameras', { name, premises_id: place.premises.id, source_url: 'test:' }))
  await until('all cameras record', async () => (await root.get('/cameras?state=recording')).total === 3, 90_000)
  viewing = (hours, shown) => root.call('PUT', `/premises/${place.premises.id}/parent-viewing`, { hours, cameras: shown.map((one) => one.id) })
  browser = await desk()
  parent = await openAs(browser, server.base, 'feng', { viewport: NARROW, hasTouch: true, isMobile: true })
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

it('is closed until the bureau sets hours, and says so', async () => {
  await parent.page.waitForSelector('[data-test=closed]')
  assert.equal(new URL(parent.page.url()).pathname, '/school')
  assert.match(await parent.page.innerText('.school'), /澄海实验学校食堂[\s\S]*尚未向家长开放/)
  await shot('parent-never')
})

it('shows the live picture of the chosen cameras in the hours, marked with person and time', async () => {
  await viewing(always, cameras.slice(0, 2))
  await comeBack()
  await parent.page.waitForSelector('[data-test=live] video')
  await parent.page.waitForFunction(() => document.querySelector('video').currentTime > 0.5)
  const mark = await parent.page.locator('[data-test=mark] span').first().innerText()
  assert.match(mark, /冯雪 feng · \d{4}.*\d{2}:\d{2}/)
  await parent.page.waitForFunction((before) => document.querySelector('[data-test=mark] span').innerText !== before, mark)
  assert.deepEqual(await parent.page.locator('[data-test=camera]').allInnerTexts(), ['备餐间', '烹饪间'])
  assert.equal(await parent.page.locator('video').getAttribute('controls'), null, 'nothing takes the picture out from under its mark')
  await shot('parent-live')
  await parent.page.locator('[data-test=camera]', { hasText: '烹饪间' }).click()
  await parent.page.waitForFunction(() => document.querySelector('video')?.currentTime > 0.5)
})

it('has no way to anything else', async () => {
  for (const path of ['/cameras', '/wall', '/desk', `/premises/${place.premises.id}`]) {
    await parent.page.goto(`${server.base}${path}`)
    await parent.page.waitForFunction(() => document.body.innerText.trim().length > 20)
    assert.equal(await parent.page.locator('video, .tile img').count(), 0, path)
  }
  await parent.page.goto(`${server.base}/school`)
  await parent.page.waitForSelector('[data-test=live] video')
})

it('ends with the hours and says when it opens again', async () => {
  await parent.page.waitForFunction(() => document.querySelector('video')?.currentTime > 0.5)
  // Hours of another day of the week only.
  const today = Number(new Intl.DateTimeFormat('en', { timeZone: 'Asia/Shanghai', weekday: 'short' }).formatToParts(new Date())[0].value.replace(/.*/, (day) => ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(day) + 1))
  await viewing([{ days: [((today + 1) % 7) + 1], from: '10:30', to: '12:30' }], cameras.slice(0, 2))
  await parent.page.waitForSelector('[data-test=closed]')
  assert.match(await parent.page.innerText('[data-test=closed]'), /现在不在开放时段[\s\S]*下次开放：.*10:30/)
  assert.equal(await parent.page.locator('video').count(), 0)
  await shot('parent-closed')
  const refused = await parent.page.evaluate(async (id) => (await fetch(`/api/v1/cameras/${id}/snapshot.jpg`)).json(), cameras[0].id)
  assert.equal(refused.type, 'outside_hours')
  // What the browser says of refused pieces of the stream is the point here; nothing else may have gone wrong.
  assert.deepEqual(parent.faults.filter((fault) => !/403|404/.test(fault)), [])
})

it('is brought here from the phone app too, with the same login', async () => {
  const phone = await browser.newContext({ viewport: NARROW, hasTouch: true, isMobile: true, locale: 'zh-CN' })
  const page = await phone.newPage()
  await page.goto(`${server.base}/m/sign-in`)
  await page.fill('input[autocomplete=username], input[name=username]', 'feng')
  await page.fill('input[type=password]', PASSWORD)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => url.pathname === '/school')
  await page.waitForSelector('[data-test=closed]')
  await phone.close()
})

it('is set on the page of the premises', async () => {
  const wide = await openAs(browser, server.base, 'root')
  await wide.page.goto(`${server.base}/premises/${place.premises.id}`)
  const panel = wide.page.locator('[data-test=parents]')
  await panel.getByRole('button', { name: '编辑' }).click()
  const drawer = wide.page.locator('.el-drawer:visible')
  await drawer.locator('.el-checkbox', { hasText: '更衣室门口' }).waitFor()
  assert.equal(await drawer.locator('.el-checkbox.is-checked').count(), 2)
  await drawer.locator('.el-checkbox', { hasText: '备餐间' }).click()
  if (process.env.BRIGHT_KITCHEN_SHOTS) await wide.page.screenshot({ path: `${process.env.BRIGHT_KITCHEN_SHOTS}/parent-setting.png` })
  await drawer.getByRole('button', { name: '保存' }).click()
  await until('it is kept', async () => (await root.get(`/premises/${place.premises.id}/parent-viewing`)).cameras.length === 1)
  await wide.close()
})

// Notices that leave the console: an administrator sets the mail server up, somebody proves an address and chooses, an alert comes as a
// mail whose link opens it; and a push that a service worker shows and acknowledges.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { arrives, field, NARROW, openAs, WIDE } from './desk.mjs'
import { startMail } from './mail.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

let server
let root
let browser
let mail
let camera

before(async () => {
  server = await startServer()
  mail = await startMail()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const { district, office, premises } = await seedPlace(root)
  camera = await root.post('/cameras', { name: '库房', premises_id: premises.id, source_url: 'rtsp://127.0.0.1:9/none', enabled: false })
  await addPerson(root, { username: 'wang', display_name: '王立', role: 'supervisor', node_id: office.id })
  await addPerson(root, { username: 'chief', display_name: '陈明', role: 'supervisor', node_id: district.id })
  browser = await desk()
})

after(async () => {
  await browser?.close()
  mail?.stop()
  await server?.stop()
})

async function shot(page, name) {
  if (process.env.BRIGHT_KITCHEN_SHOTS) await page.screenshot({ path: `${process.env.BRIGHT_KITCHEN_SHOTS}/notices-${name}.png`, fullPage: true })
}

/** The page at both widths: nothing that axe finds, nothing that sticks out. */
async function fine(page, name) {
  // A message that fades is read by nobody.
  await until('messages are gone', async () => (await page.locator('.el-message').count()) === 0)
  for (const [width, viewport] of [['narrow', NARROW], ['wide', WIDE]]) {
    await page.setViewportSize(viewport)
    await settled(page)
    await shot(page, `${name}-${width}`)
    assert.deepEqual(await inaccessible(page), [], `${name} ${width}`)
    assert.equal(await sideways(page), null, `${name} ${width}`)
  }
}

it('sets a mail server up, and a test says what is wrong', async () => {
  const { page, faults, close } = await openAs(browser, server.base, 'root')
  await page.goto(`${server.base}/settings/channels`)
  const form = page.locator('[data-test="mail-channel"]')
  await form.locator('.el-select').click()
  await page.locator('.el-select-dropdown__item:visible', { hasText: '不加密' }).click()
  await field(form, '服务器').fill('127.0.0.1')
  await field(form, '端口').fill(String(mail.port))
  await field(form, '发件地址').fill('alerts@bureau.test')
  await form.getByRole('button', { name: '保存' }).click()
  await form.getByText('已设置').waitFor()
  const test = page.locator('[data-test="mail-test"]')
  await test.locator('input').fill('root@bureau.test')
  mail.refuse('550 5.7.1 relaying denied')
  await test.getByRole('button').click()
  await test.getByText('对方拒绝接收').waitFor()
  await test.getByText('relaying denied').waitFor()
  await fine(page, 'channels')
  await test.getByRole('button').click()
  await test.getByText('请查收').waitFor()
  assert.equal(mail.mails.at(-1).to, 'root@bureau.test')
  assert.deepEqual(faults, [])
  await close()
})

it('brings an alert by mail, whose link opens it', async () => {
  const { page, faults, close } = await openAs(browser, server.base, 'wang')
  await page.locator('[data-test="duty-reach"]').getByText('没有能叫醒手机的通知方式').waitFor()
  await page.goto(`${server.base}/account`)
  const own = page.locator('[data-test="own-notices"]')
  await own.locator('[data-test="mail-address"] input').fill('wang@bureau.test')
  await own.getByRole('button', { name: '发送验证码' }).click()
  const sent = await until('the code', () => mail.mails.find((one) => one.to === 'wang@bureau.test'))
  await own.locator('[data-test="mail-code"] input').fill('000000' === /\d{6}/.exec(sent.text)[0] ? '000001' : '000000')
  await own.getByRole('button', { name: '验证', exact: true }).click()
  await own.getByText('验证码不正确').waitFor()
  await own.locator('[data-test="mail-code"] input').fill(/\d{6}/.exec(sent.text)[0])
  await own.getByRole('button', { name: '验证', exact: true }).click()
  await own.locator('[data-test="own-mail"]').getByText('wang@bureau.test').waitFor()
  const choice = own.locator('[data-test="notice-choice"]')
  await choice.getByRole('checkbox', { name: '设备预警 邮件' }).focus()
  await page.keyboard.press('Space')
  await choice.getByRole('button', { name: '保存' }).click()
  await page.getByText('通知方式已保存').waitFor()
  await fine(page, 'account')

  const found = await root.post(`/cameras/${camera.id}/findings`, { class: 1, text: '灶台下发现鼠迹' })
  const told = await until('the mail', () => mail.mails.find((one) => one.subject.includes('新预警')))
  assert.equal(told.to, 'wang@bureau.test')
  assert.ok(told.subject.includes('一类') && told.subject.includes('澄海实验学校食堂'), told.subject)
  assert.ok(!told.text.includes('鼠迹'), 'what somebody wrote of it stays here')
  const link = /https?:\/\/\S+/.exec(told.text)[0]
  assert.ok(link.startsWith(`${server.base}/alerts/${found.alert_id}`), link)
  await page.goto(link)
  await arrives(page, `/alerts/${found.alert_id}`)
  await page.getByText('灶台下发现鼠迹').first().waitFor()
  const rows = await until('it is proven', async () => (await root.get('/deliveries')).items.filter((one) => one.proven_at))
  assert.deepEqual(rows.map((one) => [one.channel, one.state]), [['mail', 'sent']])
  assert.deepEqual(faults.filter((one) => !/status of 422|mail\/confirm/.test(one)), [])
  await close()
})

it('shows a push, says that it came, and leads to its page', async () => {
  const { page, close } = await openAs(browser, server.base, 'wang')
  await page.context().grantPermissions(['notifications'], { origin: server.base })
  await page.goto(`${server.base}/account`)
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true))
  const cdp = await page.context().newCDPSession(page)
  const registered = until('the worker', () => ids.find((one) => one.scopeURL === `${server.base}/`))
  const ids = []
  cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => ids.push(...registrations))
  await cdp.send('ServiceWorker.enable')
  const { registrationId } = await registered
  const asked = page.context().waitForEvent('request', (request) => request.url().endsWith('/push/received'))
  const data = JSON.stringify({ id: 'one', proof: 'x', title: '明厨', text: '新预警，一类', path: '/notices', urgent: true })
  await cdp.send('ServiceWorker.deliverPushMessage', { origin: server.base, registrationId, data })
  assert.deepEqual(JSON.parse((await asked).postData()), { id: 'one', proof: 'x' })
  const shown = await until('it is shown', () => page.evaluate(async () => {
    const found = await (await navigator.serviceWorker.ready).getNotifications()
    return found.map((one) => [one.title, one.body, one.data.path])[0]
  }))
  assert.deepEqual(shown, ['明厨', '新预警，一类', '/notices'])
  await close()
})

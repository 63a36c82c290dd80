// The second factor from its first code to the recovery codes, the places where somebody is signed in, and a role that asks for it:
// at the desk and on the phone.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, it } from 'node:test'
import { arrives, NARROW, openAs, WIDE } from './desk.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways, watched } from './walk.mjs'

let server
let root
let browser
let secret
let recovery
/** wang's desk, from test to test. */
let here

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const { office } = await seedPlace(root)
  await addPerson(root, { username: 'wang', display_name: '王立', role: 'supervisor', node_id: office.id })
  await addPerson(root, { username: 'liu', display_name: '刘敏', role: 'officer', node_id: office.id })
  browser = await desk()
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

/** What an authenticator app shows, so many steps from now (RFC 6238). */
function code(text, steps = 0) {
  const bits = [...text.replaceAll(' ', '')].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps))
  const tag = createHmac('sha1', key).update(step).digest()
  const number = tag.readUInt32BE(tag[19] & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

/** Waits until the next code stands, where this one was used: each is taken once. */
const nextCode = () => new Promise((resolve) => setTimeout(resolve, 30_000 - (Date.now() % 30_000) + 200))

async function shot(page, name) {
  if (process.env.BRIGHT_KITCHEN_SHOTS) await page.screenshot({ path: `${process.env.BRIGHT_KITCHEN_SHOTS}/second-factor-${name}.png`, fullPage: true })
}

/** The page at both widths: nothing that axe finds, nothing that sticks out. */
async function fine(page, name, size = WIDE) {
  for (const [width, viewport] of [['wide', WIDE], ['narrow', NARROW]]) {
    await page.setViewportSize(viewport)
    await settled(page)
    await shot(page, `${name}-${width}`)
    assert.deepEqual(await inaccessible(page), [], `${name} ${width}`)
    assert.equal(await sideways(page), null, `${name} ${width}`)
  }
  await page.setViewportSize(size)
}

/** What a sign-in says by its status is no fault. */
const unexpected = (faults) => faults.filter((one) => !/auth\/login|auth\/second-factor|status of 40[13]/.test(one))

/** Somebody at the door of a browser of their own. */
async function atTheDoor(path = '/sign-in', context = {}) {
  const opened = await browser.newContext({ viewport: WIDE, locale: 'zh-CN', ...context })
  const page = await opened.newPage()
  page.setDefaultTimeout(60_000)
  const faults = await watched(page)
  await page.goto(`${server.base}${path}`)
  await page.fill('#username', 'wang')
  await page.fill('#password', PASSWORD)
  await page.keyboard.press('Enter')
  await page.locator('#code').waitFor()
  return { page, faults, close: () => opened.close() }
}

it('is turned on with a code, and shows the recovery codes once', { timeout: 240_000 }, async () => {
  here = await openAs(browser, server.base, 'wang')
  const { page } = here
  await page.goto(`${server.base}/account`)
  const panel = page.locator('[data-test=second-factor]')
  await panel.getByText('未开启').waitFor()
  await fine(page, 'account-off')
  await panel.getByRole('button', { name: '开启两步验证' }).click()
  await panel.locator('input[type=password]').fill('wrong-wrong-wrong')
  await page.keyboard.press('Enter')
  await panel.getByText('当前密码不正确').waitFor()
  await panel.locator('input[type=password]').fill(PASSWORD)
  await page.keyboard.press('Enter')
  secret = await panel.locator('[data-test=secret]').innerText()
  assert.match(secret.replaceAll(' ', ''), /^[A-Z2-7]{32}$/)
  assert.ok(await panel.locator('img.qr').evaluate((img) => img.decode().then(() => img.naturalWidth > 100)), 'the code is drawn')
  await fine(page, 'scan')
  await panel.locator('.code input').fill('000000')
  await page.keyboard.press('Enter')
  await panel.getByText('验证码不正确').waitFor()
  // One step behind, as a slow clock is: the code of now is left for the sign-in.
  await panel.locator('.code input').fill(code(secret, -1))
  await page.keyboard.press('Enter')
  const shown = panel.locator('[data-test=recovery-codes] li')
  await shown.first().waitFor()
  recovery = await shown.allInnerTexts()
  assert.equal(new Set(recovery).size, 10)
  await fine(page, 'codes')
  await panel.getByRole('button', { name: '已保存好' }).click()
  await panel.getByText('剩余 10 个恢复码').waitFor()
  await fine(page, 'account-on')
})

it('is asked for at the next sign-in', { timeout: 240_000 }, async () => {
  const { page } = here
  await page.locator('button.me').click()
  await page.getByRole('button', { name: '退出登录' }).click()
  await arrives(page, '/sign-in')
  await page.fill('#username', 'wang')
  await page.fill('#password', PASSWORD)
  await page.keyboard.press('Enter')
  await page.locator('#code').waitFor()
  await fine(page, 'sign-in')
  await page.fill('#code', '000000')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('验证码不正确').waitFor()
  await page.fill('#code', code(secret))
  await page.keyboard.press('Enter')
  await arrives(page, '/desk')
})

it('gives way to a recovery code, once', { timeout: 240_000 }, async () => {
  const elsewhere = await atTheDoor()
  await elsewhere.page.getByRole('button', { name: '使用恢复码' }).click()
  await elsewhere.page.fill('#code', recovery[0].toUpperCase())
  await shot(elsewhere.page, 'sign-in-recovery')
  await elsewhere.page.keyboard.press('Enter')
  await arrives(elsewhere.page, '/desk')
  const again = await atTheDoor()
  await again.page.getByRole('button', { name: '使用恢复码' }).click()
  await again.page.fill('#code', recovery[0])
  await again.page.keyboard.press('Enter')
  await again.page.getByRole('alert').getByText('恢复码不正确，或已使用过').waitFor()
  await again.close()

  // The desk sees the other one and ends it; there the page is left at once.
  const { page } = here
  await page.goto(`${server.base}/account`)
  const rows = page.locator('[data-test=logins] li')
  await until('both are listed', async () => (await rows.count()) >= 2)
  await fine(page, 'logins')
  const other = rows.filter({ hasNot: page.getByText('本机', { exact: true }) }).first()
  await other.getByRole('button').click()
  await page.getByText('已退出该设备').waitFor()
  await elsewhere.page.goto(`${server.base}/premises`)
  await arrives(elsewhere.page, '/sign-in')
  await elsewhere.close()
  assert.deepEqual(unexpected(here.faults), [])
})

it('is asked for on the phone too', { timeout: 240_000 }, async () => {
  await nextCode()
  const phone = await atTheDoor('/m/sign-in', { viewport: NARROW, hasTouch: true, isMobile: true })
  await settled(phone.page)
  await shot(phone.page, 'phone-sign-in')
  assert.deepEqual(await inaccessible(phone.page), [])
  await phone.page.fill('#code', code(secret))
  await phone.page.keyboard.press('Enter')
  await arrives(phone.page, '/m/pin')
  await phone.close()
})

it('is asked of a role, set up before anything else, and taken away after a lost phone', { timeout: 300_000 }, async () => {
  const boss = await openAs(browser, server.base, 'root')
  await boss.page.goto(`${server.base}/settings/sign-in`)
  const rules = boss.page.locator('[data-test=sign-in-rules]')
  await rules.getByText('执法人员', { exact: true }).click()
  await rules.locator('.el-select').click()
  await boss.page.locator('.el-select-dropdown__item:visible', { hasText: '30 分钟' }).click()
  await fine(boss.page, 'rules')
  await rules.getByRole('button', { name: '保存' }).click()
  await boss.page.getByText('已保存，立即生效').waitFor()
  const { items: [rule] } = await root.get('/audit?action=update&entity=setting')
  assert.deepEqual(JSON.parse(rule.detail.value), { second_factor_roles: ['officer'], idle_minutes: 30 })

  // At the desk first: the page of an officer leads to it.
  const liu = await openAs(browser, server.base, 'liu')
  await arrives(liu.page, '/second-factor')
  await liu.page.getByText('请设置两步验证').waitFor()
  await fine(liu.page, 'forced')
  await liu.close()
  // Then on the phone, where it is done.
  const opened = await browser.newContext({ viewport: NARROW, hasTouch: true, isMobile: true, locale: 'zh-CN' })
  const phone = await opened.newPage()
  phone.setDefaultTimeout(60_000)
  await phone.goto(`${server.base}/m/sign-in`)
  await phone.fill('#username', 'liu')
  await phone.fill('#password', PASSWORD)
  await phone.keyboard.press('Enter')
  await arrives(phone, '/m/second-factor')
  await phone.fill('#current', PASSWORD)
  await settled(phone)
  await shot(phone, 'phone-password')
  await phone.keyboard.press('Enter')
  const own = await phone.locator('[data-test=secret]').innerText()
  await settled(phone)
  await shot(phone, 'phone-scan')
  assert.deepEqual(await inaccessible(phone), [])
  await phone.fill('#code', code(own))
  await phone.keyboard.press('Enter')
  await phone.locator('[data-test=recovery-codes]').waitFor()
  await shot(phone, 'phone-codes')
  assert.deepEqual(await inaccessible(phone), [])
  await phone.locator('[data-test=kept]').click()
  await arrives(phone, '/m/pin')
  await opened.close()

  await boss.page.goto(`${server.base}/users`)
  const row = boss.page.locator('tr', { hasText: '刘敏' })
  await row.getByText('两步验证').waitFor()
  await settled(boss.page)
  await shot(boss.page, 'users')
  await row.getByRole('button', { name: '登录', exact: true }).click()
  const dialog = boss.page.locator('.el-dialog:visible')
  await dialog.locator('li').first().waitFor()
  await fine(boss.page, 'user-logins')
  await dialog.locator('[data-test=reset-second-factor]').click()
  await boss.page.locator('.el-message-box:visible').getByRole('button', { name: '重置两步验证' }).click()
  await dialog.getByText('未开启').waitFor()
  await dialog.getByRole('button', { name: '全部退出' }).click()
  await boss.page.locator('.el-message-box:visible').getByRole('button', { name: '全部退出' }).click()
  await dialog.getByText('现在没有登录').waitFor()
  assert.deepEqual(boss.faults, [])
  await boss.close()
  await here.close()
})

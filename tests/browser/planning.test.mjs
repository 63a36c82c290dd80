// A draw from the commitment to the assignments on the phone, and a month's plan from the proposal to the approval, with the
// mouse, as the planner, the witness, the head and the officer see them.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { promisify } from 'node:util'
import { choose, download, field, NARROW, openAs, WIDE } from './desk.mjs'
import { signIn as signInOnPhone, readyForOffline, unlock } from './phone-steps.mjs'
import { addPerson, desk, PASSWORD, Person, phone, seedPlace, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

const PROGRAM = process.env.BRIGHT_KITCHEN_BIN ?? process.env.BRIGHT_KITCHEN_PROGRAM
const DAY_MS = 86_400_000
const isoDay = (at) => new Date(at + 8 * 3_600_000).toISOString().slice(0, 10)
const nextMonth = (() => {
  const [year, month] = isoDay(Date.now()).split('-').map(Number)
  return new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 7)
})()

let server
let root
let place
let browser
let planner
let head
let officers

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  for (const [name, latitude, longitude] of [['莲下中学食堂', 23.472, 116.761], ['凤翔幼儿园食堂', 23.455, 116.742]]) {
    await root.post('/premises', { name, kind: name.includes('幼儿园') ? 'kindergarten_canteen' : 'school_canteen', organization_id: place.office.id, latitude, longitude, risk_grade: 'D' })
  }
  officers = []
  for (const [username, display_name] of [['li', '李明'], ['wang', '王芳'], ['zhao', '赵磊']]) {
    officers.push(await addPerson(root, { username, display_name, role: 'officer', node_id: place.office.id }))
  }
  await addPerson(root, { username: 'lin', display_name: '林建国', role: 'head', node_id: place.district.id })
  browser = await desk()
  planner = await openAs(browser, server.base, 'root')
  head = await openAs(browser, server.base, 'lin')
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

async function open(who, path) {
  who.faults.length = 0
  await who.page.goto(`${server.base}${path}`)
  await settled(who.page)
}

it('records certificates, interests and leaves of officers', { timeout: 180_000 }, async () => {
  const { page, faults } = planner
  await open(planner, '/officers')
  await until('three officers', async () => (await page.locator('tbody tr').count()) === 3)
  for (const name of ['李明', '王芳']) {
    await page.getByRole('button', { name, exact: true }).click()
    const form = page.locator('.el-drawer')
    await field(form, '证件有效期至').fill('2099-12-31')
    await page.keyboard.press('Enter')
    await form.locator('.el-switch').click()
    await form.getByRole('button', { name: '保存' }).click()
    await form.waitFor({ state: 'hidden' })
  }
  await page.locator('tbody tr', { hasText: '李明' }).getByText('2099-12-31').waitFor()
  await page.locator('tbody tr', { hasText: '赵磊' }).getByText('未登记').waitFor()
  assert.deepEqual(faults, [])
})

it('draws under a witness, and the head approves what came out', { timeout: 300_000 }, async () => {
  const { page, faults } = planner
  await open(planner, '/draws')
  await page.getByText('还没有抽取').waitFor()
  await page.getByRole('button', { name: '发起抽取' }).first().click()
  const form = page.locator('.el-drawer')
  await field(form, '名称').fill('学校食堂双随机抽查')
  await choose(page, form, '机构', '澄华市场监管所')
  await form.getByRole('spinbutton', { name: '抽取家数' }).fill('2')
  await choose(page, form, '检查表', '学校食堂')
  await form.getByRole('button', { name: '冻结名单并公布承诺' }).click()
  await page.locator('[data-test=commitment]').waitFor()
  await settled(page)
  const id = new URL(page.url()).pathname.split('/').at(-1)
  // What was published can be read by anybody, and is what the page shows.
  const promised = await (await fetch(`${server.base}/api/v1/draws/commitments`)).json()
  assert.equal(promised[0].id, id)
  assert.ok((await page.locator('[data-test=commitment]').innerText()).includes(promised[0].commitment))
  assert.equal((await root.get(`/draws/${id}`)).server_value, null)

  await page.getByRole('button', { name: '抽取', exact: true }).click()
  await page.locator('.witness .el-form-item__error').first().waitFor()
  await field(page.locator('.witness'), '见证人').fill('区纪委 陈晓')
  await field(page.locator('.witness'), '见证人输入').fill('上证指数 3421.56')
  await page.getByRole('button', { name: '抽取', exact: true }).click()
  await page.locator('[data-test=result] tbody tr').nth(1).waitFor()
  const drawn = await root.get(`/draws/${id}`)
  assert.equal(createHash('sha256').update(drawn.server_value).digest('hex'), promised[0].commitment)
  // The officer without a certificate is never drawn.
  assert.ok(!(await page.locator('[data-test=result]').innerText()).includes('赵磊'))
  await page.getByRole('button', { name: '复算', exact: true }).click()
  await page.getByText('复算一致').waitFor()
  const file = await download(page, () => page.getByRole('button', { name: '下载复算文件' }).click())
  const kept = join(server.folder, file.name)
  await writeFile(kept, file.content)
  const { stdout } = await promisify(execFile)(PROGRAM, ['draw', 'replay', kept])
  assert.match(stdout, /everything follows as the record says/)
  assert.deepEqual(await inaccessible(page), [])
  await page.setViewportSize(NARROW)
  assert.equal(await sideways(page), null)
  await page.setViewportSize(WIDE)
  assert.deepEqual(faults, [])

  await open(head, `/draws/${id}`)
  await head.page.getByRole('button', { name: '批准并派发' }).click()
  const dialog = head.page.getByRole('dialog')
  await field(dialog, '审批编号').fill('澄市监查〔2026〕31号')
  await dialog.getByRole('button', { name: '批准并派发' }).click()
  await head.page.locator('[data-test=state]', { hasText: '已批准' }).waitFor()
  const made = await root.get(`/assignments?draw_id=${id}`)
  assert.deepEqual([made.total, made.items[0].source, made.items[0].approval_number, made.items[0].officers.length], [2, 'random_draw', '澄市监查〔2026〕31号', 2])
  assert.deepEqual(head.faults, [])
})

it('names the rule that blocks, and only the head draws again', { timeout: 180_000 }, async () => {
  const { page } = planner
  const template = (await root.get('/templates')).items[0]
  const asked = { title: '交叉检查', organization_id: place.office.id, template_id: template.id, kind: 'routine', due_on: isoDay(Date.now() + 20 * DAY_MS), rules: { mode: 'cross_check', team: 2, same_premises_months: 6, checks_each_max: null, load_weight: 1, specialty_weight: 1, distance_weight: 1, far_m: 10000 } }
  const made = await root.post('/draws', asked)
  await root.post(`/draws/${made.id}/draw`, { witness_name: '陈晓', witness_value: '晴', version: 1 })
  await open(planner, `/draws/${made.id}`)
  await page.getByText('没有符合全部规则的结果').waitFor()
  await page.locator('.failure').getByText('人员范围').waitFor()
  assert.equal(await page.getByRole('button', { name: '重新抽取' }).count(), 0)
  await open(head, `/draws/${made.id}`)
  await head.page.getByRole('button', { name: '重新抽取' }).click()
  await head.page.getByRole('dialog').locator('textarea').fill('补充其他所人员')
  await head.page.getByRole('dialog').getByRole('button', { name: '重新抽取' }).click()
  await head.page.waitForURL((url) => url.pathname.startsWith('/draws/') && !url.pathname.endsWith(made.id))
  await head.page.getByText('补充其他所人员').waitFor()
  assert.equal((await root.get(`/draws/${made.id}`)).state, 'failed')
})

it('proposes a month by risk grade, has it adjusted and approved', { timeout: 300_000 }, async () => {
  const { page, faults } = planner
  await open(planner, '/plans')
  await page.getByRole('button', { name: '编制月度计划' }).first().click()
  const form = page.locator('.el-drawer')
  await choose(page, form, '机构', '澄华市场监管所')
  await form.getByRole('button', { name: '编制月度计划' }).click()
  await page.locator('[data-test=state]', { hasText: '编制中' }).waitFor()
  const id = new URL(page.url()).pathname.split('/').at(-1)
  // Whatever is due by its slot: the premises without a draw is put on the plan with the mouse.
  const free = (await root.get('/premises')).items.map((one) => one.name)
  const drawnAt = (await root.get('/assignments')).items.map((one) => one.premises_name)
  const name = free.find((one) => !drawnAt.includes(one))
  if (await page.locator('[data-test=item]', { hasText: name }).count()) {
    await page.locator('[data-test=item]', { hasText: name }).getByRole('button', { name: '调整' }).click()
  } else {
    await page.getByRole('button', { name: '添加单位' }).click()
    await choose(page, page.locator('.el-drawer'), '单位', name)
    await choose(page, page.locator('.el-drawer'), '检查表', '学校食堂')
  }
  const drawer = page.locator('.el-drawer')
  await choose(page, drawer, '检查人员', '李明')
  await page.locator('.el-select-dropdown__item:visible', { hasText: '王芳' }).click()
  await drawer.locator('.el-drawer__header').click()
  await drawer.getByRole('button', { name: '保存' }).click()
  await drawer.waitFor({ state: 'hidden' })
  await page.locator('[data-test=item]', { hasText: name }).getByText('李明、王芳').waitFor()
  assert.deepEqual(await inaccessible(page), [])
  await page.setViewportSize(NARROW)
  assert.equal(await sideways(page), null)
  await page.setViewportSize(WIDE)
  assert.deepEqual(faults, [])

  await open(head, `/plans/${id}`)
  await head.page.getByRole('button', { name: '批准计划' }).click()
  const dialog = head.page.getByRole('dialog')
  await field(dialog, '审批编号').fill('澄市监查〔2026〕30号')
  await dialog.getByRole('button', { name: '批准计划' }).click()
  await head.page.locator('[data-test=state]', { hasText: '已批准' }).waitFor()
  const made = await root.get(`/assignments?plan_id=${id}`)
  assert.ok(made.items.some((one) => one.premises_name === name && one.source === 'annual_plan' && one.officers.length === 2), JSON.stringify(made))

  await open(planner, `/assignments?view=month&month=${nextMonth}`)
  await page.locator('[data-test=calendar] .counts').first().waitFor()
  await page.locator('.leaflet-interactive').first().waitFor()
  assert.deepEqual(await inaccessible(page), [])
  await page.locator('[data-test=calendar] .counts').first().click()
  await page.locator('tbody tr').first().waitFor()
  assert.match(page.url(), /due_from=/)
})

it('shows the officer the day and the month, on a list and on a map, off line too', { timeout: 300_000 }, async () => {
  const template = (await root.get('/templates')).items.find((one) => one.premises_kinds.includes('school_canteen'))
  const order = (due_on) => ({ premises_id: place.premises.id, template_id: template.id, kind: 'routine', due_on, officer_ids: [officers[0].id, officers[1].id], merged: ['教育局联合检查'] })
  await root.post('/assignments', order(isoDay(Date.now() - 3 * DAY_MS)))
  await root.post('/assignments', order(isoDay(Date.now())))
  const device = await phone()
  try {
    const context = await device.open()
    const page = context.pages()[0] ?? (await context.newPage())
    await signInOnPhone(page, server.base, 'li', PASSWORD)
    await readyForOffline(page)
    await context.setOffline(true)
    const test = (name) => page.locator(`[data-test=${name}]`)
    await until('two for today', async () => (await test('assignment').count()) === 2)
    assert.match(await test('assignment').first().innerText(), /已逾期/)
    assert.match(await test('late').innerText(), /1 项已逾期/)
    assert.equal(await test('span-today').getAttribute('aria-pressed'), 'true')
    await test('span-all').click()
    await until('all of them', async () => (await test('assignment').count()) > 2)
    await test('where').click()
    await until('a distance', async () => /距您约/.test(await test('assignment').first().innerText()))
    await test('map').click()
    await page.locator('svg .spot').first().waitFor()
    assert.equal(await test('assignment').count(), 1, 'on the map one card is shown')
    const spots = page.locator('svg .spot')
    await spots.last().dispatchEvent('click')
    await page.locator('svg .spot.picked').waitFor()
    assert.equal(await sideways(page), null)
    // A passing word ("synchronised") is no part of the page.
    await until('no toast', async () => (await page.locator('.van-toast:visible').count()) === 0)
    assert.deepEqual(await inaccessible(page), [])
    await page.reload()
    await unlock(page)
    await page.locator('svg .spot').first().waitFor()
  } finally {
    await device.throwAway()
  }
})

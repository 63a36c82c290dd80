// What an administrator and a supervisor set up with the mouse: import and export, a camera tried before it is saved, people
// with a first password, assignments, webhooks. Nothing may be blocked or thrown on the way.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, it } from 'node:test'
import { arrives, choose, download, field, NARROW, openAs, signIn, WIDE } from './desk.mjs'
import { startOnvif } from './onvif.mjs'
import { makeSheet } from './sheet.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

const HEAD = ['名称', '类型', '监管所', '地址', '纬度', '经度', '坐标系', '学校', '就餐人数', '风险等级', '网格', '场所码', '停用']
const row = (name, kind, office, diners) => [name, kind, office, '', '', '', '', '', diners, '', '', '', '']

let server
let root
let place
let browser
let page
let faults
let receiver

/** Another system that takes what is sent to it. */
function receive() {
  const heard = []
  const answering = createServer((request, response) => {
    heard.push(request.url)
    request.resume().on('end', () => response.end('ok'))
  })
  return new Promise((resolve) => answering.listen(0, '127.0.0.1', () => resolve({ heard, url: `http://127.0.0.1:${answering.address().port}/kitchen`, close: () => answering.close() })))
}

before(async () => {
  receiver = await receive()
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  await addPerson(root, { username: 'li', display_name: '李明', role: 'officer', node_id: place.office.id })
  await addPerson(root, { username: 'wang', display_name: '王芳', role: 'officer', node_id: place.office.id })
  browser = await desk()
  ;({ page, faults } = await openAs(browser, server.base, 'root'))
})

after(async () => {
  await browser?.close()
  await server?.stop()
  receiver?.close()
})

async function open(path) {
  faults.length = 0
  await page.goto(`${server.base}${path}`)
  await settled(page)
}

it('shows the bad cells of an import, changes nothing, and imports the corrected table', async () => {
  await open('/premises')
  await page.getByRole('button', { name: '导入', exact: true }).click()
  const dialog = page.getByRole('dialog')
  const csv = (rows) => ({ name: '场所.csv', mimeType: 'text/csv', buffer: Buffer.from(`\ufeff${[HEAD, ...rows].map((one) => one.join(',')).join('\r\n')}`) })
  await dialog.locator('input[type=file]').setInputFiles(csv([row('甲食堂', 'school_canteen', place.office.name, 'many'), row('乙食堂', 'palace', place.office.name, '20')]))
  await dialog.locator('.errors tbody tr').nth(1).waitFor()
  const cells = await dialog.locator('.errors tbody tr').allInnerTexts()
  assert.match(cells[0], /^2\s+就餐人数\s+格式不对/)
  assert.match(cells[1], /^3\s+类型\s+没有这个值/)
  assert.ok(await dialog.getByRole('button', { name: /^导入 \d+ 行/ }).isDisabled())
  assert.equal((await root.get('/premises')).total, 1)

  const sheet = makeSheet([HEAD, row('甲食堂', 'school_canteen', place.office.name, '300'), row('乙幼儿园食堂', 'kindergarten_canteen', place.office.name, '120')])
  await dialog.locator('input[type=file]').setInputFiles({ name: '场所.xlsx', mimeType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', buffer: sheet })
  await dialog.getByText('检查通过，可以导入').waitFor()
  await dialog.getByRole('button', { name: '导入 2 行' }).click()
  await page.locator('tbody').getByText('乙幼儿园食堂').waitFor()
  assert.equal((await root.get('/premises')).total, 3)
})

it('exports what the list shows, as CSV and as XLSX', async () => {
  await page.keyboard.press('Escape')
  await open('/premises')
  for (const [item, starts] of [['导出 CSV', '\ufeff名称,类型'], ['导出 XLSX', 'PK']]) {
    await page.getByRole('button', { name: '导出' }).click()
    const file = await download(page, () => page.getByText(item).click())
    assert.ok(file.content.toString('utf8').startsWith(starts), `${file.name}: ${file.content.toString('utf8').slice(0, 40)}`)
    if (item === '导出 CSV') assert.match(file.content.toString('utf8'), /甲食堂,school_canteen/)
  }
  assert.deepEqual(faults, [])
})

it('says what is wrong with a camera, then shows its picture, then saves it', async () => {
  await open('/cameras')
  await page.getByRole('button', { name: '添加摄像头' }).first().click()
  const form = page.getByRole('dialog')
  await field(form, '名称').fill('烹饪间 1 号')
  await choose(page, form, '场所', '澄海实验学校食堂')
  await field(form, '视频源地址').fill('rtsp://127.0.0.1:9/stream')
  await form.getByRole('button', { name: '测试连接' }).click()
  await form.getByText('设备拒绝连接').first().waitFor()
  await field(form, '视频源地址').fill('test:')
  // A machine that is busy may answer before it had time for a picture: then it is asked again.
  await until('a picture', async () => {
    await form.getByRole('button', { name: '测试连接' }).click()
    await form.getByText('连接成功').waitFor()
    await form.locator('.test .el-button.is-loading').waitFor({ state: 'detached' })
    return form.locator('.test img').evaluateAll((all) => all.some((one) => one.naturalWidth > 0))
  }, 120_000)
  await form.getByRole('button', { name: '保存' }).click()
  await form.waitFor({ state: 'hidden' })
  const camera = await until('the camera records', async () => (await root.get('/cameras?state=recording')).items[0], 60_000)
  assert.equal(camera.name, '烹饪间 1 号')
  await page.getByText('录像中').first().waitFor()
  assert.deepEqual(faults, [])
})

/** The form of a new camera, with one way to its address chosen by the keyboard. */
async function addCamera(way) {
  await open('/cameras')
  await page.getByRole('button', { name: '添加摄像头' }).first().click()
  const form = page.getByRole('dialog', { name: '添加摄像头' })
  await form.getByRole('radio', { name: '填写地址' }).focus()
  for (let step = 0; step < way; step += 1) await page.keyboard.press('ArrowRight')
  return form
}

it('fills in a camera\'s addresses from its maker, host and channel, on a phone\'s width too', async () => {
  const form = await addCamera(1)
  await form.getByRole('region', { name: '按厂家填写' }).waitFor()
  await choose(page, form, '厂家', '海康威视')
  await field(form, '设备 IP 或域名').fill('192.168.1.64')
  await field(form, '通道').fill('3')
  await field(form, '通道').press('Tab')
  const filled = () => Promise.all(['视频源地址', '子码流地址'].map((name) => field(form, name).inputValue()))
  await until('the addresses are filled in', async () => (await filled())[0].endsWith('/301'))
  assert.deepEqual(await filled(), ['rtsp://192.168.1.64:554/Streaming/Channels/301', 'rtsp://192.168.1.64:554/Streaming/Channels/302'])
  await choose(page, form, '码流', '只用子码流')
  await until('the sub-stream alone', async () => (await filled()).join() === 'rtsp://192.168.1.64:554/Streaming/Channels/302,')
  assert.deepEqual(await inaccessible(page), [])
  await page.setViewportSize(NARROW)
  assert.equal(await sideways(page), null)
  await page.setViewportSize(WIDE)
  await field(form, '名称').fill('洗消间')
  await choose(page, form, '场所', '澄海实验学校食堂')
  await form.getByRole('button', { name: '保存' }).click()
  await form.waitFor({ state: 'hidden' })
  const made = (await root.get('/cameras?q=洗消间')).items[0]
  assert.deepEqual([made.source_url, made.sub_source_url], ['rtsp://192.168.1.64:554/Streaming/Channels/302', null])
  assert.deepEqual(faults, [])
})

it('finds a device on the network, asks for its account, and takes its streams', async () => {
  const device = await startOnvif('admin')
  try {
    const form = await addCamera(2)
    const search = form.getByRole('region', { name: '搜索设备' })
    await search.getByRole('textbox', { name: /留空则搜索本网段/ }).fill(device.search)
    await page.keyboard.press('Enter')
    await search.getByRole('button', { name: /Kitchen Camera/ }).click()
    await search.getByText('设备要求账号和密码').waitFor()
    await search.getByRole('textbox', { name: '127.0.0.1 的账号' }).fill('admin')
    await search.getByLabel('127.0.0.1 的密码').fill('kitchen-camera')
    await page.keyboard.press('Enter')
    await search.getByRole('button', { name: /主码流 H\.264 1920×1080/ }).waitFor()
    const filled = await Promise.all(['视频源地址', '子码流地址', '账号', '密码'].map((name) => field(form, name).inputValue()))
    assert.deepEqual(filled, ['rtsp://127.0.0.1:554/onvif/main', 'rtsp://127.0.0.1:554/onvif/sub', 'admin', 'kitchen-camera'])
    assert.deepEqual(await inaccessible(page), [])
    assert.deepEqual(faults, [])
    await form.getByRole('button', { name: '取消' }).click()
    await page.getByRole('button', { name: '离开' }).click()
    await form.waitFor({ state: 'hidden' })
  } finally {
    device.close()
  }
})

it('makes an assignment for two officers', async () => {
  await open('/assignments')
  await page.getByRole('button', { name: '安排检查' }).first().click()
  const form = page.getByRole('dialog')
  await choose(page, form, '场所', '澄海实验学校食堂')
  await choose(page, form, '检查表', '学校食堂')
  await choose(page, form, '检查人员', '李明')
  await page.locator('.el-select-dropdown__item:visible', { hasText: '王芳' }).click()
  // Several may be chosen: the list stays open until something else is clicked.
  await form.locator('.el-drawer__header, .el-dialog__header').first().click()
  await form.getByRole('button', { name: '保存' }).click()
  await form.waitFor({ state: 'hidden' })
  const [made] = (await root.get('/assignments')).items
  assert.deepEqual([made.premises_name, made.officers.length], ['澄海实验学校食堂', 2])
  await page.locator('tbody').getByText('澄海实验学校食堂').waitFor()
  assert.deepEqual(faults, [])
})

it('shows a webhook\'s secret once, and what it delivered', async () => {
  await open('/webhooks')
  await page.getByRole('button', { name: '新建推送' }).first().click()
  const form = page.getByRole('dialog')
  await field(form, '接收地址').fill(receiver.url)
  await form.getByRole('button', { name: '保存' }).click()
  const secret = page.locator('.secret')
  await secret.waitFor()
  assert.ok((await secret.innerText()).length >= 32)
  await page.locator('.el-dialog', { has: secret }).getByRole('button', { name: '关闭' }).last().click()
  await page.locator('tbody').getByText(receiver.url).waitFor()
  const [made] = (await root.get('/webhooks')).items
  assert.equal(made.secret ?? null, null)

  await root.post('/cameras', { name: '备餐间', premises_id: place.premises.id, source_url: 'rtsp://127.0.0.1:9/none' })
  await until('the receiver has heard of it', () => receiver.heard.length > 0, 90_000)
  await page.getByRole('button', { name: '推送记录' }).click()
  await page.getByRole('dialog').getByText('已送达').first().waitFor()
  assert.deepEqual(faults, [])
  await page.keyboard.press('Escape')
})

it('says which alerts are dispatched without anybody, and takes it back', async () => {
  await open('/settings/diagnosis')
  const form = page.locator('[data-test="auto-dispatch"]')
  const lost = form.locator('li', { hasText: '信号丢失' })
  await lost.locator('.el-switch').click()
  await form.getByRole('button', { name: '保存' }).click()
  await lost.getByText('系统', { exact: true }).waitFor()
  assert.deepEqual(await root.get('/settings/auto_dispatch?scope=system'), { signal_lost: true })
  // What a place says of its own goes before.
  await root.call('PUT', `/settings/auto_dispatch?scope=premises&id=${place.premises.id}`, { signal_lost: false })
  await open(`/settings/diagnosis?scope=premises&premises_id=${place.premises.id}`)
  await lost.getByText('场所', { exact: true }).waitFor()
  assert.equal(await lost.locator('input').isChecked(), false)
  await form.getByRole('button', { name: '恢复为上一级设置' }).click()
  await page.getByRole('button', { name: '确定' }).click()
  await lost.getByText('系统', { exact: true }).waitFor()
  assert.equal(await lost.locator('input').isChecked(), true)
  assert.deepEqual(await inaccessible(page), [])
  assert.deepEqual(faults, [])
  await root.call('DELETE', '/settings/auto_dispatch?scope=system')
})

it('adds a person who must change the first password before anything else', async () => {
  await open('/users')
  await page.getByRole('button', { name: '新建人员' }).first().click()
  const form = page.getByRole('dialog')
  await field(form, '姓名').fill('陈敏')
  await field(form, '用户名').fill('min')
  await form.locator('input[autocomplete="new-password"]').fill('First-password-2026')
  await form.getByRole('button', { name: '添加角色' }).click()
  await form.locator('.grant .el-select').first().click()
  await page.locator('.el-select-dropdown__item:visible', { hasText: '监管人员' }).first().click()
  await form.locator('.grant .node .grow').click()
  await page.locator('.el-select-dropdown__item:visible', { hasText: '澄海区市场监督管理局' }).first().click()
  await form.getByRole('button', { name: '保存' }).click()
  await form.waitFor({ state: 'hidden' })
  assert.deepEqual(faults, [])

  const guest = await openAs(browser, server.base, 'min', { password: 'First-password-2026' })
  await arrives(guest.page, '/password')
  // No other page lets itself be opened.
  await guest.page.goto(`${server.base}/desk`)
  await arrives(guest.page, '/password')
  const fields = guest.page.locator('input[type=password]')
  await fields.nth(0).fill('First-password-2026')
  await fields.nth(1).fill(PASSWORD)
  await fields.nth(2).fill(PASSWORD)
  await guest.page.keyboard.press('Enter')
  await arrives(guest.page, '/desk')
  await guest.close()
  const again = await openAs(browser, server.base, 'min')
  await arrives(again.page, '/desk')
  await again.close()
})

it('keeps nobody signed in who signed out', async () => {
  await open('/account')
  await page.locator('.me').click()
  await page.getByRole('button', { name: '退出登录' }).click()
  await arrives(page, '/sign-in')
  await page.goto(`${server.base}/users`)
  await arrives(page, '/sign-in')
  await signIn(page, 'root')
  await arrives(page, '/users')
})

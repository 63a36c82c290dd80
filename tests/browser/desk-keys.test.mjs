// The desk without a mouse, and the ways an alert can turn: dismissed and raised again, answered and sent back.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { arrives, download, NARROW, openAs, WIDE } from './desk.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'
import { inaccessible, sideways } from './walk.mjs'

const CAMERAS = ['烹饪间', '备餐间', '留样间']

let server
let root
let canteen
let browser
let page
let faults
let office

const premises = (name) => root.post('/premises', { name, kind: 'school_canteen', organization_id: office.id })

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  await addPerson(root, { username: 'min', display_name: '陈敏', role: 'supervisor', node_id: place.district.id })
  canteen = await addPerson(root, { username: 'lin', display_name: '林晓梅', role: 'food_safety_officer', node_id: place.district.id })
  await addPerson(root, { username: 'zhou', display_name: '周宁', role: 'supervisor', node_id: place.district.id })
  office = place.office
  // Nothing answers at this address: each camera raises the loss of its signal by itself. At one premises that would be one cause.
  for (const name of CAMERAS) await root.post('/cameras', { name, premises_id: (await premises(`${name}食堂`)).id, source_url: 'rtsp://127.0.0.1:9/none' })
  await until('three alerts', async () => (await root.get('/alerts?state=raised')).total === CAMERAS.length, 90_000)
  browser = await desk()
  ;({ page, faults } = await openAs(browser, server.base, 'min'))
  await arrives(page, '/desk')
  await page.locator('.inbox .item').nth(2).waitFor()
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

const chosen = () => new URL(page.url()).searchParams.get('alert')
const alert = (id) => root.get(`/alerts/${id}`)
const reaches = (id, state) => until(`the alert is ${state}`, async () => (await alert(id)).state === state)
const press = (key) => page.keyboard.press(key)

it('walks the inbox and shows its keys', async () => {
  const ids = [await until('one is chosen', chosen)]
  for (let step = 0; step < 2; step += 1) {
    await press('j')
    ids.push(await until('the next is chosen', () => !ids.includes(chosen()) && chosen()))
  }
  assert.equal(new Set(ids).size, 3)
  await press('k')
  await until('the one before', () => chosen() === ids[1])
  await press('?')
  await page.getByRole('dialog').getByText('下一条 / 上一条').waitFor()
  await press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
})

it('is claimed with a key, taken over, and handed to a colleague', async () => {
  const id = chosen()
  const claim = page.locator('.detail .claim')
  await claim.getByText('无人认领').waitFor()
  await press('m')
  await claim.getByText('由我处理').waitFor()
  await page.locator('.inbox .item.chosen .mark', { hasText: '我' }).waitFor()
  await page.goto(`${server.base}/desk?owner=me&alert=${id}`)
  await until('only what is mine is listed', async () => (await page.locator('.inbox .item').count()) === 1)
  await claim.getByText('由我处理').waitFor()

  const { name } = await root.post(`/alerts/${id}/claim`, { version: (await alert(id)).version, text: '由我继续' }).then((taken) => taken.claim)
  await claim.getByText(`${name} 正在处理`).waitFor()
  assert.equal(await page.locator('.detail .actions button').count(), 0, 'what somebody else has is not offered')
  await press('c')
  assert.equal((await alert(id)).state, 'raised')

  await press('m')
  const dialog = page.getByRole('dialog')
  await dialog.locator('textarea').fill('我在现场')
  await press('Control+Enter')
  await claim.getByText('由我处理').waitFor()
  await dialog.waitFor({ state: 'hidden' })
  await press('t')
  await dialog.locator('[data-test=colleague]').click()
  await page.getByRole('option', { name }).click()
  await dialog.locator('textarea').fill('请继续跟进')
  await press('Control+Enter')
  await claim.getByText(`${name} 正在处理`).waitFor()
  await page.locator('.detail .history').getByText(`给 ${name}`).waitFor()
  await root.post(`/alerts/${id}/release`, { version: (await alert(id)).version })
  await claim.getByText('无人认领').waitFor()
  await page.goto(`${server.base}/desk?alert=${id}`)
  await claim.getByText('无人认领').waitFor()
})

it('goes to the recording of an hour earlier, to the live picture, and holds the recording', async () => {
  const id = chosen()
  const { camera_id: camera, began_at: began } = await alert(id)
  await press('h')
  const dialog = page.getByRole('dialog')
  await dialog.getByText('保全录像').first().waitFor()
  await press('Escape')
  await dialog.waitFor({ state: 'hidden' })
  await press('e')
  await page.waitForURL(`**/cameras/${camera}?at=*`)
  assert.equal(Date.parse(new URL(page.url()).searchParams.get('at')), Date.parse(began) - 3_600_000)
  await page.goto(`${server.base}/desk?alert=${id}`)
  await page.locator('.detail .claim').waitFor()
  await press('l')
  await page.waitForURL(`**/cameras/${camera}`)
  await page.goto(`${server.base}/desk?alert=${id}`)
  await page.locator('.detail .claim').waitFor()
})

it('dismisses a false alarm with one key, and raises it again with a reason', async () => {
  const id = chosen()
  await press('f')
  await reaches(id, 'dismissed')
  const view = page.locator('.detail')
  await view.getByText('重新打开').first().click()
  const dialog = page.getByRole('dialog')
  await dialog.locator('textarea').fill('看错了，画面确实没有')
  await press('Control+Enter')
  await reaches(id, 'raised')
  const { history } = await alert(id)
  assert.deepEqual(history.map((one) => one.action).filter((action) => ['dismiss', 'reopen'].includes(action)).sort(), ['dismiss', 'reopen'])
  await dialog.waitFor({ state: 'hidden' })
})

it('decides, dispatches, sends back and closes without the mouse', async () => {
  const id = chosen()
  // The page has heard that it was reopened, and may be asked.
  await page.locator('.detail .actions button:not([disabled]) kbd', { hasText: 'C' }).waitFor()
  await press('c')
  await reaches(id, 'confirmed')
  await page.locator('.detail').getByText('已确认').first().waitFor()
  await press('d')
  const dialog = page.getByRole('dialog')
  await dialog.locator('textarea').fill('请恢复供电')
  await press('Control+Enter')
  await reaches(id, 'dispatched')
  await dialog.waitFor({ state: 'hidden' })

  await canteen.post(`/alerts/${id}/rectify`, { version: (await alert(id)).version, text: '已恢复' })
  await page.locator('.detail').getByText('待复核').first().waitFor()
  await press('b')
  await dialog.locator('textarea').fill('仍然没有画面')
  await press('Control+Enter')
  await reaches(id, 'dispatched')
  await dialog.waitFor({ state: 'hidden' })

  await canteen.post(`/alerts/${id}/rectify`, { version: (await alert(id)).version, text: '更换了电源' })
  await page.locator('.detail').getByText('待复核').first().waitFor()
  await press('a')
  await dialog.waitFor()
  await press('Control+Enter')
  await reaches(id, 'closed')
  const reviews = (await alert(id)).history.filter((one) => one.action === 'review')
  assert.equal(reviews.length, 2)
})

it('ends as a case, whose number is kept', async () => {
  const { id } = (await root.get('/alerts?state=raised')).items[0]
  await page.goto(`${server.base}/alerts/${id}`)
  const actions = page.locator('.actions')
  await actions.getByRole('button', { name: '确认' }).click()
  await reaches(id, 'confirmed')
  await actions.getByRole('button', { name: '转立案' }).click()
  const dialog = page.getByRole('dialog')
  await press('Control+Enter')
  await dialog.getByText('请填写').waitFor()
  await dialog.locator('textarea').fill('明市监立案〔2026〕12号')
  await press('Control+Enter')
  await reaches(id, 'case_opened')
  await page.locator('main').getByText('已立案').first().waitFor()
  const { history } = await alert(id)
  assert.equal(history.find((one) => one.action === 'open_case').reason, '明市监立案〔2026〕12号')
})

it('leads from a figure to the very alerts that it counts', async () => {
  await page.goto(`${server.base}/statistics`)
  await page.getByRole('link', { name: '预警处置' }).click()
  await arrives(page, '/statistics/alerts')
  const { items: [figures], all } = await root.get('/statistics/alerts?by=kind')
  assert.equal(figures.raised, CAMERAS.length)
  const row = page.locator('tbody tr', { hasText: '视频信号丢失' })
  await row.getByRole('link', { name: String(figures.confirmed), exact: true }).first().waitFor()
  assert.equal(await row.locator('.rate b').first().innerText(), '100%', 'what was a false alarm was looked at again and confirmed')
  await page.locator('.sums').getByText(`${all.on_time.part} / ${all.on_time.whole} 条`).waitFor({ state: 'attached' })
  assert.deepEqual(await inaccessible(page), [])
  await page.setViewportSize(NARROW)
  assert.equal(await sideways(page), null)
  await page.setViewportSize(WIDE)
  const table = await download(page, async () => {
    await page.getByRole('button', { name: '导出' }).click()
    await page.getByRole('menuitem', { name: 'CSV' }).click()
  })
  assert.match(table.content.toString(), new RegExp(`视频信号丢失.*,${figures.raised},`))

  await page.getByText('按研判人').click()
  await page.locator('tbody tr', { hasText: '陈敏' }).waitFor()
  await page.getByText('按类型').click()
  await row.getByRole('link', { name: String(figures.confirmed), exact: true }).first().click()
  await arrives(page, '/desk')
  await until('the list is of those alone', async () => (await page.locator('.inbox .item').count()) === figures.confirmed)
})

it('keeps filters under a name, with how many they find', async () => {
  await page.goto(`${server.base}/desk?state=all&kind=signal_lost`)
  await page.locator('.inbox .item').first().waitFor()
  await page.locator('[data-test=keep-view]').click()
  await page.locator('[data-test=view-name] input, input[data-test=view-name]').first().fill('信号丢失')
  await press('Enter')
  const views = page.locator('[data-test=views]')
  await views.getByText('信号丢失').waitFor()
  await page.goto(`${server.base}/desk`)
  await views.click()
  const { total } = await root.get('/alerts?kind=signal_lost&one_a_cause=true')
  const option = page.locator('.el-select-dropdown__item:visible', { hasText: '信号丢失' })
  await option.getByText(String(total), { exact: true }).waitFor()
  await option.click()
  await until('its filters are those of the address', () => new URL(page.url()).searchParams.get('kind') === 'signal_lost')
  assert.equal(new URL(page.url()).searchParams.get('state'), 'all')
})

it('is one row and one decision where a power cut takes a whole site', async () => {
  const site = await premises('停电食堂')
  for (const name of CAMERAS) await root.post('/cameras', { name, premises_id: site.id, source_url: 'rtsp://127.0.0.1:9/none' })
  const alerts = async () => (await root.get(`/alerts?premises_id=${site.id}`)).items
  await until('each raises an alert', async () => (await alerts()).length === CAMERAS.length, 90_000)
  await page.goto(`${server.base}/desk?premises_id=${site.id}`)
  const row = page.locator('.inbox .item')
  await row.getByText(`同一原因 ${CAMERAS.length} 路`).waitFor()
  assert.equal(await row.count(), 1)
  await page.locator('.detail').getByText('同一原因的预警').waitFor()
  await page.locator('.detail .actions button:not([disabled]) kbd', { hasText: 'C' }).waitFor()
  await press('c')
  await until('all are confirmed', async () => (await alerts()).every((one) => one.state === 'confirmed'))
  await page.getByRole('button', { name: '撤销' }).click()
  await until('all are taken back', async () => (await alerts()).every((one) => one.state === 'raised'))
})

it('ends a shift with its summary, and hands what is claimed to the next', async () => {
  const [open] = (await root.get('/alerts?state=raised')).items
  await page.goto(`${server.base}/desk?alert=${open.id}`)
  await page.locator('.detail .claim').getByText('无人认领').waitFor()
  await press('m')
  await page.locator('.detail .claim').getByText('由我处理').waitFor()
  await page.goto(`${server.base}/duty`)
  await page.getByText('没有排班').first().waitFor()
  await page.getByRole('button', { name: '排班' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.locator('[data-test=duty-node]').click()
  await page.getByRole('option', { name: '澄海' }).first().click()
  await dialog.locator('[data-test=duty-person]').click()
  await page.getByRole('option', { name: '陈敏' }).click()
  await dialog.getByText('全天 24 小时').click()
  await press('Control+Enter')
  await page.locator('.roster').getByText('陈敏').waitFor()
  await press('Escape')
  await dialog.waitFor({ state: 'hidden' })
  assert.deepEqual(await inaccessible(page), [])
  await page.setViewportSize(NARROW)
  assert.equal(await sideways(page), null)
  await page.setViewportSize(WIDE)
  await page.getByRole('button', { name: '转交我认领的 1 条' }).click()
  await dialog.locator('[data-test=next-person]').click()
  await page.getByRole('option', { name: '周宁' }).click()
  await dialog.getByRole('button', { name: '转交', exact: true }).click()
  await until('it is the other’s', async () => (await alert(open.id)).claim.name === '周宁')
})

it('finds alerts by words, from the keyboard, and by more beside them', async () => {
  await page.goto(`${server.base}/desk`)
  await page.locator('.inbox .item').first().waitFor()
  const ids = (await root.get('/alerts?state=raised&owner=none')).items.map((one) => one.id)
  await root.post(`/alerts/${ids[0]}/confirm`, { version: (await alert(ids[0])).version, text: '灶台下发现鼠患痕迹' })
  await press('/')
  await page.keyboard.type('鼠患')
  await until('nothing that waits', () => page.getByText('没有符合条件的预警').isVisible())
  await page.getByRole('tab', { name: '全部' }).click()
  await until('the one that somebody spoke of', async () => (await page.locator('.inbox .item').count()) === 1 && chosen() === ids[0])
  assert.equal(new URL(page.url()).searchParams.get('q'), '鼠患', 'a link that can be sent')
  await page.getByRole('button', { name: '筛选', exact: true }).click()
  await page.getByText('研判人').first().waitFor()
  assert.deepEqual(await inaccessible(page), [])
  await press('/')
  await press('Escape')
  await until('all again', async () => (await page.locator('.inbox .item').count()) > 1)
  await page.setViewportSize(NARROW)
  await page.locator('[data-test=words] input, input[data-test=words]').fill('鼠患')
  await until('the one', async () => (await page.locator('.inbox .item').count()) === 1)
  assert.equal(await sideways(page), null)
  await page.setViewportSize(WIDE)
})

it('was done without a fault in the page', () => {
  assert.deepEqual(faults, [])
})

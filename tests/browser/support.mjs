// What the browser tests share: the real program on a folder of its own, accounts, a browser like a phone, pictures.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as zlib from 'node:zlib'
import { chromium } from 'playwright-core'

/** The program to test. */
const PROGRAM = process.env.BRIGHT_KITCHEN_BIN ?? process.env.BRIGHT_KITCHEN_PROGRAM
const BROWSER = process.env.BRIGHT_KITCHEN_CHROMIUM ?? '/usr/bin/chromium'
const START_MS = 60_000
const STOP_MS = 20_000
export const PASSWORD = 'A-long-enough-password-1'

/** Waits until a condition gives something, at most so long; the last answer or fault is in the failure. */
export async function until(what, condition, ms = 30_000) {
  const end = Date.now() + ms
  let last
  for (;;) {
    try {
      const found = await condition()
      if (found) return found
      last = found
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms (last: ${last?.stack ?? JSON.stringify(last)})`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

function run(binary, args, input, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (said += piece))
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve(said) : reject(new Error(`${args.join(' ')} ended with ${code}:\n${said}`))))
    child.stdin.end(input)
  })
}

/**
 * Starts the program named by BRIGHT_KITCHEN_BIN, or else by BRIGHT_KITCHEN_PROGRAM, on an empty folder, with one account `root` that may everything it needs to
 * set things up. `kill` ends it as a power cut would, `start` starts it again on the same folder and port, `stop` is for good.
 */
export async function startServer({ args = [] } = {}) {
  const binary = PROGRAM
  assert.ok(binary, 'BRIGHT_KITCHEN_BIN or BRIGHT_KITCHEN_PROGRAM names the program to test')
  const folder = await mkdtemp(join(tmpdir(), 'bright-kitchen-'))
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const place = ['--data', folder, '--database-url', `sqlite://${join(folder, 'test.db')}`]
  await run(binary, ['admin', 'create', '--username', 'root', '--role', 'administrator', '--role', 'supervisor', '--password-stdin', ...place], `${PASSWORD}\n`)

  let child
  let log = ''
  const start = async () => {
    child = spawn(binary, ['serve', '--listen', `127.0.0.1:${port}`, ...place, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (log = (log + piece).slice(-100_000)))
    await until('the program is ready', async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${log}`)
      return (await fetch(`${base}/readyz`)).ok
    }, START_MS)
  }
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await gone
    clearTimeout(timer)
  }
  await start()
  return {
    base,
    folder,
    log: () => log,
    /** Runs `admin` on this server's folder, as somebody at the machine would; passwords are the tests'. */
    admin: (...args) => run(binary, ['admin', ...args, ...place], `${PASSWORD}\n`),
    start,
    kill: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    },
    stop: async () => {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * Starts virtual cameras that serve real footage over RTSP: a list of the example's own configuration. The example is built
 * when that was not done yet. `url` gives a camera's address; its script counts from the moment this returns.
 */
export async function startCameras(cameras) {
  const root = new URL('../..', import.meta.url).pathname
  const built = await run('cargo', ['build', '--locked', '--quiet', '--message-format=json', '--workspace', '--example', 'virtual_cameras'], '', root)
  const example = built.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : [])).find((one) => one.target?.name === 'virtual_cameras' && one.executable)
  assert.ok(example, `no example was built:\n${built}`)
  const folder = await mkdtemp(join(tmpdir(), 'bright-kitchen-cameras-'))
  const list = join(folder, 'cameras.json')
  await writeFile(list, JSON.stringify(cameras))
  const port = await freePort()
  const child = spawn(example.executable, [`127.0.0.1:${port}`, list], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (said = (said + piece).slice(-20_000)))
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    }
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await until('the virtual cameras are on air', () => {
      if (child.exitCode !== null) throw new Error(`they ended with ${child.exitCode}:\n${said}`)
      return said.includes('rtsp://')
    }, START_MS)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: (path) => `rtsp://127.0.0.1:${port}/${path}`, stop }
}

/** Speaks to the API as one person. Every refusal fails the test with what the server said. */
export class Person {
  constructor(base, username, password) {
    Object.assign(this, { base, username, password, token: '' })
  }

  async signIn() {
    const tokens = await this.call('POST', '/auth/login', { username: this.username, password: this.password })
    this.token = tokens.access_token
    return this
  }

  async changePassword(next) {
    const tokens = await this.call('POST', '/auth/password', { current_password: this.password, new_password: next })
    this.password = next
    this.token = tokens.access_token
    return this
  }

  async raw(method, path, body) {
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {}
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    return fetch(`${this.base}/api/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
  }

  async call(method, path, body) {
    const response = await this.raw(method, path, body)
    const text = await response.text()
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }

  get(path) { return this.call('GET', path) }
  post(path, body) { return this.call('POST', path, body) }
}

/** A district with one office and one school canteen. */
export async function seedPlace(root) {
  const top = (await root.get('/organizations')).items[0]
  const district = top.level === 'district' ? top : await root.post('/organizations', { name: '澄海区市场监督管理局', level: 'district', parent_id: top.id })
  const office = await root.post('/organizations', { name: '澄华市场监管所', level: 'office', parent_id: district.id })
  const premises = await root.post('/premises', {
    name: '澄海实验学校食堂', kind: 'school_canteen', organization_id: office.id, address: '文冠路 12 号', latitude: 23.466, longitude: 116.755,
  })
  return { district, office, premises }
}

/** Makes an account and changes the password that the administrator set, as its owner would. */
export async function addPerson(root, { username, display_name, role, node_id }) {
  const first = `${PASSWORD}-first`
  const user = await root.post('/users', { username, display_name, password: first, grants: [{ role, node_id }] })
  const person = new Person(root.base, username, first)
  await person.signIn()
  await person.changePassword(PASSWORD)
  return Object.assign(person, { id: user.id, display_name })
}

/**
 * A browser like a phone whose profile outlives it: `open` again on the same folder is the same phone. `storage` gives it so many megabytes, a
 * file system of its own; `without` says why it could not have that.
 */
export async function phone({ locale = 'zh-CN', dark = false, args = [], permissions = [], storage } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'bright-kitchen-phone-'))
  const without = storage && failure(() => execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${storage}m`, 'tmpfs', folder], { stdio: 'pipe' }))
  let context
  return {
    without,
    async open() {
      context = await chromium.launchPersistentContext(folder, {
        executablePath: BROWSER, args: ['--no-sandbox', '--disable-gpu', ...args], headless: true,
        viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, locale, colorScheme: dark ? 'dark' : 'light',
        geolocation: { latitude: 23.4662, longitude: 116.7551, accuracy: 14 }, permissions: ['geolocation', ...permissions],
      })
      await context.addInitScript((language) => localStorage.getItem('bk.locale') ?? localStorage.setItem('bk.locale', language), locale)
      return context
    },
    async close() {
      await context?.close()
      context = undefined
    },
    async throwAway() {
      await context?.close()
      if (storage && !without) execFileSync('umount', ['-l', folder])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What went wrong, in words. */
function failure(work) {
  try {
    work()
    return undefined
  } catch (error) {
    return error.message
  }
}

/** A desk's browser. */
export function desk() {
  return chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox', '--disable-gpu'], headless: true })
}

/** A real PNG, another one for each seed, whose noise keeps it from becoming small. */
export function makePicture({ width = 640, height = 480, seed = 1 } = {}) {
  const rows = Buffer.alloc(height * (1 + width * 3))
  let noise = seed * 2_654_435_761
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0
      const at = y * (1 + width * 3) + 1 + x * 3
      rows[at] = (x * 255) / width
      rows[at + 1] = (y * 255) / height
      rows[at + 2] = noise >>> 24
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))])
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

export function crc32(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes)
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

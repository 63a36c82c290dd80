/**
 * The one state of the app beside its pages: who is signed in, the network, what waits to be sent, what was synced. Being
 * signed in and having a session are two things: `me` stays when a session ends, so that work goes on without one.
 */
import { computed, ref, shallowRef } from 'vue'
import { call } from '@shared/api/call'
import { getMe } from '@shared/api/generated.operations'
import { ApiClient } from '@shared/api/client'
import { asProblem, Problem } from '@shared/api/problem'
import { browserStore, deviceId, type SessionStore } from '@shared/api/session'
import { savedLocale } from '@shared/locale'
import { backUp, restore } from './engine/backup'
import { openPhoneDb, readMeta, writeMeta, type PhoneDb } from './engine/db'
import { originalsLeft, type OutboxEntry } from './engine/entry'
import { Outbox, type LateReason } from './engine/outbox'
import { fetchPapers } from './engine/paperNumbers'
import { prune } from './engine/prune'
import { fillBallast, left, letGo } from './engine/room'
import { fetchDuties, OTHERS_DAYS, OWN_DAYS, prunePapers } from './engine/papers'
import type { Safe } from './engine/safe'
import { synchronise, syncStateKey, type SyncState } from './engine/sync'
import { mayOriginals } from './network'
import { handOver, leaveBox, lock, openAtStart, openBySignIn, opened } from './lock'

export interface Me {
  id: string
  username: string
  display_name: string
  password_change_required: boolean
  second_factor_required: boolean
  grants: { role: string; node_id: string; node_name: string; node_level: string }[]
  permissions: string[]
}

const ME = 'me'
const TICK_MS = 5_000
/** The version of the protocol that these pages speak: `docs/mobile-sync.md`. */
const CLIENT = 'phone/6'
/** Out of sight for so long, the phone may be in other hands. */
const LOCK_AFTER_MS = 15 * 60_000
const BACK_UP_EVERY_MS = 20_000
const SYNC_EVERY_MS = 300_000

export const me = shallowRef<Me | null>(null)
const hasSession = ref(false)
/** Signed in here once, but the server wants the password again. Drafts go on; sending waits. */
export const expired = computed(() => me.value !== null && !hasSession.value)
export const may = (permission: string) => me.value?.permissions.includes(permission) ?? false
export const isOfficer = computed(() => may('inspections.conduct'))
/** Sees the school's kitchen and has no work here. */
export const isParent = computed(() => may('video.parent') && !isOfficer.value && !may('alerts.rectify') && !may('premises.read'))
/** Somebody works here, and what they keep is not open. */
export const locked = computed(() => me.value !== null && opened.value === null)
/** Whoever answers papers of the canteen's own: the food-safety people all, the head of the place some. */
export const answersPapers = computed(() => may('self_checks.answer') || may('self_checks.sign'))
/** Whose drafts are copied to the server: those of officers, and of who answers the canteen's own papers. */
const keepsDrafts = computed(() => isOfficer.value || answersPapers.value)
export const isCanteen = computed(() => !isOfficer.value && (may('alerts.rectify') || answersPapers.value))

const connected = ref(navigator.onLine)
const reachable = ref(true)
/** Whether there is a network and the server answers through it. */
export const online = computed(() => connected.value && reachable.value)

export const entries = shallowRef<OutboxEntry[]>([])
/** What the desk does not have yet; photos as taken whose reduced copies are there are counted by themselves. */
export const toSend = computed(() => entries.value.filter((entry) => !entry.complete).reduce((count, entry) => count + 1 + entry.files.filter((file) => !file.done).length, 0))
export const originals = computed(() => entries.value.filter((entry) => entry.complete).reduce((count, entry) => count + originalsLeft(entry).length, 0))
export const sending = computed(() => entries.value.some((entry) => entry.state === 'sending'))
export const attention = computed(() => entries.value.filter((entry) => entry.state === 'conflict' || entry.state === 'refused').length)

export const syncing = ref(false)
export const syncFailed = ref(false)
export const syncState = shallowRef<SyncState | null>(null)
/** The server says that this app is too old to be understood. What is on the phone stays; nothing is sent until it is updated. */
export const tooOld = ref(false)
/** The account is closed: what was not sent goes to a supervisor. */
export const accountEnded = ref(false)
/** The phone's storage is nearly full. */
export const roomLow = ref(false)
/** Counts up when rows or drafts changed below the pages. */
export const changes = ref(0)

const session = browserStore('bk.phone.session')
/** A parent's page is at the desk's side of this server: the login goes along, and stays there only. */
export function toSchool(): void {
  const login = session.load()
  if (login) browserStore('bk.session').save(login)
  session.save(null)
  location.replace('/school')
}
const lastToken = (userId: string) => `bk.phone.last.${userId}`
/** The newest refresh token is kept beyond the end of a login: it opens nothing, but says whose a late inspection is. */
const store: SessionStore = {
  load: () => session.load(),
  save(next) {
    if (next && me.value) localStorage.setItem(lastToken(me.value.id), next.refresh_token)
    session.save(next)
  },
}
export const device = { id: deviceId(), model: modelOf(navigator.userAgent) }

export const api = new ApiClient({
  store,
  deviceId: device.id,
  language: savedLocale,
  client: CLIENT,
  onSignedOut: (why) => {
    hasSession.value = false
    if (why?.body.account === 'disabled') void endAccount()
  },
  fetch: async (input, init) => {
    try {
      const response = await fetch(input, init)
      reachable.value = true
      if (response.status === 426) tooOld.value = true
      return response
    } catch (error) {
      if ((error as Error).name !== 'AbortError') reachable.value = false
      throw error
    }
  },
})

let kept: PhoneDb | null = null
export function db(): PhoneDb {
  if (!kept) throw new Error('the database is not open yet')
  return kept
}

/** What is kept of the officer who works here. Pages that need it are behind the lock. */
export function safe(): Safe {
  if (!opened.value) throw new Error('locked')
  return opened.value
}

let box: Outbox | null = null
export function outbox(): Outbox {
  if (!box) throw new Error('the outbox is not ready yet')
  return box
}

/** Opens what is kept and begins to work in the background. Needs no network. */
export async function start(): Promise<void> {
  const database = await openPhoneDb()
  kept = database
  box = new Outbox({ api, safe: () => (me.value && hasSession.value && !tooOld.value ? opened.value : null), changed: reloadEntriesSoon, originals: mayOriginals })
  me.value = (await readMeta<Me>(database, ME)) ?? null
  hasSession.value = store.load() !== null
  if (me.value) {
    accountEnded.value = (await readMeta<boolean>(database, endedKey(me.value.id))) ?? false
    await openAtStart(database, me.value)
    await belongTo(me.value)
  }
  addEventListener('online', () => wake(true))
  addEventListener('offline', () => (connected.value = false))
  let hiddenAt = 0
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') hiddenAt = Date.now()
    else if (hiddenAt && Date.now() - hiddenAt > LOCK_AFTER_MS) lock()
    if (document.visibilityState === 'visible') wake(true)
  })
  addEventListener('pagehide', handOver)
  setInterval(() => wake(false), TICK_MS)
  wake(true)
}

async function belongTo(user: Me): Promise<void> {
  me.value = user
  syncState.value = (await readMeta<SyncState>(db(), syncStateKey(user.id))) ?? null
  const token = store.load()?.refresh_token
  if (token && hasSession.value) localStorage.setItem(lastToken(user.id), token)
  await prune(db(), user.id)
  await reloadEntries()
  changes.value += 1
}

function wake(now: boolean): void {
  connected.value = navigator.onLine
  void watchRoom()
  if (accountEnded.value && connected.value && opened.value && entries.value.length > 0) void handOverAll()
  if (!connected.value || !me.value || !hasSession.value || tooOld.value || unready(me.value)) return
  if (opened.value && (now || entries.value.length > 0)) void outbox().kick(now ? 'now' : 'due')
  if (opened.value) void copyDrafts()
  const age = Date.now() - Date.parse(syncState.value?.at ?? '1970-01-01')
  const stale = age > (now ? 30_000 : SYNC_EVERY_MS)
  if (stale && document.visibilityState === 'visible') void syncNow().catch(() => undefined)
}

let reloading: ReturnType<typeof setTimeout> | undefined
function reloadEntriesSoon(): void {
  reloading ??= setTimeout(() => {
    reloading = undefined
    void reloadEntries()
  }, 100)
}

export async function reloadEntries(): Promise<void> {
  const before = entries.value.length
  const own = entries.value.filter((entry) => entry.kind)
  entries.value = me.value && opened.value?.userId === me.value.id ? await opened.value.entries() : []
  if (entries.value.length !== before) changes.value += 1
  // A paper or an act went: what became of it is fetched at once.
  if (online.value && own.some((entry) => !entries.value.some((one) => one.id === entry.id))) void syncNow().catch(() => undefined)
}

/** What was put into the outbox is shown there, and sent at once where there is a network. */
export async function sendSoon(): Promise<void> {
  await reloadEntries()
  void outbox().kick('now')
}

/** Something has to be set up on line before anything else. Who signed in here before there were second factors has no word of them. */
export const unready = (user: Me): boolean => user.password_change_required || Boolean(user.second_factor_required)

export async function signIn(username: string, password: string): Promise<void> {
  await api.signIn(username, password)
  await begin()
}

/** The second step of who has a second factor. */
export async function signInCode(challenge: string, code: string): Promise<void> {
  await api.signInCode(challenge, code)
  await begin()
}

async function begin(): Promise<void> {
  hasSession.value = true
  tooOld.value = false
  await loadMe()
  await openAfterSignIn()
  wake(true)
}

/** Just after a sign-in the server opens the officer's keys, and gives back the drafts that another phone left there. */
async function openAfterSignIn(): Promise<void> {
  const user = me.value
  if (!user || unready(user)) return
  if (opened.value && opened.value.userId !== user.id) lock()
  if (accountEnded.value) {
    accountEnded.value = false
    await writeMeta(db(), endedKey(user.id), false)
  }
  await openBySignIn(db(), api, user)
  await reloadEntries()
  changes.value += 1
  if (opened.value && keepsDrafts.value) void restore(opened.value, api, device).then((came) => came > 0 && (changes.value += 1)).catch(() => undefined)
}

let copying = false
let copiedAt = 0
/** Leaves sealed copies of drafts with the server. What fails is tried again; nothing here waits for it. */
async function copyDrafts(): Promise<void> {
  const open = opened.value
  const user = me.value
  if (copying || !open || !user || !keepsDrafts.value || Date.now() - copiedAt < BACK_UP_EVERY_MS) return
  copying = true
  copiedAt = Date.now()
  try {
    await leaveBox(db(), api, user)
    await backUp(open, api, device.id)
  } catch (error) {
    if (!(error instanceof Problem)) console.error(error)
  } finally {
    copying = false
  }
}

let roomAt = 0
async function watchRoom(): Promise<void> {
  if (Date.now() - roomAt < 15_000) return
  roomAt = Date.now()
  roomLow.value = ((await left())?.low ?? false) || !(await fillBallast(db()))
}

/** A photo found no room: what is typed next shall find some. */
export function photoFoundNoRoom(): void {
  roomAt = Date.now()
  roomLow.value = true
  void letGo(db())
}

const endedKey = (userId: string) => `ended:${userId}`

/** The server says that the account is closed. What was submitted goes to a supervisor at once; the rest when the officer asks. */
async function endAccount(): Promise<void> {
  const user = me.value
  if (!user) return
  accountEnded.value = true
  await writeMeta(db(), endedKey(user.id), true)
  await handOverAll()
}

/** Brings everything that waits in the outbox to a supervisor. Needs what is kept to be open. */
export async function handOverAll(): Promise<void> {
  if (handing) return
  handing = true
  for (const entry of entries.value) await handOverOne(entry.id, 'account_ended').catch(() => undefined)
  handing = false
}
let handing = false

export async function handOverOne(id: string, reason: LateReason): Promise<void> {
  const token = store.load()?.refresh_token ?? (me.value ? localStorage.getItem(lastToken(me.value.id)) : null)
  if (!token) throw new Problem({ type: 'no_token', title: 'no_token', status: 0 })
  await new Outbox({ api, safe: () => opened.value, changed: reloadEntriesSoon }).handOver(id, token, reason)
  await reloadEntries()
  changes.value += 1
}

/** Who this is, as the server says now. */
export async function loadMe(): Promise<void> {
  const user = (await call(api, getMe)) as Me
  await writeMeta(db(), ME, user)
  await belongTo(user)
}

/** What had to be set up is: who this is, and what they keep, is read anew. */
export async function setUp(): Promise<void> {
  await loadMe()
  await openAfterSignIn()
  wake(true)
}

export async function changePassword(current: string, next: string): Promise<void> {
  await api.changePassword(current, next)
  await setUp()
}

/** Ends the login on this phone. Drafts and what waits to be sent stay for the next time. */
export async function signOut(): Promise<void> {
  await api.signOut()
  await db().delete('meta', ME)
  lock()
  me.value = null
  entries.value = []
  syncState.value = null
  changes.value += 1
}

/** The offices an officer works for: their own, and those of their assignments. */
async function officesOf(open: Safe, user: Me): Promise<string[]> {
  const own = user.grants.filter((grant) => grant.node_level === 'office').map((grant) => grant.node_id)
  const assigned = await open.rows<{ premises_id: string; state: string }>('assignment')
  const places = await Promise.all(assigned.filter((one) => one.state === 'open' || one.state === 'in_progress').slice(0, 50).map((one) => open.row<{ organization_id?: string }>('premises', one.premises_id)))
  return [...own, ...places.flatMap((place) => place?.organization_id ?? [])]
}

let papersPruned = 0
/** Once a day: it looks into every paper. */
async function letPapersGo(open: Safe): Promise<void> {
  if (!may('self_checks.read') || Date.now() - papersPruned < 86_400_000) return
  papersPruned = Date.now()
  await prunePapers(open, answersPapers.value ? OWN_DAYS : OTHERS_DAYS)
}

let running: Promise<void> | null = null
/** Fetches what changed. Calls at the same time share one run. */
export function syncNow(): Promise<void> {
  const user = me.value
  const open = opened.value
  if (!user || open?.userId !== user.id) return Promise.resolve()
  running ??= (async () => {
    syncing.value = true
    try {
      const state = await synchronise(open, api)
      if (answersPapers.value) await fetchDuties(open, api).catch(() => undefined)
      await letPapersGo(open)
      if (me.value?.id === user.id) syncState.value = state
      if (isOfficer.value) await fetchPapers(db(), api, user.id, device.id, await officesOf(open, user)).catch((error: unknown) => console.error(error))
      syncFailed.value = false
    } catch (error) {
      syncFailed.value = true
      throw error
    } finally {
      syncing.value = false
      changes.value += 1
      running = null
    }
  })()
  return running
}

/** Words for any failure; the server's own where it gave some. */
export function wordsFor(error: unknown, t: (key: string, named?: Record<string, unknown>) => string): string {
  const problem: Problem = asProblem(error)
  if (problem.type === 'network') return t('error.network')
  if (problem.type === 'client_too_old') return t('error.tooOld')
  if (problem.type === 'storage_full') return problem.body.title
  if (problem.status >= 500) return t('error.server')
  if (problem.status > 0) return problem.body.detail || problem.body.title
  return t('error.unknown', { detail: problem.body.title })
}

function modelOf(agent: string): string {
  const inner = /\(([^)]*)\)/.exec(agent)?.[1] ?? agent
  return inner.slice(0, 100)
}

/** Whether this browser wakes for notices, and asking it to. */
export type PushState = 'unsupported' | 'insecure' | 'denied' | 'off' | 'on'

export interface BrowserKeys { endpoint: string; p256dh: string; auth: string }

const base64url = (bytes: ArrayBuffer | null) => btoa(String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0)))).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')

/** Browsers subscribe on secure pages only, and an iPhone only from an application on its home screen. */
export async function pushState(worker: ServiceWorkerRegistration | undefined): Promise<PushState> {
  if (!window.isSecureContext) return 'insecure'
  if (!('PushManager' in window) || !('Notification' in window) || !worker) return 'unsupported'
  if (Notification.permission === 'denied') return 'denied'
  return (await worker.pushManager.getSubscription()) ? 'on' : 'off'
}

/** Asks the person and then the browser's push service; throws where either refuses. */
export async function subscribe(worker: ServiceWorkerRegistration, key: string): Promise<BrowserKeys> {
  if ((await Notification.requestPermission()) !== 'granted') throw new Error('denied')
  const binary = atob(key.replaceAll('-', '+').replaceAll('_', '/'))
  const applicationServerKey = Uint8Array.from(binary, (letter) => letter.charCodeAt(0))
  const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey })
  return { endpoint: made.endpoint, p256dh: base64url(made.getKey('p256dh')), auth: base64url(made.getKey('auth')) }
}

/** This browser's own address, where it has one. */
export async function ownEndpoint(worker: ServiceWorkerRegistration | undefined): Promise<string | undefined> {
  return (await worker?.pushManager?.getSubscription())?.endpoint
}

export async function unsubscribe(worker: ServiceWorkerRegistration | undefined): Promise<void> {
  await (await worker?.pushManager?.getSubscription())?.unsubscribe()
}

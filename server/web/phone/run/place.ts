/** Where the phone is, as it says; and how far that is from the address on record. */
import type { Place } from '@shared/inspection'

export type PlaceFault = 'placeDenied' | 'placeUnavailable'

const WAIT_MS = 20_000

export function locate(): Promise<Place> {
  return new Promise((resolve, reject: (why: PlaceFault) => void) => {
    if (!('geolocation' in navigator)) return reject('placeUnavailable')
    navigator.geolocation.getCurrentPosition(
      ({ coords, timestamp }) => resolve({
        latitude: coords.latitude, longitude: coords.longitude, accuracy_m: Math.round(coords.accuracy * 10) / 10,
        device_time: new Date().toISOString(), gps_time: new Date(timestamp).toISOString(),
      }),
      (error) => reject(error.code === error.PERMISSION_DENIED ? 'placeDenied' : 'placeUnavailable'),
      { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 60_000 },
    )
  })
}

/** Great-circle distance in metres. */
export function distanceM(from: { latitude: number; longitude: number }, to: { latitude: number; longitude: number }): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180
  const half = (degrees: number) => Math.sin(radians(degrees) / 2) ** 2
  const chord = half(to.latitude - from.latitude) + Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * half(to.longitude - from.longitude)
  return 2 * 6_371_000 * Math.asin(Math.min(1, Math.sqrt(chord)))
}

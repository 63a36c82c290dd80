import { ref } from 'vue'

/** Where map tiles come from, and the datum they are drawn in. Kept in this browser; empty means no tiles. */
export type Datum = 'wgs84' | 'gcj02' | 'bd09'
export interface MapTiles { url: string; datum: Datum }

const KEY = 'bk.tiles'

function read(): MapTiles {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? 'null') as MapTiles | null
    if (kept && typeof kept.url === 'string') return kept
  } catch {
    // A broken setting counts as none.
  }
  return { url: '', datum: 'gcj02' }
}
export const mapTiles = ref<MapTiles>(read())

export function setMapTiles(next: MapTiles): void {
  mapTiles.value = next
  localStorage.setItem(KEY, JSON.stringify(next))
}

export function validTiles(url: string): boolean {
  return url === '' || (/^(https?:\/\/|\/)/.test(url) && ['{x}', '{y}', '{z}'].every((part) => url.includes(part)))
}

const A = 6378245
const EE = 0.006693421622965943

/** A WGS-84 point in the datum of the tiles, so that points lie on the right roofs. */
export function fromWgs84(latitude: number, longitude: number, datum: Datum): [number, number] {
  if (datum === 'wgs84') return [latitude, longitude]
  const gcj = toGcj02(latitude, longitude)
  if (datum === 'gcj02') return gcj
  const [lat, lon] = gcj
  const z = Math.hypot(lon, lat) + 0.00002 * Math.sin((lat * Math.PI * 3000) / 180)
  const theta = Math.atan2(lat, lon) + 0.000003 * Math.cos((lon * Math.PI * 3000) / 180)
  return [z * Math.sin(theta) + 0.006, z * Math.cos(theta) + 0.0065]
}

function toGcj02(lat: number, lon: number): [number, number] {
  const x = lon - 105
  const y = lat - 35
  const waves = (value: number) => 20 * Math.sin(6 * value * Math.PI) + 20 * Math.sin(2 * value * Math.PI)
  let dLat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x))
  dLat += (waves(x) * 2) / 3 + ((20 * Math.sin(y * Math.PI) + 40 * Math.sin((y / 3) * Math.PI)) * 2) / 3
  dLat += ((160 * Math.sin((y / 12) * Math.PI) + 320 * Math.sin((y * Math.PI) / 30)) * 2) / 3
  let dLon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x))
  dLon += (waves(x) * 2) / 3 + ((20 * Math.sin(x * Math.PI) + 40 * Math.sin((x / 3) * Math.PI)) * 2) / 3
  dLon += ((150 * Math.sin((x / 12) * Math.PI) + 300 * Math.sin((x / 30) * Math.PI)) * 2) / 3
  const radians = (lat / 180) * Math.PI
  const magic = 1 - EE * Math.sin(radians) ** 2
  const root = Math.sqrt(magic)
  return [
    lat + (dLat * 180) / (((A * (1 - EE)) / (magic * root)) * Math.PI),
    lon + (dLon * 180) / ((A / root) * Math.cos(radians) * Math.PI),
  ]
}

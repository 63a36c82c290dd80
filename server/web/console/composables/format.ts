const UNITS = ['B', 'KB', 'MB', 'GB', 'TB']

/** 45.2 MB, in powers of 1024. */
export function bytes(count: number): string {
  let value = count
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

/** 98.6 % with one decimal; whole at the ends. */
export function percent(share: number): string {
  const value = Math.round(share * 1000) / 10
  return `${value === 100 || value === 0 ? value.toFixed(0) : value.toFixed(1)}%`
}

/** 2.1 Mbit/s. */
export function bitRate(bitsPerSecond: number): string {
  return bitsPerSecond >= 1e6 ? `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bitsPerSecond / 1000)} kbit/s`
}

/**
 * Draws the PNG icons of the phone's app from the one SVG, while the pages are built: iOS takes no SVG for the home screen, and
 * Android cuts "maskable" ones to the shape of the phone, so that what matters lies in their inner 80 %.
 */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import sharp from 'sharp'
import type { Plugin } from 'vite'

const SOURCE = resolve(import.meta.dirname, 'public/favicon.svg')
/** The sign's own ground, on which it is laid where it must fill the square. */
const GROUND = '#1b2f4b'

/** By address: pixels, and how large the sign is on a full square; without it the sign as it is, with its round corners. */
export const ICONS: Record<string, { size: number; scale?: number }> = {
  '/m/icon-192.png': { size: 192 },
  '/m/icon-512.png': { size: 512 },
  '/m/icon-maskable-512.png': { size: 512, scale: 0.86 },
  '/m/apple-touch-icon.png': { size: 180, scale: 1 },
}

async function drawn(address: string): Promise<Buffer> {
  const { size, scale } = ICONS[address]!
  const sign = (await readFile(SOURCE, 'utf8')).trim()
  const border = scale === undefined ? 0 : (32 - 32 * scale) / 2
  const svg = scale === undefined ? sign
    : `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" fill="${GROUND}"/><g transform="translate(${border} ${border}) scale(${scale})">${sign.replace(/<\/?svg[^>]*>/g, '')}</g></svg>`
  return sharp(Buffer.from(svg), { density: (72 * size) / 32 }).resize(size, size).png({ palette: true, effort: 10 }).toBuffer()
}

export function icons(): Plugin {
  return {
    name: 'icons',
    async generateBundle() {
      for (const address of Object.keys(ICONS)) this.emitFile({ type: 'asset', fileName: address.slice(1), source: await drawn(address) })
    },
    configureServer(dev) {
      dev.middlewares.use((request, response, next) => {
        const address = (request.url ?? '').split('?')[0]!
        if (!(address in ICONS)) return next()
        drawn(address).then((png) => response.setHeader('content-type', 'image/png').end(png), next)
      })
    },
  }
}

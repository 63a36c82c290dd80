import { resolve } from 'node:path'
import { VantResolver } from '@vant/auto-import-resolver'
import vue from '@vitejs/plugin-vue'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { GUIDE, guide } from './guide.ts'
import { icons } from './icons.ts'
import { iconFont } from './iconFont.ts'
import { keptOffline } from './phone/precache.ts'

const root = import.meta.dirname
/** The program that answers `/api` while developing. */
const server = process.env.BRIGHT_KITCHEN_SERVER ?? 'http://127.0.0.1:8080'
/** The pages of each build. The phone has one of its own, so that it carries nothing of a library that only the console calls. */
const CONSOLE = { console: resolve(root, 'index.html'), push: resolve(root, 'console/push.ts') }
const PHONE = { phone: resolve(root, 'm/index.html'), preview: resolve(root, 'preview.html'), sw: resolve(root, 'phone/sw.ts') }

/** Serves each entry's page for its own addresses while developing, as the program does with the built ones. */
function twoEntries(): Plugin {
  return {
    name: 'two-entries',
    configureServer(dev) {
      dev.middlewares.use((request, _response, next) => {
        const path = (request.url ?? '/').split('?')[0]
        const page = request.headers.accept?.includes('text/html') && !/\.\w+$/.test(path)
        if (page) request.url = path === '/m' || path.startsWith('/m/') ? '/m/index.html' : '/index.html'
        next()
      })
    },
  }
}

/** Leaves the addresses of other hosts out of the styles of packages (Vant names a font of a CDN behind the one that it brings). */
function nothingFromElsewhere(): Plugin {
  return {
    name: 'nothing-from-elsewhere',
    enforce: 'pre',
    transform(code, id) {
      if (!id.split('?')[0]!.endsWith('.css') || !/url\(["']?(https?:)?\/\//.test(code)) return null
      return { code: code.replace(/,\s*url\(["']?(https?:)?\/\/[^)]*\)(\s*format\([^)]*\))?/g, ''), map: null }
    },
    generateBundle(_options, bundle) {
      for (const [name, file] of Object.entries(bundle)) {
        if (file.type === 'asset' && name.endsWith('.css') && /url\(["']?(https?:)?\/\//.test(String(file.source))) this.error(`${name} asks another host`)
      }
    },
  }
}

export default defineConfig(({ mode }) => ({
  root,
  appType: 'mpa',
  plugins: [
    twoEntries(),
    nothingFromElsewhere(),
    vue(),
    mode !== 'console' && icons(),
    iconFont(),
    mode !== 'phone' && guide(),
    keptOffline(),
    Components({
      dts: false,
      dirs: [],
      resolvers: [ElementPlusResolver({ importStyle: 'css' }), VantResolver()],
    }),
  ],
  resolve: { alias: { '@shared': resolve(root, 'shared'), '@console': resolve(root, 'console'), '@phone': resolve(root, 'phone') } },
  define: {
    // Only components of Element Plus are written that way.
    __VUE_OPTIONS_API__: mode !== 'phone',
    __VUE_I18N_LEGACY_API__: false,
    __VUE_I18N_FULL_INSTALL__: true,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  server: { host: '127.0.0.1', fs: { allow: [root, GUIDE] }, proxy: { '/api': { target: server, ws: true }, '/healthz': server, '/trust': server } },
  build: {
    target: 'es2022',
    outDir: resolve(root, 'dist'),
    // The console's comes first, and the phone's lies beside it.
    emptyOutDir: mode !== 'phone',
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      input: mode === 'console' ? CONSOLE : mode === 'phone' ? PHONE : { ...CONSOLE, ...PHONE },
      output: {
        // A service worker keeps one fixed address under the scope it controls.
        entryFileNames: (chunk) => ({ sw: 'm/sw.js', push: 'push.js' })[chunk.name] ?? 'assets/[name]-[hash].js',
      },
    },
  },
  test: { include: ['**/*.test.ts'], exclude: ['node_modules/**', 'dist/**'], testTimeout: 60_000 },
}))

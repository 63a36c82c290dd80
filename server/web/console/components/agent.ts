const BROWSERS: [RegExp, string][] = [
  [/MicroMessenger\//, '微信 WeChat'], [/Edg\/(\d+)/, 'Edge'], [/Firefox\/(\d+)/, 'Firefox'], [/Chrome\/(\d+)/, 'Chrome'], [/Version\/(\d+).*Safari/, 'Safari'],
]
const SYSTEMS: [RegExp, string][] = [
  [/HarmonyOS/, 'HarmonyOS'], [/Android (\d+)/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/Linux/, 'Linux'],
]

/** What a browser calls itself, as people know it: `Chrome 131 · Windows`. Empty where it says nothing that is known. */
export function agentWords(agent: string | null | undefined): string {
  const known = (table: [RegExp, string][]) => {
    for (const [pattern, name] of table) {
      const found = pattern.exec(agent ?? '')
      if (found) return [name, found[1]].filter(Boolean).join(' ')
    }
    return ''
  }
  return [known(BROWSERS), known(SYSTEMS)].filter(Boolean).join(' · ')
}

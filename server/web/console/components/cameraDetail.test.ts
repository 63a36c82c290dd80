import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { chineseDetail, templates } from './cameraDetail'

const media = join(import.meta.dirname, '../../../../media/src')

/** The sentences of the sources, as they stand in the program: values by position. */
function sentences(): Map<string, string> {
  const files = readdirSync(join(media, 'source'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.rs') && !name.includes('onvif') && !name.endsWith('tests.rs'))
    .map((name) => join('source', name))
  const found = new Map<string, string>()
  const said = /(?:SourceError::new\(\s*(?:StateReason::)?\w+,\s*(?:&?format!\(\s*)?|(?:denied|late|bad|lacking|refusal|refused)\((?:StateReason::\w+, )?(?:&?format!\()?|let detail =\s*(?:format!\()?|StateReason::\w+ => |_ => )"((?:[^"\\]|\\.)+)"/g
  for (const file of [...files, 'record/run.rs', 'record/sub.rs']) {
    const [program = ''] = readFileSync(join(media, file), 'utf8').split('#[cfg(test)]')
    for (const [, sentence = ''] of program.matchAll(said)) {
      // A word alone is a name, not a sentence.
      if (sentence.includes(' ')) found.set(sentence.replace(/\{[^}]*\}/g, '{}'), file)
    }
  }
  return found
}

it('has words for everything that the program says of a camera', () => {
  const known = templates()
  const all = sentences()
  expect(all.size).toBeGreaterThan(100)
  expect([...all].filter(([sentence]) => !known.has(sentence)).map(([sentence, file]) => `${file}: ${sentence}`)).toEqual([])
})

it('puts the values where they belong, and leaves alone what is not the program’s', () => {
  expect(chineseDetail('no picture for 10.2 s although the connection stands')).toBe('连接正常，但已 10.2 秒没有画面')
  expect(chineseDetail('a camera that calls is waited for at a port from 7001 to 7100')).toBe('设备主动推流的端口须在 7001 至 7100 之间')
  expect(chineseDetail('the device answers: no')).toBeNull()
})

// A mail server for tests: takes what comes over SMTP and gives it back decoded.
import { createServer } from 'node:net'

const decoded = (text) => text.replaceAll('?= =?', '?==?').replace(/=\?utf-8\?([bq])\?(.*?)\?=/gi, (_, how, word) => (how.toLowerCase() === 'b' ? Buffer.from(word, 'base64').toString() : quoted(word.replaceAll('_', ' '))))
const quoted = (text) => Buffer.from(text.replaceAll('=\r\n', '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1').toString()

function read(to, raw) {
  const cut = raw.indexOf('\r\n\r\n')
  const head = raw.slice(0, cut).replaceAll('\r\n ', ' ')
  const of = (name) => decoded(new RegExp(`^${name}: (.*)$`, 'mi').exec(head)?.[1] ?? '')
  const body = raw.slice(cut + 4)
  const how = of('Content-Transfer-Encoding')
  return { to, subject: of('Subject'), text: how === 'base64' ? Buffer.from(body, 'base64').toString() : how === 'quoted-printable' ? quoted(body) : body }
}

/** Listens on a free port; `mails` grows, `refuse` is what the next mail is answered with. */
export async function startMail() {
  const mails = []
  const refusals = []
  const server = createServer((socket) => {
    let waiting = ''
    let to = ''
    let inside = false
    const say = (text) => socket.write(`${text}\r\n`)
    socket.on('error', () => undefined)
    socket.on('data', (piece) => {
      waiting += piece.toString('latin1')
      for (;;) {
        const end = inside ? waiting.indexOf('\r\n.\r\n') : waiting.indexOf('\r\n')
        if (end < 0) return
        const line = waiting.slice(0, end)
        waiting = waiting.slice(end + (inside ? 5 : 2))
        if (inside) {
          inside = false
          const refusal = refusals.shift()
          if (!refusal) mails.push(read(to, line.replaceAll('\r\n..', '\r\n.')))
          say(refusal ?? '250 taken')
        } else if (/^EHLO/i.test(line)) say('250 mail.test')
        else if (/^RCPT/i.test(line)) {
          to = /<(.*)>/.exec(line)[1]
          say('250 ok')
        } else if (/^DATA/i.test(line)) {
          inside = true
          say('354 go on')
        } else if (/^QUIT/i.test(line)) say('221 bye')
        else say('250 ok')
      }
    })
    say('220 mail.test ready')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: server.address().port, mails, refuse: (answer) => refusals.push(answer), stop: () => server.close() }
}

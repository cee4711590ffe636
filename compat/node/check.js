// Node: the zeromq package 5, whose API is events.
'use strict'
const fs = require('fs')
const os = require('os')
const path = require('path')
const zmq = require(path.join(process.env.PLACE, 'node_modules/zeromq'))

const WAIT_MS = 15000
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-zmq-'))
let serial = 0
const endpoints = {
  tcp: () => 'tcp://127.0.0.1:*',
  ipc: () => `ipc://${folder}/${++serial}`,
  inproc: () => `inproc://node-${++serial}`
}

// A pair of sockets, the first bound.
function pair (first, second, endpoint) {
  const one = zmq.socket(first)
  const two = zmq.socket(second)
  one.linger = two.linger = 0
  one.bindSync(endpoint)
  if (second === 'sub') two.subscribe('news')
  two.connect(one.getsockopt(zmq.ZMQ_LAST_ENDPOINT).replace(/\0/g, ''))
  return [one, two]
}

// The next messages of a socket.
function messages (socket, count) {
  return new Promise((resolve, reject) => {
    const got = []
    const clock = setTimeout(() => reject(new Error(`only ${got.length}`)), WAIT_MS)
    socket.on('message', (...frames) => {
      got.push(frames.map(String))
      if (got.length === count) {
        clearTimeout(clock)
        socket.removeAllListeners('message')
        resolve(got)
      }
    })
  })
}

async function check (name, body) {
  try {
    console.log((await body() ? 'ok ' : 'not ok ') + name)
  } catch (error) {
    console.log(error)
    console.log('not ok ' + name)
  }
}

const equal = (one, other) => JSON.stringify(one) === JSON.stringify(other)

async function main () {
  for (const [transport, name] of Object.entries(endpoints)) {
    await check(`${transport}: requests and replies`, async () => {
      const [rep, req] = pair('rep', 'req', name())
      rep.on('message', (...frames) => rep.send(frames.reverse()))
      for (let n = 1; n <= 200; n++) {
        const answer = messages(req, 1)
        req.send(['question', `${n}`, 'x'.repeat(n * 50)])
        if (!equal((await answer)[0], ['x'.repeat(n * 50), `${n}`, 'question'])) return false
      }
      rep.close()
      req.close()
      return true
    })
    await check(`${transport}: a stream`, async () => {
      const [pull, push] = pair('pull', 'push', name())
      const got = messages(pull, 5000)
      for (let n = 0; n < 5000; n++) push.send(`${n}`)
      const numbers = (await got).map(([text]) => Number(text))
      pull.close()
      push.close()
      return numbers.every((n, at) => n === at)
    })
    await check(`${transport}: topics`, async () => {
      const [xpub, sub] = pair('xpub', 'sub', name())
      const [[subscription]] = await messages(xpub, 1)
      const got = messages(sub, 2)
      for (const text of ['news 1', 'other', 'news 2']) xpub.send(text)
      const news = await got
      xpub.close()
      sub.close()
      return subscription === '\x01news' && equal(news, [['news 1'], ['news 2']])
    })
    await check(`${transport}: identities`, async () => {
      const [router, dealer] = pair('router', 'dealer', name())
      router.on('message', (from, ...rest) => router.send([from, ...rest, 'back']))
      const answers = messages(dealer, 100)
      for (let n = 0; n < 100; n++) dealer.send(['', `${n}`])
      const got = await answers
      router.close()
      dealer.close()
      return got.every((frames, n) => equal(frames, ['', `${n}`, 'back']))
    })
    if (transport === 'inproc') continue
    await check(`${transport}: a monitor`, async () => {
      const rep = zmq.socket('rep')
      const seen = []
      const event = what => new Promise(resolve => rep.on(what, () => { seen.push(what); resolve() }))
      rep.monitor(10, 0)
      const accepted = event('accept')
      const gone = event('disconnect')
      rep.bindSync(name())
      const req = zmq.socket('req')
      req.connect(rep.getsockopt(zmq.ZMQ_LAST_ENDPOINT).replace(/\0/g, ''))
      await accepted
      req.close()
      await gone
      rep.unmonitor()
      rep.close()
      return equal(seen, ['accept', 'disconnect'])
    })
  }
  await check('a proxy', async () => {
    const front = zmq.socket('router')
    const back = zmq.socket('dealer')
    const where = socket => socket.getsockopt(zmq.ZMQ_LAST_ENDPOINT).replace(/\0/g, '')
    front.bindSync(endpoints.tcp())
    back.bindSync(endpoints.ipc())
    zmq.proxy(front, back)
    const rep = zmq.socket('rep')
    rep.connect(where(back))
    rep.on('message', text => rep.send(text + '!'))
    const req = zmq.socket('req')
    req.connect(where(front))
    const answer = messages(req, 1)
    req.send('hello')
    const good = equal(await answer, [['hello!']])
    for (const socket of [front, back, rep, req]) socket.close()
    return good
  })
  await check('errors', async () => {
    const texts = []
    for (const call of [s => s.bindSync('tcp://127.0.0.1:x'), s => s.bindSync('none://x'),
      s => s.setsockopt(zmq.ZMQ_SNDHWM, -5)]) {
      const socket = zmq.socket('rep')
      try { call(socket) } catch (error) { texts.push(error.message) }
      socket.close()
    }
    console.log(texts)
    return equal(texts, ['Invalid argument', 'Protocol not supported', 'Invalid argument'])
  })
  await check('curve', async () => {
    const server = zmq.curveKeypair()
    const client = zmq.curveKeypair()
    const rep = zmq.socket('rep')
    rep.curve_server = 1
    rep.curve_secretkey = server.secret
    rep.bindSync(endpoints.tcp())
    const req = zmq.socket('req')
    req.curve_serverkey = server.public
    req.curve_publickey = client.public
    req.curve_secretkey = client.secret
    req.connect(rep.getsockopt(zmq.ZMQ_LAST_ENDPOINT).replace(/\0/g, ''))
    rep.on('message', text => rep.send(text))
    const answer = messages(req, 1)
    req.send('secret')
    const good = equal(await answer, [['secret']])
    rep.close()
    req.close()
    return good
  })
  fs.rmSync(folder, { recursive: true })
  console.log('done')
  process.stdin.once('end', () => process.exit(0)).resume()
}

main()

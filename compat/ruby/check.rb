# ffi-rzmq: every return value of libzmq is seen as it is.
require 'ffi-rzmq'
require 'tmpdir'

$stdout.sync = true
WAIT_MS = 15_000

def check(name)
  good = begin
    yield
  rescue StandardError => e
    puts e.full_message
    false
  end
  puts "#{good ? 'ok' : 'not ok'} #{name}"
end

CONTEXT = ZMQ::Context.create(2)

def socket(type)
  made = CONTEXT.socket(type)
  made.setsockopt(ZMQ::LINGER, 0)
  made.setsockopt(ZMQ::RCVTIMEO, WAIT_MS)
  made.setsockopt(ZMQ::SNDTIMEO, WAIT_MS)
  yield made if block_given?
  made
end

# A pair of sockets, the first bound, by a transport.
def pair(first, second, endpoint)
  one = socket(first)
  raise ZMQ::Util.error_string unless one.bind(endpoint).zero?
  where = []
  one.getsockopt(ZMQ::LAST_ENDPOINT, where)
  two = socket(second) { |s| s.setsockopt(ZMQ::SUBSCRIBE, 'news') if second == ZMQ::SUB }
  raise ZMQ::Util.error_string unless two.connect(where[0].delete("\0")).zero?
  yield(one, two)
ensure
  one&.close
  two&.close
end

def strings(socket)
  parts = []
  raise ZMQ::Util.error_string if socket.recv_strings(parts).negative?
  parts
end

Dir.mktmpdir do |dir|
  serial = 0
  endpoints = {
    'tcp' => -> { 'tcp://127.0.0.1:*' },
    'ipc' => -> { "ipc://#{dir}/#{serial += 1}" },
    'inproc' => -> { "inproc://ruby-#{serial += 1}" }
  }
  endpoints.each do |transport, name|
    check "#{transport}: requests and replies" do
      pair(ZMQ::REP, ZMQ::REQ, name.call) do |rep, req|
        (1..200).all? do |n|
          req.send_strings(['question', n.to_s, 'x' * n * 50])
          asked = strings(rep)
          rep.send_strings(asked.reverse)
          strings(req) == asked.reverse && asked[1] == n.to_s
        end
      end
    end
    check "#{transport}: a stream" do
      pair(ZMQ::PULL, ZMQ::PUSH, name.call) do |pull, push|
        sender = Thread.new { 2000.times { |n| push.send_string(n.to_s) } }
        got = (0...2000).map { line = +''; pull.recv_string(line); line.to_i }
        sender.join
        got == (0...2000).to_a
      end
    end
    check "#{transport}: topics" do
      pair(ZMQ::XPUB, ZMQ::SUB, name.call) do |xpub, sub|
        strings(xpub) == ["\x01news"] or raise 'no subscription'
        ['news 1', 'other', 'news 2'].each { |text| xpub.send_string(text) }
        [strings(sub), strings(sub)] == [['news 1'], ['news 2']]
      end
    end
    check "#{transport}: identities" do
      pair(ZMQ::ROUTER, ZMQ::DEALER, name.call) do |router, dealer|
        dealer.send_strings(['', 'hello'])
        from, *rest = strings(router)
        router.send_strings([from, '', 'world'])
        rest == ['', 'hello'] && strings(dealer) == ['', 'world']
      end
    end
    check "#{transport}: poller" do
      pair(ZMQ::PAIR, ZMQ::PAIR, name.call) do |one, two|
        poller = ZMQ::Poller.new
        poller.register_readable(one)
        quiet = poller.poll(10).zero?
        two.send_string('x')
        quiet && poller.poll(WAIT_MS) == 1 && poller.readables == [one]
      end
    end
  end
  check 'errors' do
    one = socket(ZMQ::REP)
    answers = [one.bind('tcp://nowhere.invalid:x'), ZMQ::Util.errno == ZMQ::EINVAL,
               one.connect('none://x'), ZMQ::Util.errno == ZMQ::EPROTONOSUPPORT,
               one.send_string('unasked'), ZMQ::Util.errno == ZMQ::EFSM,
               one.recv_string(+'', ZMQ::DONTWAIT), ZMQ::Util.errno == ZMQ::EAGAIN]
    one.close
    answers == [-1, true] * 4
  end
  check 'options' do
    one = socket(ZMQ::DEALER)
    numbers = { ZMQ::SNDHWM => 7, ZMQ::RCVHWM => 8, ZMQ::RECONNECT_IVL => 250, ZMQ::LINGER => 3,
                ZMQ::BACKLOG => 5, ZMQ::AFFINITY => 1, ZMQ::MAXMSGSIZE => 1000 }
    good = numbers.all? do |option, value|
      got = []
      one.setsockopt(option, value).zero? && one.getsockopt(option, got).zero? && got == [value]
    end
    id = []
    one.setsockopt(ZMQ::IDENTITY, 'somebody')
    one.getsockopt(ZMQ::IDENTITY, id)
    one.close
    good && id == ['somebody']
  end
  check 'curve' do
    server_public, server_secret = ZMQ::Util.curve_keypair
    client_public, client_secret = ZMQ::Util.curve_keypair
    rep = socket(ZMQ::REP) do |s|
      s.setsockopt(ZMQ::CURVE_SERVER, 1)
      s.setsockopt(ZMQ::CURVE_SECRETKEY, server_secret)
    end
    rep.bind('tcp://127.0.0.1:*')
    where = []
    rep.getsockopt(ZMQ::LAST_ENDPOINT, where)
    req = socket(ZMQ::REQ) do |s|
      s.setsockopt(ZMQ::CURVE_SERVERKEY, server_public)
      s.setsockopt(ZMQ::CURVE_PUBLICKEY, client_public)
      s.setsockopt(ZMQ::CURVE_SECRETKEY, client_secret)
    end
    req.connect(where[0].delete("\0"))
    req.send_string('secret')
    asked = strings(rep)
    rep.send_string('known')
    answer = strings(req)
    [rep, req].each(&:close)
    asked == ['secret'] && answer == ['known']
  end
end

CONTEXT.terminate
puts 'ok the context ends'
puts 'done'
$stdin.read

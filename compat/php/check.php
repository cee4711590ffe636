<?php
// The zmq extension, with its devices, polls and keys.

const WAIT_MS = 15000;

function check(string $name, callable $body): void
{
    try {
        $good = $body();
    } catch (Throwable $e) {
        echo $e, "\n";
        $good = false;
    }
    echo $good ? 'ok ' : 'not ok ', $name, "\n";
}

$context = new ZMQContext(1, false);

function socket(int $type): ZMQSocket
{
    global $context;
    $socket = new ZMQSocket($context, $type);
    foreach ([ZMQ::SOCKOPT_LINGER => 0, ZMQ::SOCKOPT_RCVTIMEO => WAIT_MS, ZMQ::SOCKOPT_SNDTIMEO => WAIT_MS] as $option => $value) {
        $socket->setSockOpt($option, $value);
    }
    return $socket;
}

/** A pair of sockets, the first bound. */
function pair(int $first, int $second, string $endpoint): array
{
    $one = socket($first);
    $one->bind($endpoint);
    $two = socket($second);
    if ($second === ZMQ::SOCKET_SUB) {
        $two->setSockOpt(ZMQ::SOCKOPT_SUBSCRIBE, 'news');
    }
    $two->connect($one->getSockOpt(ZMQ::SOCKOPT_LAST_ENDPOINT));
    return [$one, $two];
}

$dir = sys_get_temp_dir() . '/php-zmq-' . getmypid();
mkdir($dir);
$serial = 0;
$endpoints = [
    'tcp' => fn () => 'tcp://127.0.0.1:*',
    'ipc' => function () use (&$serial, $dir) { return "ipc://$dir/" . ++$serial; },
    'inproc' => function () use (&$serial) { return 'inproc://php-' . ++$serial; },
];
foreach ($endpoints as $transport => $name) {
    check("$transport: requests and replies", function () use ($name) {
        [$rep, $req] = pair(ZMQ::SOCKET_REP, ZMQ::SOCKET_REQ, $name());
        for ($n = 1; $n <= 200; $n++) {
            $req->sendMulti(['question', "$n", str_repeat('x', $n * 50)]);
            $asked = $rep->recvMulti();
            $rep->sendMulti(array_reverse($asked));
            if ($req->recvMulti() !== array_reverse($asked) || $asked[1] !== "$n") {
                return false;
            }
        }
        return true;
    });
    check("$transport: a stream", function () use ($name) {
        [$pull, $push] = pair(ZMQ::SOCKET_PULL, ZMQ::SOCKET_PUSH, $name());
        for ($n = 0; $n < 800; $n++) {
            $push->send("$n");
        }
        for ($n = 0; $n < 800; $n++) {
            if ($pull->recv() !== "$n") {
                return false;
            }
        }
        return true;
    });
    check("$transport: topics", function () use ($name) {
        [$xpub, $sub] = pair(ZMQ::SOCKET_XPUB, ZMQ::SOCKET_SUB, $name());
        $subscription = $xpub->recv();
        foreach (['news 1', 'other', 'news 2'] as $text) {
            $xpub->send($text);
        }
        return $subscription === "\x01news" && [$sub->recv(), $sub->recv()] === ['news 1', 'news 2'];
    });
    check("$transport: identities", function () use ($name) {
        [$router, $dealer] = pair(ZMQ::SOCKET_ROUTER, ZMQ::SOCKET_DEALER, $name());
        $dealer->sendMulti(['', 'hello']);
        [$from, $empty, $text] = $router->recvMulti();
        $router->sendMulti([$from, '', 'world']);
        return $text === 'hello' && $dealer->recvMulti() === ['', 'world'];
    });
    check("$transport: poll", function () use ($name) {
        [$one, $two] = pair(ZMQ::SOCKET_PAIR, ZMQ::SOCKET_PAIR, $name());
        $poll = new ZMQPoll();
        $poll->add($one, ZMQ::POLL_IN);
        $readable = $writable = [];
        $quiet = $poll->poll($readable, $writable, 10) === 0;
        $two->send('x');
        return $quiet && $poll->poll($readable, $writable, WAIT_MS) === 1 && $readable === [$one];
    });
}
check('errors', function () {
    $codes = [];
    foreach ([
        fn ($s) => $s->bind('tcp://127.0.0.1:x'),
        fn ($s) => $s->connect('none://x'),
        fn ($s) => $s->send('unasked'),
        fn ($s) => $s->setSockOpt(ZMQ::SOCKOPT_SNDHWM, -5),
    ] as $call) {
        try {
            $call(socket(ZMQ::SOCKET_REP));
        } catch (ZMQSocketException $e) {
            $codes[] = $e->getCode();
        }
    }
    echo implode(' ', $codes), "\n";
    return $codes === [22, 93, ZMQ::ERR_EFSM, 22]
        && socket(ZMQ::SOCKET_REP)->recv(ZMQ::MODE_DONTWAIT) === false;
});
check('a device', function () {
    $front = socket(ZMQ::SOCKET_ROUTER);
    $back = socket(ZMQ::SOCKET_DEALER);
    [$front->bind('tcp://127.0.0.1:*'), $back->bind('tcp://127.0.0.1:*')];
    $req = socket(ZMQ::SOCKET_REQ);
    $req->connect($front->getSockOpt(ZMQ::SOCKOPT_LAST_ENDPOINT));
    $rep = socket(ZMQ::SOCKET_REP);
    $rep->connect($back->getSockOpt(ZMQ::SOCKOPT_LAST_ENDPOINT));
    $req->send('hello');
    $device = new ZMQDevice($front, $back);
    $answer = null;
    $device->setTimerCallback(function () use ($req, $rep, &$answer) {
        if ($rep->recv(ZMQ::MODE_DONTWAIT) === 'hello') {
            $rep->send('world');
        }
        $answer = $req->recv(ZMQ::MODE_DONTWAIT) ?: null;
        return $answer === null;
    }, 5);
    $device->run();
    return $answer === 'world';
});
check('curve', function () {
    $server = ZMQ::curveKeyPair();
    $client = ZMQ::curveKeyPair();
    $rep = socket(ZMQ::SOCKET_REP);
    $rep->setSockOpt(ZMQ::SOCKOPT_CURVE_SERVER, true);
    $rep->setSockOpt(ZMQ::SOCKOPT_CURVE_SECRETKEY, $server['secret_key']);
    $rep->bind('tcp://127.0.0.1:*');
    $req = socket(ZMQ::SOCKET_REQ);
    $req->setSockOpt(ZMQ::SOCKOPT_CURVE_SERVERKEY, $server['public_key']);
    $req->setSockOpt(ZMQ::SOCKOPT_CURVE_PUBLICKEY, $client['public_key']);
    $req->setSockOpt(ZMQ::SOCKOPT_CURVE_SECRETKEY, $client['secret_key']);
    $req->connect($rep->getSockOpt(ZMQ::SOCKOPT_LAST_ENDPOINT));
    $req->send('secret');
    $asked = $rep->recv();
    $rep->send('known');
    return $asked === 'secret' && $req->recv() === 'known';
});
check('z85', fn () => ZMQ::z85Encode("\x86\x4F\xD2\x6F\xB5\x59\xF7\x5B") === 'HelloWorld'
    && ZMQ::z85Decode('HelloWorld') === "\x86\x4F\xD2\x6F\xB5\x59\xF7\x5B");
array_map('unlink', glob("$dir/*"));
rmdir($dir);
unset($context);
echo "ok the context ends\ndone\n";
fgets(STDIN);

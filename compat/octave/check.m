% octave-zeromq: the names of C, one to one.
pkg load zeromq

function check (name, good)
  if good, word = 'ok'; else word = 'not ok'; end
  printf ('%s %s\n', word, name);
end

function s = opened (type)
  s = zmq_socket (type);
end

function [one, two] = pair (first, second, endpoint)
  one = opened (first);
  zmq_bind (one, endpoint);
  two = opened (second);
  if second == ZMQ_SUB
    zmq_setsockopt (two, ZMQ_SUBSCRIBE, 'news');
  end
  zmq_connect (two, strrep (zmq_getsockopt (one, ZMQ_LAST_ENDPOINT), "\0", ''));
end

function text = got (socket)
  text = char (zmq_recv (socket, 100000)(:)');
end

folder = tempname ();
mkdir (folder);
endpoints = {'tcp://127.0.0.1:*', ['ipc://' folder '/']};
names = {'tcp', 'ipc'};
for t = 1:2
  where = @(n) [endpoints{t} repmat(n, 1, t - 1)];
  [rep, req] = pair (ZMQ_REP, ZMQ_REQ, where ('a'));
  good = true;
  for n = 1:100
    zmq_send (req, uint8 ('question'), ZMQ_SNDMORE);
    zmq_send (req, uint8 (sprintf ('%d', n)));
    good = good && strcmp (got (rep), 'question') && zmq_getsockopt (rep, ZMQ_RCVMORE);
    asked = got (rep);
    zmq_send (rep, uint8 ([asked '!']));
    good = good && strcmp (got (req), sprintf ('%d!', n));
  end
  check ([names{t} ': requests and replies'], good);
  [pull, push] = pair (ZMQ_PULL, ZMQ_PUSH, where ('b'));
  for n = 1:800
    zmq_send (push, uint8 (sprintf ('%d', n)));
  end
  good = true;
  for n = 1:800
    good = good && strcmp (got (pull), sprintf ('%d', n));
  end
  check ([names{t} ': a stream'], good);
  [xpub, sub] = pair (ZMQ_XPUB, ZMQ_SUB, where ('c'));
  good = strcmp (got (xpub), [char(1) 'news']);
  zmq_send (xpub, uint8 ('news 1'));
  zmq_send (xpub, uint8 ('other'));
  zmq_send (xpub, uint8 ('news 2'));
  check ([names{t} ': topics'], good && strcmp (got (sub), 'news 1') && strcmp (got (sub), 'news 2'));
  [router, dealer] = pair (ZMQ_ROUTER, ZMQ_DEALER, where ('d'));
  zmq_send (dealer, uint8 ('hello'));
  from = zmq_recv (router, 100);
  good = strcmp (got (router), 'hello');
  zmq_send (router, from, ZMQ_SNDMORE);
  zmq_send (router, uint8 ('world'));
  check ([names{t} ': identities'], good && strcmp (got (dealer), 'world'));
  cellfun (@zmq_close, {rep, req, pull, push, xpub, sub, router, dealer});
end
s = opened (ZMQ_DEALER);
zmq_setsockopt (s, ZMQ_BACKLOG, 7);
zmq_setsockopt (s, ZMQ_ROUTING_ID, 'somebody');
check ('options', zmq_getsockopt (s, ZMQ_BACKLOG) == 7 && zmq_getsockopt (s, ZMQ_TYPE) == ZMQ_DEALER);
answer = 0;
try
  answer = zmq_bind (s, 'tcp://127.0.0.1:x');
catch error
  disp (error.message)
  answer = false;
end
check ('errors', ! answer);
zmq_close (s);
confirm_recursive_rmdir (false);
rmdir (folder, 's');
% The package's own tests, as they are installed.
place = fileparts (which ('zmq_socket'));
for file = dir ([place '/*.cc-tst'])'
  [passed, of] = test ([place '/' file.name], 'quiet');
  if of > 0
    check ([file.name ': its own tests'], passed == of);
  end
end
puts ("done\n");
fflush (stdout);
fgetl (stdin);

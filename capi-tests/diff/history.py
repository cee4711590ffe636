"""What the lines of a log tell: sockets, their options, who met whom and who has left."""

import re

PAIR, PUB, SUB, REQ, REP, DEALER, ROUTER, PULL, PUSH, XPUB, XSUB, STREAM = range(12)

# The types that each talks to.
PARTNERS = {PAIR: {PAIR}, PUB: {SUB, XSUB}, SUB: {PUB, XPUB}, REQ: {REP, ROUTER},
            REP: {REQ, DEALER}, DEALER: {REP, DEALER, ROUTER}, ROUTER: {REQ, DEALER, ROUTER},
            PULL: {PUSH}, PUSH: {PULL}, XPUB: {SUB, XSUB}, XSUB: {PUB, XPUB}}

# ZMQ_SNDHWM and ZMQ_RCVHWM, by number and by name.
MARKS = ("23", "24", "SNDHWM", "RCVHWM")


def plain(endpoint):
    """As it was written, where the library added IPv6."""
    return endpoint.replace("[::ffff:HOST]", "HOST")


def loose(endpoint):
    """The same for all ways to write an endpoint."""
    known = re.fullmatch(r"inproc://.*|tcp://HOST:700[678]|ipc://e\d", endpoint)
    return endpoint if known else endpoint.split(":")[0]


class Peer:
    """A socket of the sequence, as far as the log tells."""

    def __init__(self, slot, kind, context):
        self.slot, self.kind, self.context = slot, kind, context
        self.bound, self.connected = set(), set()
        self.options = {}
        self.ipv6 = False
        self.monitored = False
        self.monitor_ended = False
        self.gone = False
        self.unfinished = False
        # A connection of its own ended amid a message that it was sending.
        self.interrupted = False
        self.multipart = False
        # Endpoints that it has connected to twice.
        self.repeats = set()
        # A water mark was changed while it was bound or connected.
        self.remarked = False
        # Endpoints at whose other side somebody left; those of them where messages
        # may have waited to be read then.
        self.losses, self.disorder = set(), set()

    def is_raw(self):
        return self.kind == STREAM or self.options.get("41") == "1"

    def has_set(self, *names):
        """Whether an option is on, under its number or its name."""
        return any(self.options.get(name, "0") != "0" for name in names)

    def conflates(self):
        return self.has_set("54", "CONFLATE")

    def probes(self):
        return self.has_set("51", "PROBE_ROUTER")

    def welcomes(self):
        return any(name in self.options for name in ("72", "XPUB_WELCOME_MSG"))

    def stops_when_refused(self):
        return int(self.options.get("RECONNECT_STOP", self.options.get("109", 0))) & 1

    def endpoints(self):
        return self.bound | self.connected

    def lost(self, transport=r"\w+"):
        """Whether a connection of this socket's ended, at either side."""
        return any(re.match(transport + ":", name) for name in self.losses)

    def lose(self, name, orderly):
        self.losses.add(name)
        self.interrupted |= self.unfinished
        if not orderly:
            self.disorder.add(name)

    def meets(self, other):
        return bool(self.bound & other.connected or self.connected & other.bound)

    def may_meet(self, other):
        """As meets, also where the endpoints may be other names of the same one."""
        return bool(set(map(loose, self.bound)) & set(map(loose, other.connected))
                    or set(map(loose, self.connected)) & set(map(loose, other.bound)))


class History:
    """What the lines of a log tell of sockets and their connections."""

    def __init__(self, lines):
        self.sockets = {}
        self.all = []
        # The front, back and capture of each.
        self.proxies = []
        self.ipv6 = {}
        # All that had come was read just now.
        self.drained = False
        self.shutdown = False
        for line in lines:
            self.note(line)

    def note(self, line):
        context = re.match(r"\d\d ctx_set (ctx\d) IPV6 (\d+) = 0", line)
        if context:
            self.ipv6[context[1]] = context[2] != "0"
        made = re.match(r"\d\d socket s(\d) (ctx\d) type (\d+) = 0", line)
        if made:
            peer = Peer(int(made[1]), int(made[3]), made[2])
            peer.ipv6 = self.ipv6.get(made[2], False)
            self.sockets[peer.slot] = peer
            self.all.append(peer)
            return
        if re.match(r"\d\d ctx_shutdown = 0", line):
            self.shutdown = True
        if re.match(r"\d\d ", line) and not re.match(r"\d\d (close|unbind|disconnect)", line):
            self.drained = line[3:] == "drain" and not self.proxies
        stuck = re.match(r"left s(\d) = -1 EFSM", line)
        if stuck and int(stuck[1]) in self.sockets:
            # A REP has to answer first.
            self.drained &= self.sockets[int(stuck[1])].kind != REP
        if re.match(r"\d\d proxy s.*\d$", line):
            self.proxies.append([self.sockets.pop(int(slot))
                                 for slot in dict.fromkeys(re.findall(r" s(\d)", line))])
            return
        sent = re.match(r"\d\d msg m\d send (more )?to s(\d).* = \d", line)
        if sent and int(sent[2]) in self.sockets:
            self.sockets[int(sent[2])].unfinished = bool(sent[1])
        of = re.match(r"(?:\d\d|  ) (\S+) s(\d)(.*)", line)
        peer = of and self.sockets.get(int(of[2]))
        if not peer:
            return
        verb, rest = of[1], of[3]
        endpoint = re.search(r"((?:tcp|ipc|inproc)://[^' ]*)", rest)
        done = re.search(r" = 0( = 0)?$", rest)
        if verb in ("bind", "connect") and endpoint and done:
            name = re.sub(r"\*$", "WILD", plain(endpoint[1]))
            if verb == "connect" and name in peer.connected:
                peer.repeats.add(name)
            (peer.bound if verb == "bind" else peer.connected).add(name)
            # Whose connect it still finds.
            if verb == "bind" and any(name in other.connected for other in self.all
                                      if other.gone):
                peer.disorder.add(name)
        elif verb in ("unbind", "disconnect") and endpoint and done:
            self.lose(peer, plain(endpoint[1]))
            peer.lose(plain(endpoint[1]), self.drained)
        elif verb == "close":
            for name in peer.endpoints():
                self.lose(peer, name)
            peer.gone = True
            del self.sockets[peer.slot]
        elif verb == "monitor" and done:
            peer.monitored = True
            peer.monitor_ended |= " no more" in rest
        elif verb == "set" and done:
            option = re.match(r" option (\d+) value (\S+)|  ?(\S+) size \d+ (\S+)", rest)
            if option:
                name, value = option[1] or option[3], option[2] or option[4]
                peer.options[name] = value
                peer.remarked |= bool(peer.endpoints()) and name in MARKS
                if name in ("42", "IPV6"):
                    peer.ipv6 = value == "1"
                elif name in ("31", "IPV4ONLY"):
                    peer.ipv6 = value == "0"
        elif verb == "subscribe" and done:
            option = re.match(r" option (\d+) (.*) = ", rest)
            if option:
                peer.options[option[1]] = option[2]
        if verb in ("send", "send_whole", "send_to", "await"):
            self.note_frames(peer, rest)
        if verb == "send_to" and re.search(r" amid = 0( |$)", rest) and peer.is_raw():
            for name in peer.endpoints():
                self.lose(peer, name)
                peer.lose(name, self.drained)

    @staticmethod
    def note_frames(peer, rest):
        """Whether the last frame sent said that more would come."""
        results = re.findall(r"(?<!flags) = (-?\d+)", rest)
        peer.multipart |= " amid" in rest
        if re.search(r" flags \d", rest):
            if results[-1] != "-1":
                peer.unfinished = bool(int(re.search(r" flags (\d)", rest)[1]) & 2)
        elif results and results[-1] != "-1":
            peer.unfinished = False
        else:
            peer.unfinished |= len(results) > 1

    def lose(self, peer, endpoint):
        """The peer leaves an endpoint."""
        for other in self.all:
            if other is not peer and not other.gone and endpoint in other.endpoints():
                # A routing id waits over inproc like a message, and none but ROUTER
                # reads it.
                unread = endpoint.startswith("inproc:") and "5" in other.options \
                    and peer.kind != ROUTER
                other.lose(endpoint, self.drained and not unread)

    def lost(self, slot, transport=r"\w+"):
        return slot in self.sockets and self.sockets[slot].lost(transport)

    def turned_away(self, slot, transport):
        """Whether one has connected to a PAIR that has another peer, or is to; or to itself,
        who is a second one. Over a network others than PAIRs do not come so far."""
        own = self.sockets.get(slot)
        hosts = [host for host in self.sockets.values() if own and host.kind == PAIR
                 and (own.kind == PAIR or transport == "inproc:")
                 and any(re.match(transport, name) for name in host.bound & own.connected)]
        return any(host is own or host.connected or len(self.peers(host.slot)) > 1
                   for host in hosts)

    def peers_of(self, own):
        return [p for p in self.all if p is not own and p.meets(own)]

    def peers(self, slot):
        return self.peers_of(self.sockets[slot]) if slot in self.sockets else []

    def connections(self, own):
        """How many the socket ever had, each counted once."""
        return sum(1 + (name in own.repeats | peer.repeats) for peer in self.peers_of(own)
                   for name in own.bound & peer.connected | own.connected & peer.bound)

    def company(self, slots):
        """All who were ever in these places, and whom they could hear of: peers, peers of
        peers, those that a proxy joins."""
        company = [peer for peer in self.all if peer.slot in slots]
        for peer in company:
            joined = [other for proxy in self.proxies if peer in proxy for other in proxy]
            company += [other for other in self.all if other not in company
                        and (other in joined or peer.may_meet(other))]
        return company

    def circle(self, slot):
        """The socket and its peers."""
        return [self.sockets[slot], *self.peers(slot)] if slot in self.sockets else []

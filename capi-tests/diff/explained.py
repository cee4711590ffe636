"""Differences that COMPAT.md explains: for each, what must have happened before.

An explanation is a function of a Case: the first two lines that differ, and what
the oracle had said until then. It holds for those lines only; what follows them is
not compared any more, so each asks for as much as it can.
"""

import re
from collections import Counter

from history import (DEALER, PAIR, PARTNERS, PUB, PUSH, REP, REQ, ROUTER, STREAM, SUB, XPUB, XSUB,
                     History, loose, plain)

# Lines that tell what was received, or what could be.
RECEIVES = r"(left|\d\d (recv\S*|old|msg m\d recv from|poll|await|get)) ?"
# What a proxy ended with, or has counted, depends on what it received.
PROXY = r"proxy (\d) |\d\d steer (\d) "


# The id of a ROUTER's peer, before the frames of its message.
PEER_ID = r"\[(id( \d+)?|1 A|2 BB|3 CCC|24 D+ #\w+)\] \| "


def delivered(lines, ids=True):
    """The sizes of all frames that were received. What they hold is told only in part,
    depending on the call."""
    sizes = []
    for line in lines:
        if not ids:
            line = re.sub(PEER_ID, "", line, count=1)
        if re.match(r"\d\d recv s", line):
            sizes += re.findall(r" = (\d+)", line)
        elif re.match(r"\d\d recv_whole|left |\d\d old s\d recv", line):
            sizes += re.findall(r"\[(\d+|id)[ \]]", line)
    return sorted("5" if size == "id" else size for size in sizes)


def sent(lines):
    """The sizes of all frames that were sent."""
    sizes = set()
    for line in lines:
        if re.match(r"\d\d (send|send_whole|send_to|await) s", line):
            sizes.update(re.findall(r"(?<!flags) = (\d+)", line))
    return sizes


def first_frame(line):
    """The size of the first frame that a line tells of, without the id of a ROUTER's peer."""
    return set(delivered([re.sub(PEER_ID, "", line, count=1).split("|")[0]]))


class Case:
    """Two answers, and the first lines in which they differ."""

    def __init__(self, theirs, mine, line, our_line, of_waiters=False):
        self.theirs, self.mine = theirs, mine
        # Whether to look at those who wait for a message, and not at its sender.
        self.of_waiters = of_waiters
        self.line, self.our_line = line, our_line
        same = 0
        while same < min(len(theirs), len(mine)) and theirs[same] == mine[same]:
            same += 1
        self.before = theirs[:same]
        self.history = History(self.before)

    def both(self, theirs, mine):
        return re.search(theirs, self.line) and re.search(mine, self.our_line)

    def same_call(self):
        """Whether they tell of the same call: none of them of an event besides."""
        calls = [re.match(r"(\d\d \S+|\s*\S+)( s\d)?", line) for line in (self.line, self.our_line)]
        return all(calls) and calls[0][0] == calls[1][0]

    def states(self):
        """What could be done with sockets, POLLIN and POLLOUT, in the one and the other."""
        return [[int(bits) for bits in re.findall(r" (?:\d:|EVENTS .* size 4 )(\d)", line)]
                if re.match(r"\d\d (poll|get s\d EVENTS)", line) else []
                for line in (self.line, self.our_line)]

    def more_is_possible(self):
        """Whether ours sends, receives or is ready where libzmq's was not."""
        states = self.states()
        if states[0]:
            return all(a & ~b == 0 for a, b in zip(*states))
        in_vain = r" = -1 (EAGAIN|EHOSTUNREACH)| in vain| nothing by"
        return re.search(in_vain, self.line) and not re.search(in_vain, self.our_line)

    def slots(self):
        """Whose state the lines differ in."""
        if re.match(r"\d\d poll", self.line):
            states = [set(re.findall(r" (\d):(\d+)", line)) for line in (self.line, self.our_line)]
            return sorted({int(slot) for slot, _ in states[0] ^ states[1]})
        if self.of_waiters:
            return self.waiters()
        return [int(slot) for slot in re.findall(r" s(\d)", self.line + self.our_line)[:1]]

    def waiters(self):
        """Who waits in one of the answers only, else those whom the sender could reach."""
        waits = [re.match(r"\d\d await s(\d) for((?: \d)*) ", line)
                 for line in (self.line, self.our_line)]
        if not all(waits):
            return []
        slots = [set(map(int, wait[2].split())) for wait in waits]
        peers = {peer.slot for peer in self.history.peers(int(waits[0][1])) if not peer.gone}
        return sorted(slots[0] ^ slots[1] or slots[0] & peers)

    def circles(self):
        """For each of those concerned it and its peers; of a proxy those of all its sockets."""
        proxy = re.match(PROXY, self.line)
        if not proxy:
            return [self.history.circle(slot) for slot in self.slots()]
        held = self.history.proxies[int(proxy[1] or proxy[2])]
        return [held + [peer for own in held for peer in self.history.all
                        if peer is not own and peer.meets(own)]]

    def sockets(self):
        return [self.history.sockets[s] for s in self.slots() if s in self.history.sockets]

    def kinds(self):
        return {peer.kind for peer in self.sockets()}

    def lost(self, transport=r"\w+"):
        """Whether each of the sockets concerned has lost a connection."""
        slots = self.slots()
        return bool(slots) and all(self.history.lost(slot, transport) for slot in slots)

    def same_but_for_order(self):
        """Whether they differ only in who got a message, and when. Between two sockets
        that order is fixed. What a proxy or a closed socket has is not received."""
        all_of = [delivered(answer) for answer in (self.theirs, self.mine)]
        # Only a ROUTER that gets it sees an id.
        of_others = delivered(self.theirs, ids=False) == delivered(self.mine, ids=False) != []
        # One may have read the first frame only when the socket was closed.
        here = [delivered([line.split("|")[0]]) for line in (self.line, self.our_line)]
        found = [set(here[0]) <= set(all_of[1]), set(here[1]) <= set(all_of[0])]
        exchanged = here[0] and here[1] and (
            # Whom the ids were read of that send_to answers to depends on the order, too.
            all(found) and any(re.match(r"\d\d (close|send_to) s", line) for line in self.mine)
            or any(found) and any(re.match(r"\d\d proxy", line) for line in self.mine))
        if re.match(r"\d\d (poll|get)", self.line):
            # What is seen there may decide whether more is sent.
            counts = [Counter(sizes) for sizes in all_of]
            exchanged = all_of[0] and all_of[1] and (counts[0] <= counts[1] or counts[1] <= counts[0])
        elif all(here):
            # Each was received by both, or sent and never received, since the socket was closed
            # or the sequence ended.
            known = [first_frame(line) <= set(theirs) | sent(self.mine) for line, theirs
                     in zip((self.line, self.our_line), reversed(all_of))]
            exchanged = exchanged or all(known)
        return re.match(r"left |\d\d (recv|old|poll|get s\d EVENTS)", self.line) \
            and (all_of[0] == all_of[1] != [] or exchanged or of_others)

    def tells_of_what_was_sent(self):
        """Whether each line tells that nothing was received, or what somebody sent."""
        return re.match(RECEIVES, self.line) and all(
            first_frame(line) <= sent(self.mine) for line in (self.line, self.our_line))

    def last_operation(self):
        """The operation that the lines belong to, or came after."""
        for line in reversed(self.before):
            if re.match(r"\d\d |   (unbind|disconnect)", line):
                return line
        return ""


def left_in_disorder(case, transport):
    """Whether those concerned, or their peers, were left while messages waited."""
    circles = case.circles()
    return bool(circles) and all(
        any(name.startswith(transport) for peer in circle for name in peer.disorder)
        for circle in circles)


def order_over_a_network(case):
    """Which of several peers over a network is read or served first. Who connects to himself
    has two."""
    history = History(case.theirs)
    company = history.company(case.slots())

    def has_several(peer):
        own = {name for name in peer.endpoints() if not name.startswith("inproc:")}
        return peer.repeats & own or own and (len(own) > 1 or peer.may_meet(peer) or sum(
            peer is not other and peer.may_meet(other) for other in company) > 1)
    return any(map(has_several, company)) and case.same_but_for_order()


def which_connection_ended_first(case):
    """STREAM and ROUTER_RAW: which of several connections over a network is told first to
    have ended."""
    ids = r"id \d+"
    if any("61" in peer.options for peer in case.sockets()):
        ids += "|1 A|2 BB|3 CCC|24 D+ #\\w+"
    told = [re.sub(rf"( = \d+)? \[({ids})\]", " [id]", line, count=1)
            for line in (case.line, case.our_line)]
    return told[0] == told[1] and re.match(RECEIVES, case.line) and case.lost("tcp|ipc") \
        and all(peer.is_raw() and (peer.repeats or len(case.history.circle(peer.slot)) > 2)
                for peer in case.sockets())


def pair_that_turns_another_away(case):
    """PAIR over a network: a second peer (it may be the same one) is turned away and tries
    again."""
    event = re.match(r"   event s(\d) 6 (ACCEPTED|CONNECTED|DISCONNECTED|HANDSHAKE_SUCCEEDED) ",
                     case.our_line)
    return event and any(case.history.turned_away(pair.slot, "tcp:|ipc:")
                         for pair in case.history.circle(int(event[1])))


def manual_subscription_after_a_message(case):
    """XPUB in manual mode: whose subscription ZMQ_SUBSCRIBE answers, after a user's message
    was received."""
    def shifted(host):
        if host.kind != XPUB or host.options.get("71") != "1":
            return False
        log = "\n".join(case.before)
        message = re.search(rf"^\d\d (recv\S*|old) s{host.slot} .*\[\d+ (?!%0[01])", log, re.M)
        return message and re.search(rf"^\d\d subscribe s{host.slot} option [67] .* = 0",
                                     log[message.end():], re.M)
    return re.match(RECEIVES, case.line) and case.slots() and all(
        any(map(shifted, case.history.circle(slot))) for slot in case.slots())


def turn_of_a_named_peer(case):
    """ROUTER over inproc: the id of a peer that was named with ZMQ_CONNECT_ROUTING_ID
    takes a turn in libzmq."""
    return case.same_but_for_order() and any(
        peer.kind == ROUTER and "61" in peer.options
        and any(name.startswith("inproc:") for name in peer.connected)
        for slot in case.slots() for peer in case.history.circle(slot))


def turn_after_a_peer_left(case):
    """Who is served next, after a network peer has left with messages unread, or a REQ that had
    asked nothing."""
    senders = [peer for circle in case.circles() for peer in circle
               if peer.kind in (DEALER, PUSH, REQ)
               and any(not name.startswith("inproc:")
                       for name in (peer.losses if peer.kind == REQ else peer.disorder))]
    return senders and re.match(f"{RECEIVES}|{PROXY}", case.line)


def turn_after_several_connections_ended(case):
    """Who is served next, after the end of a peer that had connected more than once to an
    inproc name."""
    repeated = {name for peer in case.history.all for name in peer.repeats
                if name.startswith("inproc:")}
    circles = case.circles()
    return re.match(f"{RECEIVES}|{PROXY}", case.line) and circles and all(any(
        peer.kind in (DEALER, PUSH, REQ) and peer.losses & repeated for peer in circle)
        for circle in circles)


def key_with_a_zero(case):
    """A CURVE key as text that has a NUL within."""
    return case.both(r"set s\d CURVE_\w+KEY size 4[01] .* = 0$", r" = -1 EINVAL$")


def rest_of_a_lost_message(case):
    """The oracle loses the rest of a message whose sender closes."""
    short = re.match(r"(.*\|) = -1 EAGAIN", case.line)
    return short and case.our_line.startswith(short[1]) and case.lost()


def inproc_connect_ended(case):
    """An inproc connect whose peer has left, or turned it away: when it is no more. A REQ that
    has asked nothing does not look, nor a ROUTER or REP at a peer whose name is taken."""
    return case.both(r"^   (unbind|disconnect) .*inproc:.* = 0$", r"= -1 ENOENT$") \
        and left_alone(case, "inproc") \
        and (left_in_disorder(case, "inproc:") or case.kinds() <= {REQ, REP, ROUTER})


def of_proxy(case, number, proxy):
    """Whether the lines tell of a proxy, or of somebody that it talks to."""
    return re.match(rf"proxy {number} |\d\d steer {number} ", case.line) \
        or any(peer.meets(held) for peer in case.sockets() for held in proxy)


def proxy_goes_on(case):
    """A proxy with a REQ goes on when what woke it was no reply, or cannot be sent in the
    REQ's state."""
    ends = [dict(re.findall(r"^proxy (\d) = (.*)", "\n".join(answer), re.M))
            for answer in (case.theirs, case.mine)]
    return any(re.match("-1 (EAGAIN|EFSM)", ends[0].get(str(i), ""))
               and ends[1].get(str(i)) != ends[0][str(i)]
               and any(held.kind == REQ for held in proxy) and of_proxy(case, i, proxy)
               for i, proxy in enumerate(case.history.proxies))


def proxy_whose_capture_ended(case):
    """A proxy that is to show its messages to a socket whose context has ended ends at
    once."""
    steered = re.match(r"(?:\d\d steer|proxy) (\d) ", case.line)
    begun = [line for line in case.before if re.match(r"\d\d proxy s.*\d$", line)]
    return steered and case.history.shutdown \
        and any(" seen by " in line for line in begun[int(steered[1]):][:1])


def proxy_that_feeds_itself(case):
    """Messages that come back to a proxy go round for ever, or end the subscription they
    came by: when which of them is seen is chance, and libzmq's takes no command while it
    waits for room."""
    def subscribes(held):
        """What it passes back to where it came from may end the subscription."""
        return len(held) == 1 and held[0].kind == XSUB
    return any(of_proxy(case, number, held)
               and (subscribes(held) or any(a.meets(b) for a in held for b in held))
               for number, held in enumerate(case.history.proxies))


def proxy_of_a_stream_whose_peer_left(case):
    """A proxy that sends to a STREAM's peer that has gone ends with EHOSTUNREACH."""
    end = case.both(r"^proxy (\d) = -1 ETERM", r"^proxy \d = -1 EHOSTUNREACH")
    return end and any(held.kind == STREAM
                       for held in case.history.proxies[int(case.line.split()[1])])


def left_alone(case, transport=r"\w+"):
    """Whether the peer of those concerned has left, or turned them away."""
    return case.sockets() and all(
        peer.lost(transport) or case.history.turned_away(peer.slot, "inproc:")
        for peer in case.sockets())


def rest_of_a_message_goes_nowhere(case):
    """The rest of a message whose peer has left: dropped, without an EAGAIN first."""
    return case.both(r" amid = -1 EAGAIN", r" amid = \d") and left_alone(case)


def rest_of_a_message_can_be_sent(case):
    """The rest of a message whose peer has left can be sent: nowhere."""
    writable = [[bits & 2 for bits in states] for states in case.states()]
    return writable[0] and all(a <= b for a, b in zip(*writable)) and left_alone(case) \
        and all(peer.unfinished for peer in case.sockets())


def rest_of_a_message_for_the_next_peer(case):
    """The rest of a message that a PAIR's peer left amid: libzmq sends it to the next one."""
    def passes_on(slot):
        return any(peer.kind == PAIR and peer.interrupted and peer.lost("inproc")
                   for peer in case.history.peers(slot))
    return re.match(RECEIVES, case.line) and case.slots() and all(map(passes_on, case.slots()))


def message_amid_which_another_left(case):
    """A message amid which another peer leaves stays whole: libzmq may send its rest to a
    third."""
    def breaks(peer):
        return peer.kind in (DEALER, PUSH, REQ) and peer.interrupted and not peer.gone \
            and case.history.connections(peer) > 2
    circles = case.circles()
    return re.match(f"{RECEIVES}|{PROXY}", case.line) and circles and all(
        any(map(breaks, circle)) for circle in circles)


def place_of_a_waiting_socket(case):
    """A socket that was closed with a connect to an inproc name that is not bound, or
    whose inproc peer was not called since, or with nothing but a greeting or subscriptions
    for its peer, or a monitor's: its place is free at once."""
    def waits(peer):
        return peer.monitor_ended or peer.gone and (
            any(name.startswith("inproc:") for name in peer.endpoints())
            or peer.connected
            and (peer.probes() or peer.welcomes() or peer.kind in (SUB, XSUB)))
    full = r"^\d\d (socket .* = -1 EMFILE|monitor .*( no peer| = -1 EMFILE)|proxy .* no control)"
    made = re.search(r"ctx\d", case.line)
    contexts = [made[0]] if made else [peer.context for peer in case.sockets()]
    return case.both(full, r" = (0|-1 EMFILE)$|proxy .* s\d$") \
        and any(peer.context in contexts and waits(peer) for peer in case.history.all)


def turn_after_an_inproc_peer_left(case):
    """An inproc peer that left: known at once, and the turn goes to the next."""
    def has_lost(circle):
        return any(peer.kind in (DEALER, PUSH, REQ) and peer.lost("inproc") for peer in circle)
    def drops_messages(circle):
        return any(other.kind == REP or other.conflates() for peer in circle
                   for other in case.history.all if peer.meets(other))
    circles = case.circles()
    return left_in_disorder(case, "inproc:") and (
        case.same_but_for_order() or re.match(PROXY, case.line)
        or re.match(RECEIVES, case.line) and all(map(drops_messages, circles))) \
        or (circles and all(map(has_lost, circles))
            or case.history.proxies and has_lost(case.history.company(case.slots()))) \
        and (case.same_but_for_order() or case.tells_of_what_was_sent())


def inproc_peer_that_left(case):
    """An inproc peer that left while messages waited: known at once, and nobody waits for
    it or finds it in his way."""
    def counted_it_in(peer):
        return any(name.startswith("inproc:") for name in peer.disorder) and (
            peer.kind in (REQ, PAIR)
            or peer.kind == ROUTER and ({"33", "61"} & set(peer.options) or any(
                "5" in other.options for other in case.history.all if peer.meets(other))))
    circles = case.circles()
    return re.match(rf"{RECEIVES}|{PROXY}|\d\d (send|msg m\d send)", case.line) and circles \
        and all(any(map(counted_it_in, circle)) for circle in circles)


def router_whose_peer_left(case):
    """ROUTER with ZMQ_ROUTER_MANDATORY: a peer that left, over a network while messages waited,
    makes it writable no more."""
    states = case.states()
    return states[0] and all(a | 2 == b | 2 and a >= b for a, b in zip(*states)) \
        and case.kinds() == {ROUTER} \
        and (case.lost("inproc") or left_in_disorder(case, ("tcp:", "ipc:"))) \
        and all(peer.has_set("33", "ROUTER_MANDATORY") for peer in case.sockets())


def subscriptions_of_a_closed_socket(case):
    """XPUB, and types that are no partners of SUB: the subscriptions of a SUB that was closed
    before its inproc connect found a bind are not told, nor their ends."""
    told = re.search(r" s(\d).* \[\d+ ", case.line)
    host = told and case.history.sockets.get(int(told[1]))
    if not host:
        return False
    if SUB in PARTNERS.get(host.kind, {SUB}):
        shown = host.kind == XPUB and re.search(r" \[\d+ %01", case.line)
    else:
        shown = re.search(r" = -1 EAGAIN", case.our_line)
    return shown and any(
        peer.gone and peer.kind == SUB
        and any(name.startswith("inproc:") for name in host.bound & peer.connected)
        for peer in case.history.all)


def conflated_frames(case):
    """ZMQ_CONFLATE with messages of several frames: which of them is kept."""
    def conflated(slot):
        circle = case.history.circle(slot)
        return any(p.conflates() for p in circle) \
            and any(p.multipart or p.unfinished for p in circle)
    return re.match(RECEIVES, case.line) and case.slots() \
        and all(conflated(slot) for slot in case.slots())


def subscriptions_that_are_conflated(case):
    """SUB or PUB with ZMQ_CONFLATE: all its subscriptions count; a DEALER's probe and routing id
    arrive."""
    def loses(peer):
        return peer.conflates() and (peer.kind in (PUB, SUB) or peer.kind == DEALER and peer.probes())
    return re.match(RECEIVES, case.line) and case.slots() \
        and any(map(loses, case.history.company(case.slots())))


def body_that_was_freed(case):
    """XPUB that sends a user's message on to several peers: libzmq frees its body too early."""
    sizes = [re.sub(r"\[(\d+) .*? #\w+\]", r"[\1]", line) for line in (case.line, case.our_line)]
    return sizes[0] == sizes[1] and re.match(RECEIVES, case.line) \
        and any(peer.kind == XPUB for peer in case.history.company(case.slots()))


def req_that_gets_no_reply(case):
    """A REQ that gets a probe over a network, which may be its own from a proxy: libzmq closes
    the connection."""
    held = [peer for proxy in case.history.proxies for peer in proxy]

    def answers_amiss(req, other):
        ends = req.bound & other.connected | req.connected & other.bound
        return other.kind in (REP, ROUTER) and (other.probes() or req.probes() and other in held) \
            and any(not name.startswith("inproc:") for name in ends)

    def is_closed(req):
        return req.kind == REQ and any(answers_amiss(req, other) for other in case.history.all)

    def circle(slot):
        own = [peer for peer in held if peer.slot == slot and not peer.gone]
        return case.history.circle(slot) or own + sum(map(case.history.peers_of, own), [])
    return re.match(RECEIVES + r"|\d\d (send|msg m\d send)|   event ", case.line) \
        and case.slots() and all(any(map(is_closed, circle(slot))) for slot in case.slots())


def request_that_went_nowhere(case):
    """A REQ's request whose last frame went nowhere is out: after a send that may wait, libzmq's
    REQ goes on with the next one, without its empty frame."""
    def asked_nobody(peer):
        return peer.kind == REQ and peer.interrupted and peer.lost("inproc")
    return re.match(RECEIVES + r"|\d\d (send|msg m\d send)", case.line) and case.slots() \
        and all(any(map(asked_nobody, case.history.circle(slot))) for slot in case.slots())


def pair_whose_pending_connect_ended(case):
    """A PAIR whose connect to an inproc name that nobody bound was ended, or to which a
    socket had connected so that was closed, can have another peer."""
    def held(slot):
        peer = case.history.sockets.get(slot)
        return peer and peer.kind == PAIR and (
            any(name in peer.connected and name.startswith("inproc:") for name in peer.losses)
            or any(other.gone and other.connected & peer.bound for other in case.history.all))
    return case.more_is_possible() \
        and re.match(RECEIVES + r"|\d\d (send|msg m\d send)", case.line) and any(
            held(s) or any(held(p.slot) for p in case.history.peers(s)) for s in case.slots())


def pair_whose_messages_linger(case):
    """A PAIR that ended a connect before its messages had left can have another peer."""
    return case.more_is_possible() and case.sockets() and all(
        peer.kind == PAIR and any(re.match("tcp:|ipc:", name)
                                  for name in peer.losses & peer.connected)
        for peer in case.sockets())


def read_before_the_end(case):
    """What came before a connection ended is still read."""
    return case.both(r"^(left|\d\d recv\S*) s\d.* = -1 EAGAIN", r"^(left|\d\d recv\S*) s\d.* \[") \
        and left_in_disorder(case, ("tcp:", "ipc:"))


def ends_at_once(case):
    """zmq_unbind and zmq_disconnect take effect at once, also a REQ's that has not asked
    since."""
    event = re.match(r"   event s(\d) 6 DISCONNECTED (\S+)", case.line) \
        or re.match(r"   event s(\d) 6 DISCONNECTED (\S+)", case.our_line)
    if not event:
        return False
    enders = [int(event[1])] + [peer.slot for peer in case.history.all if peer.kind == REQ]
    ended = tuple(f"s{slot} {plain(event[2])} = 0" for slot in enders)
    return re.match(r"   (unbind|disconnect) .* = 0$", case.last_operation()) \
        or any(line.endswith(ended) for line in case.before
               if re.match("   (unbind|disconnect)", line))


def types_that_are_no_partners(case):
    """Sockets whose types are no partners: libzmq's may have heard that the other end has
    hung up, and not yet why."""
    event = re.match(r"   event s(\d) 6 HANDSHAKE_FAILED_NO_DETAIL (\S+)", case.line)
    own = event and case.history.sockets.get(int(event[1]))
    if not own or re.match("   event .* HANDSHAKE_FAILED", case.our_line):
        return False
    at = {loose(plain(event[2]))}
    return any(other.kind not in PARTNERS.get(own.kind, range(12))
               and (at <= set(map(loose, own.bound)) & set(map(loose, other.connected))
                    or at <= set(map(loose, own.connected)) & set(map(loose, other.bound)))
               for other in case.history.all)


def req_whose_replier_was_disconnected(case):
    """A REQ that has ended its connect to an inproc name takes the reply from another at
    once, not only when the other end has noticed."""
    def free(slot):
        peer = case.history.sockets.get(slot)
        return peer and peer.kind == REQ and any(
            name in peer.connected and name.startswith("inproc:") for name in peer.losses)
    return case.both(r"^(left|\d\d recv\S*) s\d.* = -1 EAGAIN", r"^(left|\d\d recv\S*) s\d.* (\[|= \d)") \
        and any(free(slot) for slot in case.slots())


def router_that_is_its_own_peer(case):
    """ROUTER that connects to itself over inproc: which of its ends is known by its id."""
    return case.kinds() == {ROUTER} and re.match(RECEIVES, case.line) and all(
        "5" in peer.options and any(name.startswith("inproc:") for name in peer.bound & peer.connected)
        for peer in case.sockets())


def router_hears_who_comes_again(case):
    """ROUTER, REP: a peer that comes again under its name is heard at once."""
    comes_again = any("5" in peer.options and (peer.gone or peer.lost())
                      for slot in case.slots() for peer in case.history.peers(slot))
    return case.kinds() and case.kinds() <= {ROUTER, REP} and case.lost() and comes_again \
        and re.match(RECEIVES + r"|\d\d send_to", case.line) and (
            case.more_is_possible() or any("56" in peer.options for peer in case.sockets()))


def errno_under_a_monitor(case):
    """The errno of a bind that fails under a monitor."""
    return case.both(r"bind .* = -1 EAGAIN", r"bind .* = -1 E") \
        and all(peer.monitored for peer in case.sockets())


def mark_that_was_changed(case):
    """ZMQ_SNDHWM or ZMQ_RCVHWM, changed where there are connections: holds at once, and is
    exact."""
    full = case.both(r"^\d\d (send|old|msg m\d send).* = \d+", r" = -1 EAGAIN") \
        or any((a ^ b) & 2 for a, b in zip(*case.states()))
    return full and case.slots() and all(
        any(peer.remarked for peer in case.history.circle(slot)) for slot in case.slots())


def mark_that_is_exact(case):
    """ZMQ_SNDHWM, over a network: what a peer has taken before it left is known at once, and not
    only once it is half of the mark."""
    return case.more_is_possible() and case.sockets() and case.lost("tcp|ipc") \
        and (re.search(r" = -1 EAGAIN", case.line) and re.match(r"\d\d (send|old|msg m\d send)", case.line)
             or any((a ^ b) == 2 for a, b in zip(*case.states()))) \
        and all(peer.has_set("23", "SNDHWM") for peer in case.sockets())


def stream_peer_that_left(case):
    """STREAM: a peer that has gone is known to have gone at once."""
    return case.both(r"send_to .* = -1 EAGAIN", r"send_to .* = -1 EHOSTUNREACH") \
        and case.kinds() == {STREAM} and (case.lost() or any(
            # which sends its notices back, and so closes its connections
            held.is_raw() and peer.meets(held)
            for held in sum(case.history.proxies, []) for peer in case.sockets()))


def rep_after_a_request_without_envelope(case):
    """REP: the reply to the request after one without an envelope, whose sender has
    left."""
    answered = any(peer.kind == REP and peer.lost()
                   for slot in case.slots() for peer in case.history.peers(slot))
    return case.both(r"^(left|\d\d recv\S*) s\d.* = -1 EAGAIN",
                     r"^(left|\d\d recv\S*) s\d.* \[") and answered


def stops_however_it_is_written(case):
    """ZMQ_RECONNECT_STOP: an endpoint that libzmq would write in another way, or that is
    connected twice."""
    def odd(peer):
        names = [name for name in peer.connected if name.startswith("tcp:")]
        return names and (peer.repeats or peer.ipv6 or any(
            re.search(r"//\[|:0\d|:\d{6}|:7\d{4}$|;|[/ x]$", name) for name in names))
    return re.match(RECEIVES + r"|\d\d (send|msg m\d send)|   (unbind|disconnect)", case.line) \
        and case.sockets() \
        and all(peer.stops_when_refused() and odd(peer) for peer in case.sockets())


def connect_that_had_stopped(case):
    """ZMQ_RECONNECT_STOP: an endpoint that libzmq would write in another way, once it was
    refused, can be connected to anew."""
    told = re.match(r"   event s(\d) 6 \w+ ", case.our_line)
    own = told and case.history.sockets.get(int(told[1]))
    again = re.match(r"\d\d connect s(\d) .* = 0$", case.last_operation())
    return own and again and again[1] == told[1] and own.stops_when_refused() \
        and own.ipv6 and own.repeats


def stops_when_a_req_unbinds(case):
    """ZMQ_RECONNECT_STOP: a connect to a REQ that has unbound, at once also where it has not
    asked since, is refused, and ends."""
    ended = re.match(r"   disconnect s(\d) (\S+) = 0$", case.line)
    return ended and case.our_line == case.line.replace(" = 0", " = -1 ENOENT") and any(
        req.kind == REQ and plain(ended[2]) in req.losses
        for peer in case.sockets() if peer.stops_when_refused()
        for req in case.history.peers(peer.slot))


def stops_while_messages_wait(case):
    """ZMQ_RECONNECT_STOP: a connect that is refused ends, also while messages wait to be sent:
    libzmq's XPUB is not told then."""
    def is_refused(peer):
        served = {name for other in case.history.all if not other.gone and other is not peer
                  for name in other.bound - other.losses}
        return peer.stops_when_refused() and any(
            not name.startswith("inproc:") for name in peer.connected - served)
    return re.match(RECEIVES + r"|\d\d (send|msg m\d send)", case.line) and case.sockets() \
        and all(map(is_refused, case.sockets()))


EXPLANATIONS = [
    order_over_a_network, which_connection_ended_first, turn_of_a_named_peer,
    pair_that_turns_another_away, manual_subscription_after_a_message,
    rest_of_a_lost_message, inproc_connect_ended, proxy_goes_on,
    rest_of_a_message_goes_nowhere, rest_of_a_message_can_be_sent,
    rest_of_a_message_for_the_next_peer, message_amid_which_another_left,
    pair_whose_messages_linger, place_of_a_waiting_socket, ends_at_once,
    types_that_are_no_partners, req_whose_replier_was_disconnected,
    errno_under_a_monitor, mark_that_was_changed, mark_that_is_exact, stream_peer_that_left,
    stops_however_it_is_written, connect_that_had_stopped, key_with_a_zero, turn_after_a_peer_left,
    turn_after_several_connections_ended,
    read_before_the_end, router_that_is_its_own_peer, router_hears_who_comes_again,
    rep_after_a_request_without_envelope, conflated_frames,
    subscriptions_that_are_conflated, body_that_was_freed, req_that_gets_no_reply,
    request_that_went_nowhere, pair_whose_pending_connect_ended,
    turn_after_an_inproc_peer_left, inproc_peer_that_left, proxy_of_a_stream_whose_peer_left,
    proxy_that_feeds_itself, proxy_whose_capture_ended, subscriptions_of_a_closed_socket,
    router_whose_peer_left, stops_while_messages_wait, stops_when_a_req_unbinds,
]

# Those that tell of an event that only one library has told of.
OF_EVENTS = (pair_that_turns_another_away, ends_at_once, types_that_are_no_partners,
             req_that_gets_no_reply, connect_that_had_stopped)


def explain(theirs, mine, line, our_line):
    """Why the two lines differ, or None."""
    cases = [Case(theirs, mine, line, our_line)]
    if cases[0].waiters():
        cases.append(Case(theirs, mine, line, our_line, of_waiters=True))
    for explanation in EXPLANATIONS:
        for case in cases:
            if (case.same_call() or explanation in OF_EVENTS) and explanation(case):
                return " ".join(explanation.__doc__.split())
    return None

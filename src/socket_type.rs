//! The socket types of ØMQ: their numbers in the C API, their names on the
//! wire (RFC 23, "Socket-Type"), and which of them may talk to each other.

/// A socket type of the stable API. The discriminants are the C constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum SocketType {
    /// `ZMQ_PAIR`: exactly one peer (RFC 31).
    Pair = 0,
    /// `ZMQ_PUB`: sends to every subscriber (RFC 29).
    Pub = 1,
    /// `ZMQ_SUB`: receives what it subscribed to (RFC 29).
    Sub = 2,
    /// `ZMQ_REQ`: sends a request, then receives its reply (RFC 28).
    Req = 3,
    /// `ZMQ_REP`: receives a request, then sends its reply (RFC 28).
    Rep = 4,
    /// `ZMQ_DEALER`: load-balances out, fair-queues in (RFC 28).
    Dealer = 5,
    /// `ZMQ_ROUTER`: addresses each peer by its routing id (RFC 28).
    Router = 6,
    /// `ZMQ_PULL`: fair-queues in (RFC 30).
    Pull = 7,
    /// `ZMQ_PUSH`: load-balances out (RFC 30).
    Push = 8,
    /// `ZMQ_XPUB`: a publisher that sees subscriptions (RFC 29).
    XPub = 9,
    /// `ZMQ_XSUB`: a subscriber that sends subscriptions (RFC 29).
    XSub = 10,
    /// `ZMQ_STREAM`: raw connections, each addressed by a routing id. It speaks
    /// no ZMTP: no peer announces it.
    Stream = 11,
}

impl SocketType {
    /// Every type, in the order of the C constants.
    pub const ALL: [SocketType; 12] = [
        SocketType::Pair,
        SocketType::Pub,
        SocketType::Sub,
        SocketType::Req,
        SocketType::Rep,
        SocketType::Dealer,
        SocketType::Router,
        SocketType::Pull,
        SocketType::Push,
        SocketType::XPub,
        SocketType::XSub,
        SocketType::Stream,
    ];

    /// The type with this C constant.
    pub fn from_c(value: i32) -> Option<SocketType> {
        Self::ALL.into_iter().find(|t| *t as i32 == value)
    }

    /// The name in the `Socket-Type` property (RFC 23).
    pub fn name(self) -> &'static str {
        match self {
            SocketType::Pair => "PAIR",
            SocketType::Pub => "PUB",
            SocketType::Sub => "SUB",
            SocketType::Req => "REQ",
            SocketType::Rep => "REP",
            SocketType::Dealer => "DEALER",
            SocketType::Router => "ROUTER",
            SocketType::Pull => "PULL",
            SocketType::Push => "PUSH",
            SocketType::XPub => "XPUB",
            SocketType::XSub => "XSUB",
            SocketType::Stream => "STREAM",
        }
    }

    /// The type with this wire name.
    pub fn from_name(name: &[u8]) -> Option<SocketType> {
        Self::ALL.into_iter().find(|t| t.name().as_bytes() == name)
    }

    /// Whether the two may be connected (RFC 28 to 31, RFC 23 "valid socket
    /// combinations").
    pub fn talks_to(self, peer: SocketType) -> bool {
        use SocketType::*;
        match self {
            Pair => peer == Pair,
            Pub | XPub => matches!(peer, Sub | XSub),
            Sub | XSub => matches!(peer, Pub | XPub),
            Req => matches!(peer, Rep | Router),
            Rep => matches!(peer, Req | Dealer),
            Dealer => matches!(peer, Rep | Dealer | Router),
            Router => matches!(peer, Req | Dealer | Router),
            Pull => peer == Push,
            Push => peer == Pull,
            Stream => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatibility_is_symmetric() {
        for a in SocketType::ALL {
            for b in SocketType::ALL {
                assert_eq!(a.talks_to(b), b.talks_to(a), "{a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn names_and_numbers_lead_back() {
        for t in SocketType::ALL {
            assert_eq!(SocketType::from_name(t.name().as_bytes()), Some(t));
            assert_eq!(SocketType::from_c(t as i32), Some(t));
        }
        assert_eq!(SocketType::from_c(12), None);
        assert_eq!(SocketType::from_name(b"CLIENT"), None);
    }
}

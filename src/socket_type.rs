//! The socket types of ØMQ: their numbers in the C API, their names on the
//! wire (RFC 23, "Socket-Type"), and which of them may talk to each other.

/// A socket type. The discriminants are the C constants; those from 12 on are
/// of the draft API.
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
    /// `ZMQ_SERVER`: addresses each client by a number (RFC 41).
    Server = 12,
    /// `ZMQ_CLIENT`: load-balances out, fair-queues in (RFC 41).
    Client = 13,
    /// `ZMQ_RADIO`: sends to every member of a group (RFC 48).
    Radio = 14,
    /// `ZMQ_DISH`: receives what is sent to the groups it joined (RFC 48).
    Dish = 15,
    /// `ZMQ_GATHER`: fair-queues in (RFC 49).
    Gather = 16,
    /// `ZMQ_SCATTER`: load-balances out (RFC 49).
    Scatter = 17,
    /// `ZMQ_DGRAM`: datagrams, each with the address of its peer. It speaks no
    /// ZMTP: no peer announces it.
    Dgram = 18,
    /// `ZMQ_PEER`: addresses each peer by a number (RFC 51).
    Peer = 19,
    /// `ZMQ_CHANNEL`: exactly one peer (RFC 52).
    Channel = 20,
}

impl SocketType {
    /// Every type, in the order of the C constants.
    pub const ALL: [SocketType; 21] = [
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
        SocketType::Server,
        SocketType::Client,
        SocketType::Radio,
        SocketType::Dish,
        SocketType::Gather,
        SocketType::Scatter,
        SocketType::Dgram,
        SocketType::Peer,
        SocketType::Channel,
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
            SocketType::Server => "SERVER",
            SocketType::Client => "CLIENT",
            SocketType::Radio => "RADIO",
            SocketType::Dish => "DISH",
            SocketType::Gather => "GATHER",
            SocketType::Scatter => "SCATTER",
            SocketType::Dgram => "DGRAM",
            SocketType::Peer => "PEER",
            SocketType::Channel => "CHANNEL",
        }
    }

    /// The type with this wire name.
    pub fn from_name(name: &[u8]) -> Option<SocketType> {
        Self::ALL.into_iter().find(|t| t.name().as_bytes() == name)
    }

    /// Whether the two may be connected (RFC 37, "The Socket-Type
    /// Property").
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
            Server => peer == Client,
            Client => peer == Server,
            Radio => peer == Dish,
            Dish => peer == Radio,
            Gather => peer == Scatter,
            Scatter => peer == Gather,
            Peer => peer == Peer,
            Channel => peer == Channel,
            Stream | Dgram => false,
        }
    }

    /// Whether it is made for several threads at once, which is why it knows no
    /// multipart messages (RFC 37, "Thread-Safe Socket Types").
    pub fn is_thread_safe(self) -> bool {
        use SocketType::*;
        matches!(self, Server | Client | Radio | Dish | Gather | Scatter | Peer | Channel)
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
        assert_eq!(SocketType::from_c(21), None);
        assert_eq!(SocketType::from_name(b"client"), None);
    }
}

//! bind, connect, unbind, disconnect.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::inproc::{Door, Registry, Side};
use super::mailbox::Port;
use super::{Slot, Socket};
use crate::curve_keys::public_key;
use crate::error::{Errno, Result};
use crate::options::MechanismChoice;
use crate::pipe::{Key, pipe};
use crate::raw;
use crate::reactor::Reactor;
use crate::session::{
    Acceptor, DatagramSession, Framing, Placement, Session, Settings, Surroundings,
};
use crate::socket_type::SocketType;
use crate::trace::say;
use crate::transport::socks::{Credentials, Proxy};
use crate::transport::{Datagrams, Endpoint, Listener, Multicast, Tuning, UdpAddress};
use crate::zmtp::{self, Security};

/// What a socket has bound and connected.
#[derive(Default)]
pub(super) struct Endpoints {
    entries: Vec<Entry>,
}

pub(super) struct Entry {
    /// The text that unbind and disconnect take.
    pub(super) text: Arc<str>,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// Listens; closing it gives up what it accepted.
    Acceptor(Arc<Acceptor>),
    /// Connects; the key is that of a pipe that outlives connections.
    Session(Arc<Session>, Option<Key>),
    /// An inproc name.
    Name(String),
    /// A pipe to an inproc name.
    Inproc(Key),
    /// A pipe to an UDP socket.
    Datagrams(Key),
    /// A connect whose peer the pattern did not take: nothing but its name is
    /// there, to be disconnected.
    Refused,
}

impl Endpoints {
    /// All of them, in the order in which they came.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Forgets connects that do not go on: they are neither disconnected nor
    /// in the way of another one.
    fn forget_given_up(&mut self) {
        self.entries.retain(|entry| match &entry.kind {
            Kind::Session(session, _) => !session.has_given_up(),
            _ => true,
        });
    }

    /// Whether this endpoint was connected, not bound.
    #[cfg(feature = "draft")]
    pub(super) fn connects_to(&self, text: &str) -> bool {
        let connects = |kind: &Kind| matches!(kind, Kind::Session(..) | Kind::Inproc(_));
        self.entries.iter().any(|entry| &*entry.text == text && connects(&entry.kind))
    }

    /// Nobody is let in any more.
    pub(super) fn stop_listening(&self) {
        for entry in &self.entries {
            if let Kind::Acceptor(acceptor) = &entry.kind {
                acceptor.stop();
            }
        }
    }

    /// Closes what listens or connects. Pipes are the socket's to close.
    pub(super) fn close_all(
        &mut self,
        inproc: &Registry,
        port: &Arc<Port>,
        linger: Option<Duration>,
    ) {
        let door = Door::Socket(port.clone());
        for entry in self.entries.drain(..) {
            match entry.kind {
                Kind::Acceptor(acceptor) => acceptor.close(linger),
                Kind::Session(session, None) => session.abandon(linger),
                Kind::Session(_, Some(_)) => {}
                Kind::Name(name) => inproc.unbind(&name, &door),
                Kind::Inproc(_) | Kind::Datagrams(_) | Kind::Refused => {}
            }
        }
        inproc.forget(&door);
    }
}

impl Slot {
    /// Listens at an endpoint (manual page zmq_bind).
    pub(crate) fn bind(&self, text: &str) -> Result<()> {
        self.check_open()?;
        let endpoint = Endpoint::parse(text)?;
        let (name, settings, monitoring) = {
            let mut socket = self.lock()?;
            socket.process(self);
            socket.check_alive()?;
            socket.check_transport(&endpoint, SocketType::Dish)?;
            if let Endpoint::Inproc(name) = endpoint {
                return socket.bind_name(text, name);
            }
            socket.reactor_for_endpoint()?;
            (socket.name, socket.settings(), socket.monitoring.clone())
        };
        if let Endpoint::Udp(address) = &endpoint {
            let multicast = self.lock()?.multicast();
            let (datagrams, bound) = Datagrams::bind(address, &settings.tuning, &multicast)?;
            return self.lock()?.carry(datagrams, None, &bound, &settings);
        }
        // Asks the name service, maybe: not under the lock.
        let listener = Listener::bind(&endpoint, &settings.tuning).map_err(|failure| {
            monitoring.report_failed_bind(&endpoint, text, failure);
            say!(Conn, "{name}: cannot bind {text}: {:?}", failure.errno);
            failure.errno
        })?;
        let mut socket = self.lock()?;
        socket.check_alive()?;
        socket.listen(listener, settings)
    }

    /// Connects to an endpoint (manual page zmq_connect).
    pub(crate) fn connect(&self, text: &str) -> Result<()> {
        if let Ok(Endpoint::Udp(address)) = Endpoint::parse(text) {
            return self.connect_datagrams(text, &address);
        }
        let mut socket = self.lock()?;
        socket.process(self);
        socket.check_alive()?;
        socket.connect(text)
    }

    fn connect_datagrams(&self, text: &str, address: &UdpAddress) -> Result<()> {
        self.check_open()?;
        let (settings, multicast) = {
            let mut socket = self.lock()?;
            socket.check_transport(&Endpoint::Udp(address.clone()), SocketType::Radio)?;
            socket.reactor_for_endpoint()?;
            (socket.settings(), socket.multicast())
        };
        // Asks the name service, maybe: not under the lock.
        let (datagrams, to) = Datagrams::to(address, &settings.tuning, &multicast)?;
        self.lock()?.carry(datagrams, Some(to), text, &settings)
    }

    /// Ends what was bound or connected at an endpoint (manual pages
    /// zmq_unbind, zmq_disconnect). `ENOENT`.
    pub(crate) fn end_endpoint(&self, text: &str) -> Result<()> {
        self.check_open()?;
        let endpoint = Endpoint::parse(text)?;
        let ipv6 = {
            let mut socket = self.lock()?;
            socket.process(self);
            socket.check_alive()?;
            socket.check_transport(&endpoint, socket.kind())?;
            if socket.end_endpoint(text) {
                return Ok(());
            }
            socket.options.ipv6
        };
        // The same endpoint may be written in several ways. This may ask the
        // name service: not under the lock.
        let text = endpoint.canonical(ipv6).ok_or(Errno::ENOENT)?;
        if self.lock()?.end_endpoint(&text) { Ok(()) } else { Err(Errno::ENOENT) }
    }
}

impl Socket {
    /// `ENOCOMPATPROTO` where the socket's type does not go with the transport:
    /// datagrams are for RADIO, which connects, DISH, which binds, and DGRAM, which
    /// binds and knows nothing else. `udp` is the former of them that may.
    fn check_transport(&self, endpoint: &Endpoint, udp: SocketType) -> Result<()> {
        use SocketType::{Dgram, Dish, Radio};
        let datagrams = matches!(endpoint, Endpoint::Udp(_));
        let fits = match self.kind() {
            Dgram => datagrams && udp != Radio,
            kind @ (Radio | Dish) => !datagrams || kind == udp,
            _ => !datagrams,
        };
        if fits { Ok(()) } else { Err(Errno::ENOCOMPATPROTO) }
    }

    fn multicast(&self) -> Multicast {
        let multicast = &self.options.multicast;
        Multicast { hops: multicast.hops, loops_back: multicast.loops_back }
    }

    /// Takes in a pipe to an UDP socket, which sends to `to`, if that is given.
    fn carry(
        &mut self,
        datagrams: Datagrams,
        to: Option<SocketAddr>,
        text: &str,
        settings: &Settings,
    ) -> Result<()> {
        self.check_alive()?;
        let reactor = self.reactor_for_endpoint()?;
        let framing = match self.kind() {
            SocketType::Dgram => Framing::Addresses,
            _ => Framing::Groups(to),
        };
        let (ours, theirs) = pipe([settings.send_hwm, settings.receive_hwm], false);
        let (end, text) = (ours.end(), Arc::<str>::from(text));
        self.attach(ours, text.clone(), false);
        let Some(key) = self.pipes.key_of(&end) else {
            return self.refused_peer(text);
        };
        let lease = self.home.lease.clone();
        if let Err(error) = DatagramSession::start(reactor, datagrams, framing, theirs, lease) {
            self.disconnect_pipe(key, &text);
            return Err(error);
        }
        self.last_endpoint = text.to_string();
        self.remember(text, Kind::Datagrams(key));
        Ok(())
    }

    fn bind_name(&mut self, text: &str, name: String) -> Result<()> {
        self.home.inproc.bind(&name, &self.side())?;
        self.remember(text.into(), Kind::Name(name));
        self.last_endpoint = text.to_owned();
        Ok(())
    }

    fn listen(&mut self, listener: Listener, settings: Arc<Settings>) -> Result<()> {
        let reactor = self.reactor_for_endpoint()?;
        let bound: Arc<str> = listener.endpoint().into();
        let surroundings = self.surroundings(bound.clone(), bound.clone(), settings);
        let acceptor = Acceptor::start(reactor, listener, self.placement(), surroundings)?;
        self.last_endpoint = bound.to_string();
        self.remember(bound, Kind::Acceptor(acceptor));
        Ok(())
    }

    /// The reactor of a new endpoint. `EMTHREAD` when there is none; `EINTR` in a forked child,
    /// which would take from its parent what the poll set they share tells of.
    fn reactor_for_endpoint(&mut self) -> Result<Arc<Reactor>> {
        if (self.home.inherited)() {
            return Err(Errno::EINTR);
        }
        let placement = self.placement();
        let reactor = placement.pool.choose(placement.affinity).ok_or(Errno::EMTHREAD)?;
        if self.reactor.is_none() {
            self.reactor = Some(reactor.clone());
            self.port.slot().set_reactor(&reactor);
        }
        Ok(reactor)
    }

    pub(super) fn connect(&mut self, text: &str) -> Result<()> {
        let endpoint = Endpoint::parse(text)?;
        self.check_transport(&endpoint, SocketType::Radio)?;
        if let Endpoint::Inproc(name) = &endpoint {
            let ours = self.home.inproc.connect(name, &self.side())?;
            let text: Arc<str> = text.into();
            let key = self.attach_connected(ours, &text);
            return match key {
                Some(key) => {
                    self.last_endpoint = text.to_string();
                    self.remember(text, Kind::Inproc(key));
                    Ok(())
                }
                None => self.refused_peer(text),
            };
        }
        self.endpoints.forget_given_up();
        if self.ignores_second_connect() && self.endpoints.entries.iter().any(|e| &*e.text == text)
        {
            return Ok(());
        }
        let reactor = self.reactor_for_endpoint()?;
        endpoint.check_connect()?;
        let text: Arc<str> = text.into();
        let settings = self.settings();
        let (theirs, key) = if self.options.immediate {
            (None, None)
        } else {
            let hwm = [settings.send_hwm, settings.receive_hwm];
            let (ours, theirs) = pipe(hwm, settings.conflate);
            match self.attach_connected(ours, &text) {
                Some(key) => (Some(theirs), Some(key)),
                None => return self.refused_peer(text),
            }
        };
        let shown = match (&endpoint, &settings.proxy) {
            (Endpoint::Tcp(_), Some(proxy)) => proxy.endpoint().into(),
            _ => text.clone(),
        };
        let surroundings = self.surroundings(text.clone(), shown, settings);
        let resolver = &self.home.resolver;
        let session = Session::connect(reactor, endpoint, resolver, surroundings, theirs);
        self.last_endpoint = text.to_string();
        self.remember(text, Kind::Session(session, key));
        Ok(())
    }

    /// Takes in the pipe of a connect; `None` when the pattern refuses it.
    fn attach_connected(&mut self, pipe: crate::pipe::Pipe, text: &Arc<str>) -> Option<Key> {
        let end = pipe.end();
        self.attach(pipe, text.clone(), true);
        self.pipes.key_of(&end)
    }

    /// The answer to a connect whose peer the pattern does not take, since its
    /// name is taken, or it has one. Only STREAM's users are told.
    fn refused_peer(&mut self, text: Arc<str>) -> Result<()> {
        if self.kind() == SocketType::Stream {
            return Err(Errno::EINVAL);
        }
        say!(Conn, "{}: takes no peer at {text}: it has one, or the id is taken", self.name);
        self.last_endpoint = text.to_string();
        self.remember(text, Kind::Refused);
        Ok(())
    }

    /// Ends all that has this very text. False when nothing has.
    fn end_endpoint(&mut self, text: &str) -> bool {
        self.endpoints.forget_given_up();
        let entries = std::mem::take(&mut self.endpoints.entries);
        // Of a name that is both bound and connected the bind ends first.
        let is_name = |e: &Entry| &*e.text == text && matches!(e.kind, Kind::Name(_));
        let names_only = entries.iter().any(is_name);
        let (ended, kept): (Vec<Entry>, _) = entries
            .into_iter()
            .partition(|e| if names_only { is_name(e) } else { &*e.text == text });
        self.endpoints.entries = kept;
        let mut any = false;
        for entry in ended {
            // An inproc connect whose peer has left is no more.
            any |= match &entry.kind {
                Kind::Inproc(key) | Kind::Datagrams(key) => self.is_of(*key, &entry.text),
                _ => true,
            };
            self.end_entry(entry);
        }
        any
    }

    fn end_entry(&mut self, entry: Entry) {
        match entry.kind {
            Kind::Acceptor(acceptor) => acceptor.close(self.options.linger),
            Kind::Name(name) => self.home.inproc.unbind(&name, &Door::Socket(self.port.clone())),
            Kind::Inproc(key) | Kind::Datagrams(key) => self.disconnect_pipe(key, &entry.text),
            Kind::Refused => {}
            Kind::Session(session, key) => {
                match key {
                    Some(key) => self.disconnect_pipe(key, &entry.text),
                    None => self.disconnect_all(&entry.text),
                }
                session.abandon(self.options.linger);
            }
        }
    }

    /// Closes the pipe of a connect. What was sent goes on its way; what was
    /// received and not read is dropped.
    fn disconnect_pipe(&mut self, key: Key, text: &Arc<str>) {
        if self.is_of(key, text) {
            self.close_pipe(key);
        }
    }

    fn disconnect_all(&mut self, text: &Arc<str>) {
        for key in self.pipes.keys() {
            if self.pipes.endpoint(key) == Some(text) {
                self.close_pipe(key);
            }
        }
    }

    fn close_pipe(&mut self, key: Key) {
        self.pattern.detach(&mut self.pipes, key);
        self.drop_for_good(key, self.options.linger);
    }

    /// Whether the pipe is the one that this entry's connect made: it may have ended by itself,
    /// and another one have its key, perhaps through an endpoint of the same name.
    fn is_of(&self, key: Key, text: &Arc<str>) -> bool {
        self.pipes.endpoint(key).is_some_and(|endpoint| Arc::ptr_eq(endpoint, text))
    }

    fn remember(&mut self, text: Arc<str>, kind: Kind) {
        self.endpoints.entries.push(Entry { text, kind });
    }

    /// Types for which a second connect to the same endpoint changes nothing.
    fn ignores_second_connect(&self) -> bool {
        use SocketType::{Dealer, Pub, Req, Sub};
        matches!(self.kind(), Dealer | Sub | Pub | Req)
    }

    fn side(&self) -> Side {
        Side {
            name: self.name,
            door: Door::Socket(self.port.clone()),
            send_hwm: self.options.sndhwm,
            receive_hwm: self.options.rcvhwm,
            conflate: self.conflates(),
            routing_id: self.options.routing_id.clone(),
        }
    }

    /// `ZMQ_CONFLATE` means something to these types only.
    fn conflates(&self) -> bool {
        use SocketType::{Dealer, Pub, Pull, Push, Sub};
        self.options.conflate && matches!(self.kind(), Dealer | Pull | Push | Pub | Sub)
    }

    /// Whether connections carry bytes as they are, and how.
    fn raw(&self) -> Option<raw::Config> {
        use SocketType::{Rep, Router, Stream};
        match self.kind() {
            Stream => Some(raw::Config { notify: self.options.stream_notify }),
            Router | Rep if self.options.router_raw => Some(raw::Config { notify: true }),
            _ => None,
        }
    }

    fn placement(&self) -> Placement {
        Placement { pool: self.home.reactors.clone(), affinity: self.options.affinity }
    }

    fn surroundings(
        &self,
        endpoint: Arc<str>,
        shown: Arc<str>,
        settings: Arc<Settings>,
    ) -> Surroundings {
        Surroundings {
            host: self.port.clone(),
            endpoint,
            shown,
            settings,
            watcher: self.monitoring.clone(),
            name: self.name,
            tally: self.tally.clone(),
            authentication: self.home.inproc.clone(),
            negotiators: self.home.negotiators.clone(),
            lease: self.home.lease.clone(),
        }
    }

    /// The proxy that tcp connects are to go through.
    fn proxy(&self) -> Option<Proxy> {
        let socks = &self.options.socks;
        let credentials =
            Credentials { username: socks.username.clone(), password: socks.password.clone() };
        let address = || String::from_utf8_lossy(&socks.proxy).into_owned();
        (!socks.proxy.is_empty()).then(|| Proxy::new(address(), credentials))
    }

    /// The mechanism that the options choose, as a connection knows it.
    fn security(&self) -> Security {
        let options = &self.options.security;
        match options.mechanism {
            MechanismChoice::Null => Security::Null,
            MechanismChoice::Plain if options.serves(MechanismChoice::Plain) => {
                Security::PlainServer
            }
            MechanismChoice::Plain => Security::PlainClient {
                username: options.plain_username.clone(),
                password: options.plain_password.clone(),
            },
            MechanismChoice::Curve if options.serves(MechanismChoice::Curve) => {
                // A server need not be told its own public key.
                let secret_key = options.curve_secret_key.clone();
                Security::CurveServer { public_key: public_key(&secret_key), secret_key }
            }
            MechanismChoice::Curve => Security::CurveClient {
                public_key: *options.curve_public_key,
                secret_key: options.curve_secret_key.clone(),
                server_key: *options.curve_server_key,
            },
            MechanismChoice::Gssapi => Security::Gssapi {
                serves: options.serves(MechanismChoice::Gssapi),
                party: Arc::new(options.principals()),
                plaintext: options.gssapi_plaintext,
            },
        }
    }

    /// `ZMQ_PRIORITY` and `ZMQ_BUSY_POLL`.
    #[cfg(not(feature = "draft"))]
    fn priority(&self) -> (i32, i32) {
        (0, 0)
    }

    /// What each connection begins with, of those whose patterns say nothing of it.
    #[cfg(not(feature = "draft"))]
    fn hello(&self) -> Option<Arc<dyn crate::session::Opening>> {
        None
    }

    /// What is received when a peer has gone.
    #[cfg(not(feature = "draft"))]
    fn farewells(&self) -> crate::session::Farewells {
        crate::session::Farewells::default()
    }

    /// The options as the sessions of one endpoint see them.
    fn settings(&self) -> Arc<Settings> {
        let options = &self.options;
        let limit = match (options.max_message_bytes(), self.home.max_message_bytes) {
            (Some(socket), Some(context)) => Some(socket.min(context)),
            (socket, context) => socket.or(context),
        };
        let zmtp = zmtp::Config {
            socket_type: self.kind(),
            routing_id: options.routing_id.clone(),
            metadata: options.metadata.clone().into_iter().collect(),
            security: self.security(),
            zap: zmtp::zap::Policy {
                domain: options.security.zap_domain.clone(),
                enforced: options.security.zap_enforce_domain,
            },
            max_message_size: limit,
            handshake_timeout: options.handshake_ivl,
            heartbeat_interval: options.heartbeat_ivl,
            heartbeat_timeout: options.heartbeat_timeout,
            heartbeat_ttl_ds: options.heartbeat_ttl_deciseconds,
        };
        let retransmit_ms = options.tcp_maxrt.map_or(0, |time| time.as_millis());
        let tuning = Tuning {
            send_buffer_bytes: options.sndbuf_bytes,
            receive_buffer_bytes: options.rcvbuf_bytes,
            type_of_service: options.tos,
            keepalive: options.tcp_keepalive,
            keepalive_count: options.tcp_keepalive_cnt,
            keepalive_idle_s: options.tcp_keepalive_idle_s,
            keepalive_interval_s: options.tcp_keepalive_intvl_s,
            retransmit_timeout_ms: i32::try_from(retransmit_ms).unwrap_or(i32::MAX),
            priority: self.priority().0,
            busy_poll_us: self.priority().1,
            backlog: options.backlog,
            ipv6: options.ipv6,
            bind_to_device: options.device().map(|d| String::from_utf8_lossy(d).into_owned()),
            admission: self.admission.clone(),
            use_fd: options.use_fd,
        };
        Arc::new(Settings {
            zmtp: Arc::new(zmtp),
            raw: self.raw(),
            tuning,
            receive_hwm: u32::try_from(options.rcvhwm).unwrap_or(0),
            send_hwm: u32::try_from(options.sndhwm).unwrap_or(0),
            conflate: self.conflates(),
            reconnect_after: options.reconnect_interval(),
            reconnect_max: options.reconnect_ivl_max,
            stops_when_refused: options.stops_when_refused(),
            stops_when_handshake_fails: options.stops_when_handshake_fails(),
            proxy: self.proxy(),
            connect_timeout: options.connect_timeout.filter(|time| *time > Duration::ZERO),
            opening: self.pattern.opening().or_else(|| self.hello()),
            farewells: self.farewells(),
        })
    }
}

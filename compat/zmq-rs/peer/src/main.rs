//! The other side of a conversation, by the `zeromq` crate:
//! `peer TYPE bind|connect ENDPOINT COUNT`. Says its endpoint once it is there, `done`
//! when COUNT messages have gone through it as they should; then it waits to be ended.

use std::time::Duration;
use zeromq::{Socket, SocketRecv, SocketSend, ZmqError, ZmqMessage, ZmqResult};

const MOMENT: Duration = Duration::from_millis(1);

/// Message `n`: its number, and a body whose size depends on it.
fn message(n: usize) -> ZmqMessage {
    let mut message = ZmqMessage::from(n.to_string());
    message.push_back(vec![n as u8; n * 37 % 5000].into());
    message
}

/// The number in a message, whose body must be as it should.
fn number(message: &ZmqMessage) -> usize {
    let frames = message.len();
    let text = message.get(frames - 2).expect("a number");
    let n: usize = std::str::from_utf8(text).expect("text").parse().expect("a number");
    let body = message.get(frames - 1).expect("a body");
    assert_eq!(body[..], vec![n as u8; n * 37 % 5000][..]);
    n
}

async fn open<S: Socket>(socket: &mut S, arguments: &[String]) -> ZmqResult<()> {
    if arguments[2] == "bind" {
        println!("at {}", socket.bind(&arguments[3]).await?);
    } else {
        socket.connect(&arguments[3]).await?;
        println!("at {}", arguments[3]);
    }
    Ok(())
}

/// Sends message `n`; one that has bound finds nobody until somebody has come.
async fn send_one<S: SocketSend>(socket: &mut S, n: usize) -> ZmqResult<()> {
    loop {
        match socket.send(message(n)).await {
            Err(ZmqError::ReturnToSender { .. }) => tokio::time::sleep(MOMENT).await,
            sent => return sent,
        }
    }
}

/// Sends numbers; a publisher does so until it is ended, and lets others take part.
async fn send<S: SocketSend>(socket: &mut S, count: usize, publishes: bool) -> ZmqResult<()> {
    for n in 0.. {
        if n == count && !publishes {
            break;
        }
        send_one(socket, n).await?;
        if publishes {
            tokio::time::sleep(MOMENT).await;
        }
    }
    Ok(())
}

/// Receives numbers without a gap.
async fn receive<S: SocketRecv>(socket: &mut S, count: usize) -> ZmqResult<()> {
    let first = number(&socket.recv().await?);
    for n in first + 1..first + count {
        assert_eq!(number(&socket.recv().await?), n);
    }
    Ok(())
}

/// Asks and is answered with the same.
async fn ask<S: SocketSend + SocketRecv>(socket: &mut S, count: usize) -> ZmqResult<()> {
    for n in 0..count {
        send_one(socket, n).await?;
        assert_eq!(number(&socket.recv().await?), n);
    }
    Ok(())
}

/// Answers with the same.
async fn echo<S: SocketSend + SocketRecv>(socket: &mut S, count: usize) -> ZmqResult<()> {
    for n in 0..count {
        let message = socket.recv().await?;
        assert_eq!(number(&message), n);
        socket.send(message).await?;
    }
    Ok(())
}

macro_rules! play {
    ($socket:ty, $arguments:ident, $socket_name:ident, $part:expr) => {{
        let mut $socket_name = <$socket>::new();
        open(&mut $socket_name, &$arguments).await?;
        $part.await?;
        println!("done");
        // What was sent may still be on its way.
        tokio::time::sleep(Duration::from_secs(60)).await;
    }};
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let count = arguments[4].parse()?;
    match arguments[1].as_str() {
        "REQ" => play!(zeromq::ReqSocket, arguments, s, ask(&mut s, count)),
        "REP" => play!(zeromq::RepSocket, arguments, s, echo(&mut s, count)),
        "DEALER" => play!(zeromq::DealerSocket, arguments, s, ask(&mut s, count)),
        "ROUTER" => play!(zeromq::RouterSocket, arguments, s, echo(&mut s, count)),
        "PUSH" => play!(zeromq::PushSocket, arguments, s, send(&mut s, count, false)),
        "PULL" => play!(zeromq::PullSocket, arguments, s, receive(&mut s, count)),
        "PUB" => play!(zeromq::PubSocket, arguments, s, send(&mut s, count, true)),
        "SUB" => {
            let mut socket = zeromq::SubSocket::new();
            open(&mut socket, &arguments).await?;
            socket.subscribe("").await?;
            receive(&mut socket, count).await?;
            println!("done");
        }
        other => panic!("no part for {other}"),
    }
    Ok(())
}

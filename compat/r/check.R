# pbdZMQ: R's library for libzmq.
suppressPackageStartupMessages(library(pbdZMQ))

check <- function(name, body) {
  good <- tryCatch(isTRUE(body()), error = function(e) { print(e); FALSE })
  cat(if (good) "ok" else "not ok", name, "\n")
}

# The package loads the system's library by its path, too, and then calls the other.
cat("version", as.character(zmq.version()), "\n")
context <- zmq.ctx.new()
WAIT_MS <- 15000L

opened <- function(type) {
  socket <- zmq.socket(context, type)
  zmq.setsockopt(socket, ZMQ.SO()$LINGER, 0L)
  zmq.setsockopt(socket, ZMQ.SO()$RCVTIMEO, WAIT_MS)
  zmq.setsockopt(socket, ZMQ.SO()$SNDTIMEO, WAIT_MS)
  socket
}

pair <- function(first, second, endpoint, topic = NULL) {
  one <- opened(first)
  zmq.bind(one, endpoint)
  two <- opened(second)
  if (!is.null(topic)) zmq.setsockopt(two, ZMQ.SO()$SUBSCRIBE, topic)
  bound <- zmq.getsockopt(one, ZMQ.SO()$LAST_ENDPOINT, strrep(" ", 200))
  zmq.connect(two, regmatches(bound, regexpr("^[a-z]+://[A-Za-z0-9./:_-]+", bound)))
  list(one, two)
}

folder <- tempfile("r-zmq-")
dir.create(folder)
endpoints <- list(
  tcp = function() "tcp://127.0.0.1:*",
  ipc = function() paste0("ipc://", tempfile("", folder)),
  inproc = function() paste0("inproc://", basename(tempfile("")))
)
for (transport in names(endpoints)) {
  check(paste0(transport, ": requests and replies"), function() {
    both <- pair(ZMQ.ST()$REP, ZMQ.ST()$REQ, endpoints[[transport]]())
    for (n in 1:200) {
      send.socket(both[[2]], list(question = n))
      send.socket(both[[1]], receive.socket(both[[1]])$question + 1)
      if (receive.socket(both[[2]]) != n + 1) return(FALSE)
    }
    lapply(both, zmq.close)
    TRUE
  })
  check(paste0(transport, ": a stream"), function() {
    both <- pair(ZMQ.ST()$PULL, ZMQ.ST()$PUSH, endpoints[[transport]]())
    for (n in 1:800) zmq.send(both[[2]], as.character(n))
    got <- sapply(1:800, function(n) zmq.recv(both[[1]], 100L)$buf)
    lapply(both, zmq.close)
    identical(got, as.character(1:800))
  })
  check(paste0(transport, ": a large object"), function() {
    both <- pair(ZMQ.ST()$PAIR, ZMQ.ST()$PAIR, endpoints[[transport]]())
    large <- seq(0, 1, length.out = 300000)
    send.socket(both[[2]], large)
    got <- receive.socket(both[[1]])
    lapply(both, zmq.close)
    identical(got, large)
  })
  check(paste0(transport, ": parts"), function() {
    both <- pair(ZMQ.ST()$DEALER, ZMQ.ST()$DEALER, endpoints[[transport]]())
    parts <- list("one", "two", "three")
    zmq.send.multipart(both[[2]], lapply(parts, charToRaw), serialize = FALSE)
    got <- zmq.recv.multipart(both[[1]], unserialize = FALSE)
    lapply(both, zmq.close)
    identical(sapply(got, rawToChar), unlist(parts))
  })
  check(paste0(transport, ": topics"), function() {
    both <- pair(ZMQ.ST()$XPUB, ZMQ.ST()$SUB, endpoints[[transport]](), "news")
    subscription <- zmq.recv(both[[1]], 100L)$buf
    for (text in c("news 1", "other", "news 2")) zmq.send(both[[1]], text)
    got <- c(zmq.recv(both[[2]], 100L)$buf, zmq.recv(both[[2]], 100L)$buf)
    lapply(both, zmq.close)
    subscription == "\001news" && identical(got, c("news 1", "news 2"))
  })
  check(paste0(transport, ": poll"), function() {
    both <- pair(ZMQ.ST()$PAIR, ZMQ.ST()$PAIR, endpoints[[transport]]())
    quiet <- zmq.poll(c(both[[1]]), ZMQ.PO()$POLLIN, 10L)
    zmq.send(both[[2]], "x")
    zmq.poll(c(both[[1]]), ZMQ.PO()$POLLIN, WAIT_MS)
    got <- zmq.poll.get.revents(1)
    lapply(both, zmq.close)
    got == ZMQ.PO()$POLLIN
  })
}
unlink(folder, recursive = TRUE)
zmq.ctx.destroy(context)
cat("ok the context ends\ndone\n")
invisible(readLines("stdin", 1))

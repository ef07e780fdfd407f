import AFSBase
import Glibc
import Logging

/// What the thread of a control server does: poll(2) over the listener and its connections. It never waits for one of them.
struct ControlLoop {
  let listener: Int32
  let isShared: Bool
  let mailbox: ControlMailbox
  let logger: Logger
  let spawn: ControlServer.Spawner
  let handler: ControlServer.Handler

  private var connections: [UInt64: ServedConnection] = [:]
  private var lastID: UInt64 = 0
  private var quota = ConnectionQuota(owner: geteuid())
  private var isListening = true
  /// Nothing is accepted before: the process had no descriptor left.
  private var acceptsFrom = MonotonicTime.zero

  init(
    listener: Int32, isShared: Bool, mailbox: ControlMailbox, logger: Logger, spawn: @escaping ControlServer.Spawner,
    handler: @escaping ControlServer.Handler
  ) {
    self.listener = listener
    self.isShared = isShared
    self.mailbox = mailbox
    self.logger = logger
    self.spawn = spawn
    self.handler = handler
  }

  /// Returns after a stop, when all requests which had come are answered.
  mutating func run() {
    while isListening || !connections.isEmpty {
      let ready = wait()
      let letters = mailbox.collect()
      if letters.isStopped { stopListening() }
      for letter in letters.replies { reply(letter.reply, to: letter.connection) }
      for id in ready.connections { advance(id) { $0.ready() } }
      let now = SystemClock.monotonic
      for (id, connection) in connections where connection.deadline <= now { advance(id) { $0.expired() } }
      if ready.listener, isListening { accept(now) }
    }
  }

  private func wait() -> (listener: Bool, connections: [UInt64]) {
    let now = SystemClock.monotonic
    var deadline = connections.values.lazy.map(\.deadline).min() ?? .distantFuture
    var entries = [pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0)]
    // poll(2) ignores negative descriptors.
    let accepts = isListening && acceptsFrom <= now
    entries.append(pollfd(fd: accepts ? listener : -1, events: Int16(POLLIN), revents: 0))
    if isListening, !accepts { deadline = min(deadline, acceptsFrom) }
    var watched: [UInt64] = []
    for (id, connection) in connections {
      guard let entry = connection.wanted else { continue }
      watched.append(id)
      entries.append(entry)
    }
    let count = poll(&entries, nfds_t(entries.count), pollTime(from: now, until: deadline))
    guard count > 0 else { return (false, []) }
    return (entries[1].revents != 0, watched.indices.filter { entries[$0 + 2].revents != 0 }.map { watched[$0] })
  }

  /// Whoever has not asked yet is not heard any more.
  private mutating func stopListening() {
    guard isListening else { return }
    isListening = false
    close(listener)
    for (id, connection) in connections where connection.isReading { end(id) }
  }

  private mutating func accept(_ now: MonotonicTime) {
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      guard descriptor >= 0 else {
        if errno == EINTR || errno == ECONNABORTED { continue }
        if errno == EAGAIN { return }
        // No descriptors left, perhaps: later.
        logger.warning("control socket", metadata: ["error": "\(errorText(errno))"])
        acceptsFrom = now + .milliseconds(100)
        return
      }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      open(ControlConnection(descriptor: descriptor), now)
    }
  }

  private mutating func open(_ socket: ControlConnection, _ now: MonotonicTime) {
    let user = ControlConnection.peerUser(socket.descriptor)
    var connection = ServedConnection(socket, user: user ?? .max, now: now)
    // Refusals fit into the empty socket: nothing is left to be sent later.
    guard let user else {
      _ = connection.reply(.failed("the system does not say who asks"), now: now)
      return
    }
    guard isShared || quota.isPrivileged(user) else {
      _ = connection.reply(.failed(Self.foreign), now: now)
      return
    }
    guard quota.admit(user) else {
      _ = connection.reply(.failed("too many requests of yours are under way: try again later"), now: now)
      return
    }
    lastID += 1
    connections[lastID] = connection
  }

  private static let foreign = "this mount belongs to another user"

  private mutating func advance(_ id: UInt64, _ body: (inout ServedConnection) -> ServedConnection.Outcome) {
    guard var connection = connections[id] else { return }
    let outcome = body(&connection)
    connections[id] = connection
    switch outcome {
    case .waiting: break
    case .over: end(id)
    case .refused(let text): reply(.failed(text), to: id)
    case .request(let line): answer(line, id, connection.user)
    }
  }

  private mutating func answer(_ line: RequestLine, _ id: UInt64, _ user: uid_t) {
    do throws(ControlError) {
      let request = try line.withBytes { line throws(ControlError) in try ControlRequest(line: line) }
      guard quota.isPrivileged(user) || request.isForEverybody else { throw .refused(Self.foreign) }
      spawn { [handler, mailbox] in mailbox.post(await handler(request, user), to: id) }
    } catch {
      reply(.failed(error.description), to: id)
    }
  }

  private mutating func reply(_ reply: ControlReply, to id: UInt64) {
    let now = SystemClock.monotonic
    advance(id) { $0.reply(reply, now: now) }
  }

  private mutating func end(_ id: UInt64) {
    guard let connection = connections.removeValue(forKey: id) else { return }
    quota.release(connection.user)
  }
}

import AFSBase
import Glibc

/// One connection of a control server's: a request comes in, is answered, the reply goes out. Nothing here waits.
///
/// Each direction has one deadline for the whole message: who sends or reads a byte now and then gains nothing by it.
struct ServedConnection {
  static let requestTime: Duration = .seconds(5)
  static let replyTime: Duration = .seconds(10)

  private enum Step {
    case reading(RequestLine)
    /// The handler has it.
    case answering
    case replying([UInt8], sent: Int)
  }

  enum Outcome: Equatable {
    case waiting
    case request(RequestLine)
    /// A text for the sender.
    case refused(String)
    /// Nothing more is to come of it.
    case over
  }

  let user: uid_t
  private let socket: ControlConnection
  private var step = Step.reading(RequestLine())
  private(set) var deadline: MonotonicTime

  init(_ socket: ControlConnection, user: uid_t, now: MonotonicTime) {
    self.socket = socket
    self.user = user
    deadline = now + Self.requestTime
  }

  var isReading: Bool {
    if case .reading = step { return true }
    return false
  }

  /// What poll(2) is to watch; nil: nothing, for even a peer that has hung up is answered (to nobody) before its place
  /// is another's.
  var wanted: pollfd? {
    switch step {
    case .reading: pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
    case .answering: nil
    case .replying: pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
    }
  }

  /// The socket can be read or written.
  mutating func ready() -> Outcome {
    switch step {
    case .reading(let line): read(line)
    case .answering: .waiting
    case .replying(let bytes, let sent): write(bytes, sent)
    }
  }

  private mutating func read(_ line: RequestLine) -> Outcome {
    while true {
      let space = line.space
      let count = recv(socket.descriptor, space.baseAddress, space.count, Int32(MSG_DONTWAIT))
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { return .waiting }
      guard count > 0 else { return .over }
      switch line.took(count) {
      case .incomplete: continue
      case .complete:
        step = .answering
        deadline = .distantFuture
        return .request(line)
      case .tooLong: return .refused("the request is too long")
      }
    }
  }

  /// Begins to send the reply.
  mutating func reply(_ reply: ControlReply, now: MonotonicTime) -> Outcome {
    deadline = now + Self.replyTime
    return write(Array((reply.json.text() + "\n").utf8), 0)
  }

  private mutating func write(_ bytes: [UInt8], _ already: Int) -> Outcome {
    var sent = already
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(
          socket.descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent,
          Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        step = .replying(bytes, sent: sent)
        return .waiting
      }
      guard count > 0 else { return .over }
      sent += count
    }
    return .over
  }

  /// The deadline has come.
  func expired() -> Outcome {
    if case .reading = step {
      return .refused("the request was not complete within \(Self.requestTime.components.seconds) s")
    }
    return .over
  }
}
